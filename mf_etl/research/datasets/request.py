"""What a dataset is asked to hold, checked before anything is read."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.columns import FEATURES, KEY_FEATURES
from mf_etl.settings.sections import Exchanges, FilePath, Section, Tickers
from mf_etl.yaml_text import read_mapping

Model = TypeVar("Model", bound=BaseModel)


class DatasetRequest(Section):
    """Which rows a dataset holds. Outcomes are computed before any of it."""

    tickers: Tickers | None = None
    """Tickers to take, such as `[AAPL.US, IBM.US]`; null is all."""
    exchanges: Exchanges | None = None
    """Exchanges to take; null is all."""
    symbols_limit: int | None = Field(default=None, ge=1)
    """Take only the first so many of the tickers chosen, in alphabetical order; null is all."""
    start_date: datetime.date | None = None
    """First trading day to take; null is the first there is."""
    end_date: datetime.date | None = None
    """Last trading day to take; null is the last there is."""
    sample_frac: float = Field(default=1.0, gt=0, le=1)
    """Share of tickers or rows to take at random, each with this chance."""
    sample_by: Literal["ticker", "row"] = "ticker"
    """What a sample takes: whole tickers, or single rows. An HMM needs whole tickers."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Seed of the sample: the same seed takes the same tickers and rows whatever else is taken."""
    min_adv: float = Field(default=1e6, ge=0, allow_inf_nan=False)
    """Median dollar volume of 20 days from which a row is `eligible`; no row is dropped by it."""
    required_features: tuple[str, ...] = KEY_FEATURES
    """Rows in which one of these is null are dropped; an empty list drops none."""
    file: FilePath | None = None
    """A `dataset.parquet` from elsewhere, taken as it is and known by its content; no other option
    goes with it. Null makes the dataset from the features of this build."""

    @field_validator("tickers", "exchanges")
    @classmethod
    def _sorted_names(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if names is not None and not names:
            raise ValueError("an empty list takes nothing; null takes all")
        return names and tuple(sorted(set(names)))

    @field_validator("required_features")
    @classmethod
    def _known_features(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in names if name not in FEATURES]:
            raise ValueError(f"not features of a dataset: {', '.join(unknown)}")
        return tuple(name for name in FEATURES if name in names)

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.start_date and self.end_date and self.start_date > self.end_date:
            raise ValueError(f"start_date {self.start_date} is after end_date {self.end_date}")
        return self

    @model_validator(mode="after")
    def _file_stands_alone(self) -> Self:
        if self.file is not None:
            chosen = {
                n for n, f in type(self).model_fields.items() if getattr(self, n) != f.default
            }
            if others := sorted(chosen - {"file"}):
                raise ValueError(f"a file is taken as it is: leave out {', '.join(others)}")
        return self

    @property
    def samples_tickers(self) -> bool:
        """The dataset holds some of the tickers, each whole."""
        return self.sample_frac < 1 and self.sample_by == "ticker"

    @property
    def samples_rows(self) -> bool:
        """Rows are missing between the rows of a ticker, so days are not neighbours."""
        return self.sample_frac < 1 and self.sample_by == "row"

    def options(self) -> dict[str, Any]:
        """The options that bear on the result, in JSON types; equal for equal requests."""
        if self.file is not None:
            return {"file": self.file}
        unused = {"file", "sample_by", "seed"} if self.sample_frac == 1 else {"file"}
        return self.model_dump(mode="json", exclude=unused)


def checked(model: type[Model], values: Mapping[str, Any], what: str) -> Model:
    """`values` as a `model`; raises `ResearchError` with one line a problem, each naming `what`."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        problems = error.errors()
        # Of a list whose items are wrong it is told, too, that it has none.
        told = [p for p in problems if p["type"] != "too_short" or len(problems) == 1]
        raise ResearchError("\n".join(_problem(p, what, model) for p in told or problems)) from None


def _problem(problem: Mapping[str, Any], what: str, model: type[BaseModel]) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        return f"{what}: {key} is not known; known are {', '.join(model.model_fields)}"
    if not key:
        return f"{what}: {message}"
    return f"{what}: {key} = {problem['input']!r}: {message}"


def read_request(path: Path) -> DatasetRequest:
    """The request in a YAML file; raises `ResearchError` with one line a problem."""
    return checked(DatasetRequest, read_mapping(path, "", ResearchError), str(path))
