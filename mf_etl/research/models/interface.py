"""What every model can do: be fitted on a prepared matrix, label rows, be saved and loaded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, Self

import polars as pl

from mf_etl.research.models.views import View
from mf_etl.research.preparation.prepared import Prepared
from mf_etl.research.preparation.sequences import Cut

Family = Literal["cluster", "sequence"]


class Spec(Protocol):
    """What a model is asked to be."""

    @property
    def seed(self) -> int:
        """Of all that is drawn."""

    def told(self) -> dict[str, Any]:
        """The options that tell one cell of a sweep from another."""

    def model(self) -> type[Model]:
        """What is fitted; loaded only when it is asked for."""


class Labels(NamedTuple):
    """Labels of rows, a few thousand at a time."""

    cut: Cut
    """Which rows, as sequences; the frames follow their order."""
    frames: Iterator[pl.DataFrame]


@dataclass(frozen=True)
class Fitted:
    """A fitted model and what is told of its fit."""

    model: Model
    report: dict[str, Any]
    """At least ``converged`` (None where a method knows no such thing) and ``iterations``."""
    notes: list[str] = field(default_factory=list)
    """What should be known before the fit is trusted, in plain words."""


class Model(ABC):
    """A fitted model whose labels are in canonical order: 0 is the most supply-like."""

    family: ClassVar[Family]
    views: ClassVar[tuple[View, ...]]
    """The first is the one that has seen the past only."""

    @property
    @abstractmethod
    def states(self) -> int:
        """Labels are 0 to this − 1; −1 is none of them (noise)."""

    @classmethod
    @abstractmethod
    def fitted(cls, prepared: Prepared, spec: Any, threads: int) -> Fitted:
        """Fit on the fit rows only; raises `ResearchError` for what cannot be fitted."""

    @abstractmethod
    def label(self, prepared: Prepared, threads: int, *, brief: bool = False) -> Labels:
        """Columns of the rows to predict: each view's labels, and what else is known of them.

        `brief` is the label of the first view alone.
        """

    @abstractmethod
    def save(self, fitted: Fitted, prepared: Prepared, spec: Any, folder: Path) -> None:
        """Write all that was learnt into a run's folder."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, *, threads: int = 1) -> Self:
        """From what `save` wrote; raises `ResearchError` if it is not whole."""

    def tables(self) -> dict[str, pl.DataFrame]:
        """Tables of the model's own parameters, by the name that the catalogue has."""
        return {}
