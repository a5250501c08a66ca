"""What a validation is asked to do: the `spec.yaml` of its folder, and its entry in the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, field_validator, model_validator

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.columns import OPEN_BARS
from mf_etl.research.datasets.request import checked
from mf_etl.settings.sections import Section
from mf_etl.yaml_text import read_mapping

KIND = "validation"
RUN_PATTERN = r"^[a-z0-9][A-Za-z0-9._-]{0,179}$"
HINDSIGHT = "hindsight_"


class ValidationOptions(Section):
    """How labels are validated."""

    horizons: tuple[int, ...] = OPEN_BARS
    """Horizons, in bars from the next open, at which outcomes are told and tested: of 1, 5, 10, 20."""
    h: int = 10
    """Horizon of placebo and stability, and days that a portfolio holds; one of `horizons`."""
    last_folds: int = Field(default=5, ge=1, le=100)
    """Years of test, each with a fit of its own on all before: the last so many there are."""
    min_names: int = Field(default=20, ge=1)
    """Stocks that the market of a day needs; outcomes of other days are left out."""
    replications: int = Field(default=5000, ge=199, le=100_000)
    """Draws of whole dates that errors and p values rest on."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Seed of all draws and shifts."""
    aum: float = Field(default=1e7, gt=0, allow_inf_nan=False)
    """Size of the portfolio, in currency: what impact and unfilled orders depend on."""
    select_k: tuple[Annotated[int, Field(ge=2, le=100)], ...] | None = None
    """Numbers of states to choose from inside each fold's train rows; null takes the model's own."""
    extra_trials: int = Field(default=0, ge=0)
    """Trials that were made elsewhere, by hand for example: they deflate the Sharpe ratio, too."""
    trials_with: tuple[str, ...] = ()
    """Other validation runs, by folder, whose trials count as this one's, too."""

    @field_validator("horizons")
    @classmethod
    def _known_horizons(cls, horizons: tuple[int, ...]) -> tuple[int, ...]:
        if not horizons or (unknown := set(horizons) - set(OPEN_BARS)):
            told = ", ".join(map(str, sorted(unknown))) if horizons else "an empty list"
            raise ValueError(f"{told} is not among the horizons there are: 1, 5, 10, 20")
        return tuple(sorted(set(horizons)))

    @field_validator("select_k")
    @classmethod
    def _some_numbers(cls, numbers: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if numbers is not None and not numbers:
            raise ValueError("an empty list chooses nothing; null takes the model's own number")
        return numbers and tuple(sorted(set(numbers)))

    @model_validator(mode="after")
    def _h_is_a_horizon(self) -> ValidationOptions:
        if self.h not in self.horizons:
            told = ", ".join(map(str, self.horizons))
            raise ValueError(f"h {self.h} is none of the horizons: {told}")
        return self


class ValidationRequest(ValidationOptions):
    """The labels that are validated, and how."""

    labels: Annotated[str, Field(pattern=RUN_PATTERN)]
    """Folder's name of the run whose model is validated: of a clustering or hidden Markov model."""
    column: str | None = None
    """Column of labels; null is the one known on the day (`hmm_state`, `cluster_id`)."""
    in_sample: bool = False
    """Take the run's own labels, rows that it was fitted on and hindsight columns included; every
    file says that it proves nothing."""

    @model_validator(mode="after")
    def _no_hindsight(self) -> ValidationRequest:
        if self.column is not None and self.column.startswith(HINDSIGHT) and not self.in_sample:
            raise ValueError(
                f"column {self.column} is chosen with later days in sight, so what follows it could "
                f"not be earned; take {self.column.removeprefix(HINDSIGHT)}, or in_sample true"
            )
        return self

    def folder(self, run_id: str) -> str:
        """Name of the validation's folder."""
        return f"{run_id}_{self.labels}"


def read_validation(path: Path) -> ValidationRequest:
    """The request in a `spec.yaml`; raises `ResearchError` with one line a problem."""
    values = read_mapping(path, "", ResearchError)
    if values.pop("kind", None) != KIND:
        raise ResearchError(f"{path}: a line `kind: {KIND}` is needed")
    return checked(ValidationRequest, values, str(path))


def validation_text(request: ValidationRequest) -> str:
    """`request` as the text of a `spec.yaml`: every option in force, in the order of the model."""
    told: dict[str, Any] = {"kind": KIND, **request.model_dump(mode="json")}
    return yaml.safe_dump(told, sort_keys=False)
