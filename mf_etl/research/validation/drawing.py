"""The figures of a validation, from its tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
from matplotlib.figure import Figure

from mf_etl.plots import validation as plots
from mf_etl.plots.base import save
from mf_etl.research.validation.catalog import VALIDATION
from mf_etl.research.validation.request import ValidationRequest


def write_figures(
    tables: Mapping[str, Path], folder: Path, dataset: str, asked: ValidationRequest
) -> None:
    """Write every figure there is into `folder`; `tables` are files by their name."""
    read = {name: pl.read_parquet(path, glob=False) for name, path in tables.items()}
    folds = read["folds"]
    about = plots.About(
        data=f"{dataset}, {asked.labels}",
        view=asked.column or "known on the day",
        first=folds.get_column("test_first").min(),  # type: ignore[arg-type] # a date
        last=folds.get_column("test_last").max(),  # type: ignore[arg-type]
        in_sample=asked.in_sample,
    )
    draw: dict[str, Callable[[], Figure]] = {
        "figure_intervals": lambda: plots.state_intervals(read["state_outcomes"], about),
        "figure_events": lambda: plots.event_paths(
            read["event_paths"], read["event_summary"], about
        ),
        "figure_placebo": lambda: plots.placebo(read["placebo"], about, h=asked.h),
        "figure_folds": lambda: plots.folds(read["by_year"], about, h=asked.h),
        "figure_equity": lambda: plots.equity(read["daily"], about),
        "figure_capacity": lambda: plots.capacity(read["capacity"], about),
    }
    for name, file in VALIDATION["validation_figures"].items():
        save(draw[name](), folder / file)
