"""The options of the scheduler, `--scheduler-depth-first-...` on the command line.

Snakemake reads the types of the fields, so they must not be postponed to strings.
"""

from dataclasses import dataclass, field

from snakemake_interface_scheduler_plugins.settings import SchedulerSettingsBase


@dataclass
class SchedulerSettings(SchedulerSettingsBase):
    no_rate_limit: bool = field(
        default=False,
        metadata={
            "help": "Start jobs as fast as they come, whatever --max-jobs-per-timespan says. "
            "Snakemake's command line knows no other way to switch its limit off; a high limit "
            "still costs a timer thread a selection, and up to a second at the end.",
        },
    )
