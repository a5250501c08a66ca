"""Around a run: what it asks of parcels and keeps other runs off, what it promotes, and its end."""

import atexit
import signal

from mf_etl.io import replacing
from mf_etl.planning.account import jobs_and_failures
from mf_etl.planning.parcel import taken_as_built
from mf_etl.planning.plan import jobs_by_layer
from mf_etl.planning.told import pending_lines

PARCELS, LOCKS = [], []
# The named targets that cover every ticker, and the layer down to which they do.
UNIVERSAL_TARGETS = dict.fromkeys(
    ("all", "qa", "market", "dataset", "clustering", "hmm", "report"), STEPS[-1]
)
UNIVERSAL_TARGETS |= zip(
    ("bronze", "silver", "indicators", "events", "features"), STEPS
)


def needed(*rules):
    """Jobs of the plan that have to run, of some rules or of all that do something."""
    return [
        job
        for job in workflow.dag.jobs
        if workflow.dag.needrun(job)
        and (job.rule.name in rules if rules else not job.rule.norun)
    ]


def work_of_parcels():
    """The value of each parcel of the plan that has to run, by layer and slot."""
    return {
        (job.wildcards.layer, job.wildcards.slot): job.params.work
        for job in needed("parcel")
    }


def begin():
    """Leave word for the parcels of this run, or keep other runs off the tickers that it builds itself."""
    for cache in (CODE, FINGERPRINTS):
        cache.save()
    if workflow.touch:
        return  # no script runs
    jobs, work = needed(*STEPS), work_of_parcels()
    if jobs and work and not is_flat():
        stop(
            f"{jobs[0].output[0]} is asked for by itself and as a part of everything; ask for one"
        )
    LOCKS.extend(
        PLAN.locks((job.wildcards.exchange, job.wildcards.ticker) for job in jobs)
    )
    for lock in LOCKS:
        if not lock.take():
            stop(lock.refusal())
    PARCELS.extend(PLAN.begin(work, is_flat()))
    if not is_flat() and workflow.executor_plugin.name == "warm":
        tell_display(
            {step: sum(n.values()) for step, n in jobs_by_layer(PARCELS).items()}
        )


def tell_display(jobs):
    """Have the jobs of parcels counted as jobs of this run; workers tell of them, clusters do not."""
    from snakemake_parts import progress

    progress.expect(jobs)


def promote_manifest():
    """After a full build the manifest becomes the one that the next is compared with."""
    universe = SETTINGS.universe
    is_full = not (universe.limit or universe.tickers or universe.exchanges)
    asked = {rule.name for rule in workflow.dag.targetrules}
    manifest, stable = Path(TOTAL.file_manifest_current), Path(TOTAL.file_manifest)
    is_current = any(
        job.rule.name == "file_manifest"
        and (not workflow.dag.needrun(job) or workflow.dag.finished(job))
        for job in workflow.dag.jobs
    )
    if (
        is_full
        and UNIVERSAL_TARGETS.keys() & asked
        and is_current
        and manifest.exists()
    ):
        content = manifest.read_bytes()
        if not stable.exists() or stable.read_bytes() != content:
            with replacing(stable) as temporary:
                temporary.write_bytes(content)


def refuse_failures():
    """Files over the universe are made without what failed; a run for them alone does not end well either."""
    _, failures = jobs_and_failures(PLAN.folder, () if is_flat() else PARCELS)
    if failures:
        stop(f"tickers that could not be built: {len(failures):,}, as told below")


def at_end():
    """Whatever way the run ended, if it had a plan."""
    os.chdir(WORKING_FOLDER)
    give_former_files_back()
    CODE.save()
    for lock in LOCKS:
        lock.give_back()
    if workflow.dag is None or workflow.execution_settings is None:
        return
    if workflow.scheduler is None:
        tell_unknown_targets()
        return  # there is no whole plan: it could not be made, or an interrupt came first
    if workflow.touch:
        taken_as_built(PLAN.folder, PLAN.begin(work_of_parcels(), is_flat()), DATA)
    elif workflow.dryrun:
        if SETTINGS.planning.reasons:
            write_reasons(SETTINGS.planning.reasons)
        elif not is_flat():
            print("\n".join(pending_lines(todo(), SETTINGS.planning.names_told)))
    elif not needed():
        promote_manifest()  # a run that was killed at its very end has not
    else:
        record_run()


def save_caches():
    """At the end of a run of another workflow, of which this one is a part."""
    os.chdir(WORKING_FOLDER)
    for cache in (CODE, FINGERPRINTS):
        cache.save()


def end_undisturbed():
    """At the end, which is a moment: an interrupt must not cut short what is written and cleared away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        at_end()
    finally:
        gc.freeze()  # what is left goes with the process: looking through it takes a second


if workflow.is_main_process:
    atexit.register(save_caches if IS_MODULE else end_undisturbed)


onstart:
    LEFT_ALONE.update(up_to_date())
    begin()
    before_the_first_job()


onsuccess:
    give_former_files_back()
    promote_manifest()
    print_verdict()
    refuse_failures()


onerror:
    give_former_files_back()
    promote_manifest()
    print_verdict()
