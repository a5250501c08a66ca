"""Before the first job and after the last: former files, and time stamps out of the future.

A failed job leaves a ticker, or a file over the universe, with no less than there was (`mf_etl.former`).
"""

from mf_etl import former

# Where the run has started: at its very end, the working directory may be another.
WORKING_FOLDER = Path.cwd()
# The outputs that were there before, by the job that makes them anew.
FORMER = {}


def planned_files():
    """Every file that the plan reads or makes."""
    return {
        str(file) for job in workflow.dag.jobs for file in (*job.input, *job.output)
    }


def keep_former_files():
    """Before the first job: a second name for what the jobs are about to replace."""
    problem = None
    for job in workflow.dag.jobs:
        if workflow.dag.needrun(job):
            for file in job.output:
                try:
                    if former.keep(file):
                        FORMER.setdefault(job, []).append(file)
                except OSError as error:
                    problem = error
                    if not os.access(os.path.dirname(file), os.W_OK):
                        # Snakemake would end in the middle, where it deletes the old file.
                        stop(
                            f"{file} is to be made anew, but its folder cannot be written: "
                            f"{error.strerror}"
                        )
    if problem:
        print(
            f"mf_etl: a former file that cannot be kept is lost if its step fails: {problem}",
            file=sys.stderr,
        )


def give_former_files_back():
    """After the last job: the files of jobs that have failed, which the next run makes anew."""
    count = 0
    while FORMER:
        job, files = FORMER.popitem()
        paths = [WORKING_FOLDER / file for file in files]
        if any(map(former.is_lost, paths)):
            # First of all, since Snakemake takes what a failed job was to make as made.
            workflow.persistence.started(job)
            count += 1
        for path in paths:
            former.put_back(path)
    if count:
        print(
            f"Kept the former files of {count} failed jobs; the next run makes them anew",
            file=sys.stderr,
        )


def before_the_first_job():
    """What has to be done once there is a plan that has something to do."""
    if not workflow.is_main_process or workflow.touch:
        return
    try:
        changed = former.out_of_the_future(planned_files())
    except MfEtlError as error:
        stop(error)
    if changed:
        print(
            f"mf_etl: {len(changed):,} files had a time stamp in the future, now of the present: "
            f"{changed[0]}{', …' if changed[1:] else ''}",
            file=sys.stderr,
        )
    FINGERPRINTS.save()  # the manifest reads them
    keep_former_files()


onstart:
    before_the_first_job()
