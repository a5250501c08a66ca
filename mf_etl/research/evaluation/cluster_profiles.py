"""What rows of a cluster are like, and what happened after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from mf_etl.research.datasets.columns import OUTCOMES
from mf_etl.research.datasets.streaming import in_order
from mf_etl.research.models.hdbscan.density import NOISE
from mf_etl.research.preparation.prepared import Prepared

COLUMN_THREADS = 2
"""Columns held whole at a time at most, whatever the number of threads."""

_ELSEWHERE = np.int16(-2)
"""Label of a row that a profile does not look at."""

_EXTENT = {
    "cluster_id": pl.Int16,
    "rows": pl.Int64,
    "tickers": pl.Int64,
    "first_date": pl.Int32,
    "last_date": pl.Int32,
}

_FEATURE = {"mean": pl.Float64, "std": pl.Float64}
_OUTCOME = {
    "n": pl.Int64,
    "mean": pl.Float64,
    "median": pl.Float64,
    "std": pl.Float64,
    "p10": pl.Float64,
    "p90": pl.Float64,
    "hit_rate": pl.Float64,
}


def cluster_profiles(
    prepared: Prepared,
    labels: np.ndarray,
    clusters: int,
    sides: Mapping[str, np.ndarray],
    *,
    features: Sequence[str] | None = None,
    outcomes: Sequence[str] = OUTCOMES,
    threads: int = 1,
) -> dict[str, pl.DataFrame]:
    """One frame for each of `sides`, which say which matrix rows they look at (bool, one a row).

    One row a cluster, 0 to clusters − 1, and −1 first if there is noise: `cluster_id`, `rows`,
    `share` of the side's rows, `tickers`, `first_date`, `last_date`; `{feature}_mean` and `_std` of
    the unscaled `features` (by default the model's); and `{outcome}_n`, `_mean`, `_median`, `_std`,
    `_p10`, `_p90` and `_hit_rate` (share above 0). All are over finite values; deviations are of the
    population; without a value they are null. An outcome of a purged row counts nowhere: it reaches
    into the test period.
    """
    features = prepared.features if features is None else features
    ids = ([NOISE] if (labels == NOISE).any() else []) + list(range(clusters))
    own = {side: np.where(kept, labels, _ELSEWHERE) for side, kept in sides.items()}
    frames = {side: _extent(prepared, ids, of_side) for side, of_side in own.items()}
    purged = prepared.mask("outcome_purged")

    def described(name: str) -> dict[str, pl.DataFrame]:
        values, schema, describe = prepared.column(name), _FEATURE, _feature
        if name in outcomes:
            values, schema, describe = np.where(purged, np.nan, values), _OUTCOME, _outcome
        return {
            side: pl.DataFrame([describe(_finite(values[of_side == i])) for i in ids], schema)
            for side, of_side in own.items()
        }

    names = [*dict.fromkeys((*features, *outcomes))]
    threads = min(threads, COLUMN_THREADS)
    for name, found in zip(names, in_order(described, names, threads), strict=True):
        for side, frame in found.items():
            named = frame.select(pl.all().name.prefix(f"{name}_"))
            frames[side] = frames[side].hstack(named)
    return frames


def state_distribution(
    prepared: Prepared, labels: np.ndarray, clusters: int, side: np.ndarray
) -> pl.DataFrame:
    """`cluster_id`, `flow_state_code`, `rows` and `share_of_cluster` of the rows of `side`.

    Pairs without rows are left out.
    """
    ids = np.arange(NOISE, clusters, dtype=np.int16)
    states = prepared.column("flow_state_code")[side].astype(np.int64)
    first = int(states.min(initial=0))
    width = int(states.max(initial=0)) - first + 1
    cell = (labels[side].astype(np.int64) - NOISE) * width + states - first
    table = np.bincount(cell, minlength=len(ids) * width).reshape(-1, width)
    place = np.nonzero(table)
    return pl.DataFrame(
        {
            "cluster_id": ids[place[0]],
            "flow_state_code": (place[1] + first).astype(np.int8),
            "rows": table[place],
            "share_of_cluster": table[place] / table.sum(axis=1)[place[0]],
        }
    )


def _extent(prepared: Prepared, ids: list[int], own: np.ndarray) -> pl.DataFrame:
    _, codes = prepared.ticker_codes
    days = prepared.column("trade_date")
    rows: list[dict[str, int | None]] = []
    for cluster_id in ids:
        inside = own == cluster_id
        found = days[inside]
        rows.append(
            {
                "cluster_id": cluster_id,
                "rows": len(found),
                "tickers": int((np.bincount(codes[inside]) > 0).sum()),
                "first_date": int(found.min()) if len(found) else None,
                "last_date": int(found.max()) if len(found) else None,
            }
        )
    return pl.DataFrame(rows, schema=_EXTENT).select(
        "cluster_id",
        "rows",
        (pl.col("rows") / max(1, sum(row["rows"] for row in rows))).alias("share"),
        "tickers",
        pl.col("first_date", "last_date").cast(pl.Date),
    )


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)].astype(np.float64)


def _feature(x: np.ndarray) -> dict[str, float]:
    return {"mean": float(x.mean()), "std": float(x.std())} if len(x) else {}


def _outcome(x: np.ndarray) -> dict[str, float]:
    if not len(x):
        return {"n": 0}
    p10, median, p90 = (float(q) for q in np.percentile(x, (10, 50, 90)))
    found = {"n": len(x), "median": median, "p10": p10, "p90": p90}
    return found | _feature(x) | {"hit_rate": float((x > 0).mean())}
