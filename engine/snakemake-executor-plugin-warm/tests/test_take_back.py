"""Which jobs are taken back from busy workers for idle ones."""

from types import SimpleNamespace

from snakemake_executor_plugin_warm.workers import Workers


def worker(*jobs, threads=1):
    """A worker to which these jobs have been sent; it has begun none of them."""
    return SimpleNamespace(
        threads=threads,
        is_ready=True,
        takes_jobs=True,
        jobs=dict.fromkeys(jobs),
        take_back=lambda: jobs[-1],
    )


def taken_back(*workers):
    found = object.__new__(Workers)
    found._all = list(workers)
    return found.take_back_for_idle(free_cores=1)


def test_a_job_that_waits_behind_another_goes_to_an_idle_worker():
    assert taken_back(worker("running", "ahead"), worker()) == "ahead"
    assert taken_back(worker("running", "ahead"), worker("other")) is None
    assert taken_back(worker("running", "ahead"), worker(threads=2)) is None


def test_a_job_that_was_just_sent_stays_where_it_is():
    """Sent again and again until it begins, it would begin twice once the tickets come round."""
    assert taken_back(worker("sent"), worker()) is None
