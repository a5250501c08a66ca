"""Every option, once: name, type, default, range and meaning. `docs/options.md` comes from here."""

from __future__ import annotations

import json
import os
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from mf_etl.ingest.text import TICKER_PATTERN

EXCHANGE_PATTERN = r"[A-Z][A-Z0-9]{0,15}"
DATASET_PATTERN = r"[a-z0-9][a-z0-9._-]{0,99}"
UNKNOWN_EXCHANGE = "UNKNOWN"


def _upper_case(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _list_of_names(value: Any) -> Any:
    """`A,B` and `["A", "B"]`, the two ways to write a list in an environment variable."""
    if not isinstance(value, str):
        return value
    return json.loads(value) if value.lstrip().startswith("[") else value.split(",")


Ticker = Annotated[
    str, StringConstraints(pattern=f"^{TICKER_PATTERN}$"), BeforeValidator(_upper_case)
]
Exchange = Annotated[
    str, StringConstraints(pattern=f"^{EXCHANGE_PATTERN}$"), BeforeValidator(_upper_case)
]
Tickers = Annotated[tuple[Ticker, ...], BeforeValidator(_list_of_names), NoDecode]
Exchanges = Annotated[tuple[Exchange, ...], BeforeValidator(_list_of_names), NoDecode]


FilePath = Annotated[str, AfterValidator(os.path.expanduser)]
"""A path in which `~` is the user's home."""


class Section(BaseModel):
    """A group of settings; unknown keys are errors and values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Project(Section):
    """What this build calls itself in messages."""

    name: str = "mf_etl"
    """Name of the project."""
    env: str = "local"
    """Where it runs, such as `local`, `ci` or `cluster`."""


class Paths(Section):
    """Where files are; a relative path counts from the folder of the project, `~` is your home."""

    raw_root: FilePath = "tests/data/stooq"
    """Folder of the unpacked Stooq archive: any folder above the exchange folders."""
    data_root: FilePath = "data"
    """Where the layers are written."""
    results_root: FilePath = "results"
    """Where summaries, research runs and reports are written."""
    logs_root: FilePath = "logs"
    """Where the logs of failed jobs are written."""


class Universe(Section):
    """Which tickers are built."""

    exchanges: Exchanges | None = None
    """Exchanges to build; null is every exchange of `folders`. `UNKNOWN` takes in files that lie
    under no known folder."""
    tickers: Tickers | None = None
    """Tickers to build, such as `[AAPL.US, IBM.US]`; null is all."""
    limit: int | None = Field(default=None, ge=1)
    """Build only the first so many tickers, in order of exchange and ticker; null is all."""
    folders: dict[str, Exchange] = {
        f"{folder} {kind}": exchange
        for folder, exchange in (("nasdaq", "NASDAQ"), ("nyse", "NYSE"), ("nysemkt", "NYSEMKT"))
        for kind in ("stocks", "etfs")
    }
    """Folder name on a raw file's path (any case) to the exchange that it stands for. Its last word
    tells the instrument: `stocks` or `etfs`."""

    @field_validator("folders")
    @classmethod
    def _lower_case_names(cls, folders: dict[str, str]) -> dict[str, str]:
        return {name.strip().lower(): exchange for name, exchange in folders.items()}


class Planning(Section):
    """How a build finds out what to do."""

    parcels: bool = True
    """Build tickers in parcels: runs of their own, side by side. False: one plan of all jobs; the
    bytes are the same."""
    names_told: int = Field(default=5, ge=0)
    """Tickers that a dry run and `mf-etl status` name for each layer and reason."""
    reasons: str | None = None
    """JSON file that a dry run writes to: why each step has to run. `mf-etl status` sets this by
    itself; null is none."""


class Precision(Section):
    """Stored precision; everything is computed in float64."""

    helper_dtype: Literal["float32", "float64"] = "float32"
    """Dtype of derived float columns. Open, high, low, close and volume are always float64."""
    eps: float = Field(default=1e-12, gt=0, lt=1e-3)
    """A denominator smaller than this in magnitude gives null."""


class Parquet(Section):
    """How Parquet files are written."""

    compression: Literal["zstd", "snappy", "lz4", "gzip", "brotli", "uncompressed"] = "zstd"
    """Codec."""
    compression_level: int | None = Field(default=1, ge=1, le=22)
    """Level for zstd (1–22), gzip (1–9) and brotli (1–11); null, or another codec: its own."""
    statistics: bool = True
    """Write column statistics, which let readers skip row groups."""

    @model_validator(mode="after")
    def _level_fits_codec(self) -> Parquet:
        highest = {"gzip": 9, "brotli": 11}.get(self.compression, 22)
        if self.compression_level is not None and self.compression_level > highest:
            raise ValueError(f"compression_level of {self.compression} is at most {highest}")
        return self


class Validation(Section):
    """Thresholds of the bronze warnings; a row with a warning stays."""

    gap_days_warn_threshold: int = Field(default=7, ge=1)
    """`q_gap_in_calendar`: more than this many calendar days since the previous valid row."""
    suspicious_range_threshold: float = Field(default=0.5, gt=0)
    """`q_suspicious_bar`: (high − low)/close above this."""
    suspicious_move_threshold: float = Field(default=0.3, gt=0)
    """`q_suspicious_bar`: |close/open − 1| above this."""
    price_step_factor: float = Field(default=1.8, gt=1)
    """`q_price_step`: close/previous close at least this, or at most its inverse."""
    segment_gap_days: int = Field(default=365, ge=30)
    """A gap of more calendar days begins a new segment: nothing is computed across it."""
    conflicting_duplicates: Literal["reject", "keep_last"] = "reject"
    """Rows of one date that disagree: `reject` all of them, or `keep_last`, the last in the file."""
    max_file_mb: float = Field(default=512, gt=0)
    """A raw file of more megabytes (2**20 bytes) is `unreadable`; nothing of it is read."""
    max_line_bytes: int = Field(default=65_536, ge=1_024)
    """A longer line of a raw file is rejected, and kept up to here."""
    price_spike_factor: float = Field(default=5.0, gt=1)
    """`price_spikes` of the quality report: close this many times off from both neighbours."""


class Indicators(Section):
    """Periods of the indicators. Column names carry them, so they are fixed in this version."""

    tmf_period: Literal[21] = 21
    """Smoothing period of Twiggs Money Flow and the TTI proxy, in bars."""
    tmf_ema_span: Literal[5] = 5
    """Span of `tmf_ema_5`, in bars."""


class EventGrammar(Section):
    """Parameters of Event Grammar v1."""

    pivot: Literal["3bar"] = "3bar"
    """How a pivot is told: the middle one of three bars."""
    respect_fail_window: int = Field(default=10, ge=1, le=250)
    """A zero cross fails a respect event that lies at most this many bars before it."""
    hold_consecutive_bars: int = Field(default=5, ge=1, le=250)
    """Bars in a row on one side of zero that make a hold."""
    tmf_burst_abs_threshold: float = Field(default=0.15, ge=0)
    """A burst needs a magnitude above this."""
    tmf_burst_slope_threshold: float = Field(default=0.05, ge=0)
    """A burst needs a 1-bar slope beyond this, on the side of its sign."""
    activity_windows: tuple[Literal[5], Literal[20]] = (5, 20)
    """Windows of the activity columns, in bars. Column names and states rest on them: fixed."""


class FlowWeights(Section):
    """Weights of the events in the flow scores."""

    zero: float = Field(default=1.0, ge=0)
    """Weight of a zero cross."""
    respect: float = Field(default=2.0, ge=0)
    """Weight of a respected zero line."""
    burst: float = Field(default=2.0, ge=0)
    """Weight of a burst."""
    hold: float = Field(default=1.5, ge=0)
    """Weight of a bar in a hold."""


class GoldFeatures(Section):
    """Parameters of the gold features."""

    weights: FlowWeights = FlowWeights()
    """Weights of the events in the flow scores."""


class Market(Section):
    """The equal-weight market that outcomes are told over, whatever a dataset takes."""

    min_adv: float = Field(default=1e6, ge=0, allow_inf_nan=False)
    """Median dollar volume of 20 days from which a stock is part of the market."""
    min_names: int = Field(default=20, ge=1)
    """Stocks that a day's mean needs; with fewer it is null, and so is every outcome over it."""


def _number_or_names(value: Any) -> Any:
    """`30`, `all` and `A,B`, as an environment variable has them."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.isdigit() or text.lower() in ("all", "null"):
        return {"all": "all", "null": None}.get(text.lower(), text)
    return _list_of_names(text)


class Report(Section):
    """What people look at."""

    tickers: Annotated[
        Literal["all"] | Annotated[int, Field(ge=0)] | tuple[Ticker, ...] | None,
        BeforeValidator(_number_or_names),
        NoDecode,
    ] = None
    """Tickers with a chart file: names, a number (those with most rows), or `all`. Null: all of up to
    50 tickers, else the 50 with most rows and the 50 with most problems. Any other ticker is built by
    its file name (`mf-etl chart`), and `mf-etl view` needs no files."""


class Prune(Section):
    """What `snakemake prune` does."""

    delete: bool = False
    """Delete the files of tickers that are no longer built. False: list them."""


class Qa(Section):
    """What the checks over the universe call wrong; more than a threshold is not ok."""

    fail_on: Literal["fail", "warn", "never"] = "fail"
    """The verdict that makes a build end with exit code 1: `fail`, `warn` and worse, or none."""
    missing_tickers: int = Field(default=0, ge=0)
    """fail: tickers of which a layer is missing."""
    unreadable_files: int = Field(default=0, ge=0)
    """warn: raw files that are no text of the expected form."""
    empty_share: float = Field(default=0.05, ge=0, le=1)
    """warn: share of raw files without data lines."""
    rejected_share: float = Field(default=0.05, ge=0, le=1)
    """fail: share of data lines rejected; warn for each single ticker above it."""
    price_spikes: int = Field(default=5, ge=0)
    """warn: price spikes of one ticker."""
    price_steps: int = Field(default=5, ge=0)
    """warn: price steps (`q_price_step`) of one ticker."""
    price_blocks: int = Field(default=0, ge=0)
    """warn: blocks of one ticker between a price step and a later one that takes it back."""
    coverage_share: float = Field(default=0.02, gt=0, le=1)
    """warn: a date on which at least this share of the tickers then alive begin, or end."""
    coverage_tickers: int = Field(default=20, ge=1)
    """A date of fewer tickers that begin, or end, is not told."""
    null_share: float = Field(default=0.05, ge=0, le=1)
    """warn: share of nulls of a key column of one ticker, after its warm-up."""
    state_share: float = Field(default=0.9, gt=0, le=1)
    """warn: share of all rows in one flow state."""

    @property
    def thresholds(self) -> dict[str, float]:
        """All but `fail_on`."""
        return self.model_dump(exclude={"fail_on"})
