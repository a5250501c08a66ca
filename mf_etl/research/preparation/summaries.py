"""What is told about a preparation: rows at each step, nulls, scaler, split."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl

from mf_etl.research.preparation.scaling import Scaling
from mf_etl.research.preparation.spec import PURGE_BARS, PreparationSpec
from mf_etl.research.preparation.splits import PERIODS
from mf_etl.research.preparation.survey import Survey

DATASET_FACTS = (
    "rows", "symbols", "date_range", "filters", "rows_are_sampled", "delisting", "inputs_digest",
    "versions",
)  # fmt: skip


def preprocess_summary(
    metadata: dict[str, Any],
    survey: Survey,
    used: pl.DataFrame,
    scaling: Scaling,
    clipped: np.ndarray,
) -> dict[str, Any]:
    """What ``preprocess_summary.json`` holds; `used` is `Survey.by_ticker` of what was kept."""
    spec = survey.source.spec
    complete, kept = (int(f.get_column("rows").sum()) for f in (survey.by_ticker, used))
    unseen = survey.by_ticker.join(used, on="ticker", how="anti")
    rows = [survey.source.rows, survey.chosen, complete, kept]
    steps = ("chosen_by_split", "without_null_features", "without_unscaled_tickers")
    return {
        "dataset": {name: metadata.get(name) for name in DATASET_FACTS},
        "spec": spec.model_dump(mode="json"),
        "features": list(spec.features),
        "features_missing": [],
        "rows": kept,
        "dataset_rows": survey.source.rows,
        "fit_rows": int(used.get_column("fit").sum()),
        "predict_rows": int(used.get_column("predict").sum()),
        "tickers": used.get_column("ticker").n_unique(),
        "steps": [
            {"step": step, "rows_before": before, "rows_after": after}
            for step, before, after in zip(steps, rows, rows[1:], strict=False)
        ],
        "nulls": _by_feature(spec.features, survey.nulls),
        "constant_features": [
            name
            for name, constant in zip(spec.features, survey.moments.constant, strict=True)
            if constant
        ],
        "zero_spread": _by_feature(spec.features, scaling.zero_spread.sum(axis=0)),
        "unscaled_tickers": unseen.get_column("ticker").n_unique(),
        "unscaled_ticker_rows": int(unseen.get_column("rows").sum()),
        "clipped_values": _by_feature(spec.features, clipped),
    }


def split_summary(spec: PreparationSpec, used: pl.DataFrame) -> dict[str, Any]:
    """What ``split_summary.json`` holds, of the rows that were kept."""
    by_time = spec.split_mode == "time"
    return {
        "split_mode": spec.split_mode,
        "train_end": _text(spec.train_end),
        "test_start": _text(spec.first_test_day) if by_time else None,
        "test_end": _text(spec.test_end),
        "fit_on": spec.fit_on,
        "predict_on": spec.predict_on,
        "fit": _side(used.filter(pl.col("fit") > 0), "fit"),
        "predict": _side(used.filter(pl.col("predict") > 0), "predict"),
        "periods": {
            period: _side(part, "rows")
            for period in PERIODS
            if (part := used.filter(pl.col("period") == period)).height
        },
        "purge": {
            "bars": PURGE_BARS if by_time else 0,
            "rows": int(used.get_column("purged").sum()),
        },
    }


def _side(part: pl.DataFrame, count: str) -> dict[str, Any]:
    """Rows, tickers and dates; a ticker of one period is on a side whole or not at all."""
    return {
        "rows": int(part.get_column(count).sum()),
        "tickers": part.get_column("ticker").n_unique(),
        "first_day": _text(part.get_column("first_day").min()),
        "last_day": _text(part.get_column("last_day").max()),
    }


def _by_feature(features: Iterable[str], counts: np.ndarray) -> dict[str, int]:
    return {name: int(count) for name, count in zip(features, counts, strict=True)}


def _text(day: Any) -> str | None:
    return None if day is None else str(day)
