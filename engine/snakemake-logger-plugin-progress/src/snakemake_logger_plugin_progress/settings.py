"""Settings of the progress logger, also available as ``--logger-progress-...`` options."""

# No postponed annotations here: Snakemake reads the field types as classes.
from dataclasses import dataclass, field

from snakemake_interface_common.exceptions import ApiError
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """Settings of the progress logger.

    Raises:
        ApiError: a value is out of range; the message names the option.
    """

    interval_seconds: float = field(
        default=5.0,
        metadata={
            "help": "Seconds between two progress lines where the output is not a terminal. "
            "While nothing changes, a line is written once a minute.",
            "type": float,
        },
    )
    max_failures_shown: int = field(
        default=20,
        metadata={
            "help": "Failed jobs listed in the summary at the end; the others are counted.",
            "type": int,
        },
    )
    dry_run_jobs_per_rule: int = field(
        default=3,
        metadata={
            "help": "Jobs shown in full per rule in a dry run; the others are counted.",
            "type": int,
        },
    )

    def __post_init__(self) -> None:
        if not self.interval_seconds > 0:
            raise ApiError(
                "--logger-progress-interval-seconds must be greater than 0, "
                f"not {self.interval_seconds}."
            )
        for name in ("max_failures_shown", "dry_run_jobs_per_rule"):
            if getattr(self, name) < 0:
                option = "--logger-progress-" + name.replace("_", "-")
                raise ApiError(f"{option} must be 0 or more, not {getattr(self, name)}.")
