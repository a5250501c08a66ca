"""Placebo: how far apart the labels are when all of them are shifted to other days."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from mf_etl.research.inference.draws import Draws
from mf_etl.research.inference.intervals import equality_weight, quadratic
from mf_etl.research.inference.shifted import Path as LabelPath
from mf_etl.research.inference.shifted import common_shifts, paths_of, shifted_labels
from mf_etl.research.validation.request import ValidationOptions
from mf_etl.research.validation.rows import MarketDays, labelled_pieces, over_market
from mf_etl.research.validation.stored import StoredSums
from mf_etl.schemas.validation_tables import PLACEBO

SHIFTS = 999


def placebo_table(
    dataset: Path,
    labels: Path,
    market: MarketDays,
    sums: StoredSums,
    draws: Draws | None,
    asked: ValidationOptions,
) -> pl.DataFrame:
    """Rows of `PLACEBO`: the data, then up to 999 common shifts of all labels.

    Empty where there is no market, so nothing to hold apart. `draws` are those of the outcomes: Σ of w
    is of the data.
    """
    own = sums.of.get(("xs", asked.h))
    if own is None or draws is None:
        return PLACEBO.schema().to_frame()
    weight = equality_weight(draws.means(own))
    longest = _longest(labels)
    found = shifted_labels(
        _paths(dataset, labels, market, asked.h),
        sums.states,
        common_shifts(longest, SHIFTS, asked.seed),
        weight=weight,
    )
    mean = own.mean
    w = quadratic(mean[None, :], weight)[0] if weight is not None else np.nan
    columns = {
        "draw": np.arange(len(found.shifts) + 1),
        "shift": np.concatenate([[0], found.shifts]),
        "separation": np.concatenate(
            [[np.nan if found.value is None else found.value], found.separations]
        ),
        "w": np.concatenate([[w], found.w]),
    }
    return PLACEBO.frame(columns, len(found.shifts) + 1)


def placebo_p(table: pl.DataFrame) -> float | None:
    """(1 + #{shifted separation ≥ that of the data})/(shifts + 1); None where nothing was shifted."""
    values = table.get_column("separation")
    if table.height < 2 or values[0] is None:
        return None
    beyond = int((values[1:] >= values[0]).sum())
    return (1 + beyond) / table.height


def _longest(labels: Path) -> int:
    rows = pl.scan_parquet(labels, glob=False).group_by("ticker", "exchange").len()
    longest = rows.select(pl.max("len")).collect().item()
    return int(longest or 0)


def _paths(dataset: Path, labels: Path, market: MarketDays, h: int) -> Iterator[LabelPath]:
    for rows in labelled_pieces(dataset, labels, ["eligible", f"fwd_xs_{h}"]):
        labelled = rows.filter(pl.col("state").is_not_null())
        names = labelled.select(pl.struct("ticker", "exchange").rle_id()).to_series().to_numpy()
        if len(names):
            state = labelled.get_column("state").to_numpy()
            yield from paths_of(names.astype(np.int64), state, over_market(labelled, h, market))
