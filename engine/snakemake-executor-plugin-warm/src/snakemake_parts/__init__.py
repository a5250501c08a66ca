"""A job that is a run of a part of its own workflow.

A script calls `run_part`: the files that it names are brought up to date by a run of Snakemake inside
the script's process. What that run does is told upwards (`progress`), so that the display of the whole
shows it. Plans of thousands of jobs are so made in many processes, where one would be the bound.
"""

from snakemake_parts.progress import FailedJob
from snakemake_parts.run import Part, PartError, PartStopped, run_part

__all__ = ["FailedJob", "Part", "PartError", "PartStopped", "run_part"]
