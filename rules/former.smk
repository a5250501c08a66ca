"""Before the first job and after the last: former files, and time stamps out of the future.

A failed job leaves a ticker, or a file over the universe, with no less than there was (`mf_etl.former`).
"""

import atexit
from types import SimpleNamespace

from snakemake.io import IOFile

from mf_etl import former
from mf_etl.catalog import former_records

# Where the run has started: at its very end, the working directory may be another.
WORKING_FOLDER = Path.cwd()
# The outputs that were there before, by the job that makes them anew.
FORMER = {}
# For the next run, should this one be killed.
RECORDS = []


def planned_files():
    """Every file that the plan reads or makes."""
    return {
        str(file) for job in workflow.dag.jobs for file in (*job.input, *job.output)
    }


def keep_former_files():
    """Before the first job: a second name for what the jobs are about to replace."""
    problem = None
    jobs = [job for job in workflow.dag.jobs if workflow.dag.needrun(job)]
    files = [file for job in jobs for file in job.output if former.is_there(file)]
    try:
        if files:
            folder = former_records(SETTINGS.paths).absolute()
            RECORDS.append(former.Record(folder, files))
    except OSError as error:
        problem = error
    for job in jobs:
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
    while RECORDS:
        RECORDS.pop().close()
    if count:
        print(
            f"Kept the former files of {count} failed jobs; the next run makes them anew",
            file=sys.stderr,
        )


def give_back_for_killed_runs():
    """What killed runs have kept: what is lost is put back, to be made anew when it is asked for."""
    found = 0
    for path in former.left_by_killed_runs(former_records(SETTINGS.paths)):
        if former.is_lost(path):
            workflow.persistence.started(SimpleNamespace(output=[IOFile(path)]))
            found += 1
        former.put_back(path)
    if found:
        print(
            f"Put back {found} former files that a killed run has left; they are made anew when "
            "they are asked for",
            file=sys.stderr,
        )


def at_the_end_of_nothing_to_do():
    """A run without jobs has no first job either."""
    os.chdir(WORKING_FOLDER)
    if workflow.execution_settings and workflow.persistence:
        if not workflow.dryrun and not workflow.touch:
            give_back_for_killed_runs()


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
    if not IS_PART:
        give_back_for_killed_runs()
    keep_former_files()


if workflow.is_main_process and not IS_PART and not IS_MODULE:
    atexit.register(at_the_end_of_nothing_to_do)
