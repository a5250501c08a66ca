"""How labellings of the same rows agree, and which label of one is which of another.

Counts are integers, so a measure is the same however the table was added up.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from mf_etl.errors import ResearchError
from mf_etl.research.labels.labelled import LabelledRows
from mf_etl.research.models.canonical import ORDER_COLUMN

CHUNK_ROWS = 2**20
JOINED_ROWS = 2**20
"""Rows of one labelling that are joined to another at a time."""

AMBIGUOUS_SHARE = 0.05
"""Neighbours in the canonical order closer than this share of the whole range may swap by chance."""


class Matching(NamedTuple):
    """Labels of one fit in terms of another."""

    labels: NDArray[np.int64]
    """For each label of the reference, the label of the other fit that matches it."""
    method: str
    """``canonical order`` or ``hungarian``."""


def contingency(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    """Rows by the labels of both, which are integers from −1: row and column 0 are of −1."""
    width = int(second.max(initial=-1)) + 2
    table = np.zeros((int(first.max(initial=-1)) + 2) * width, dtype=np.int64)
    for start in range(0, len(first), CHUNK_ROWS):
        inside = slice(start, start + CHUNK_ROWS)
        cell = (first[inside].astype(np.int64) + 1) * width + second[inside] + 1
        table += np.bincount(cell, minlength=len(table))
    return table.reshape(-1, width)


def labels_ari(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Adjusted Rand index of two labellings of the same rows."""
    return adjusted_rand_index(contingency(first, second))


def adjusted_rand_index(table: NDArray[Any]) -> float:
    """Hubert and Arabie (1985): 1 for the same grouping, 0 expected by chance."""
    counts = [[int(count) for count in row] for row in table]
    total = sum(map(sum, counts))
    together = sum(_pairs(count) for row in counts for count in row)
    in_first = sum(_pairs(sum(row)) for row in counts)
    in_second = sum(_pairs(sum(column)) for column in zip(*counts, strict=True))
    if _pairs(total) == 0 or in_first == in_second == together:
        return 1.0
    expected = in_first * in_second / _pairs(total)
    return (together - expected) / ((in_first + in_second) / 2 - expected)


def normalized_mutual_information(table: NDArray[Any]) -> float:
    """Mutual information over the mean of both entropies (arithmetic, as scikit-learn); 0 to 1."""
    share = table / table.sum()
    first, second = share.sum(axis=1), share.sum(axis=0)
    both = share[share > 0]
    mutual = _entropy(first) + _entropy(second) + float((both * np.log(both)).sum())
    mean = (_entropy(first) + _entropy(second)) / 2
    # Both labellings in one group each agree in full, as scikit-learn has it.
    return 1.0 if mean == 0 else min(max(mutual / mean, 0.0), 1.0)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _entropy(share: NDArray[Any]) -> float:
    positive = share[share > 0]
    return float(-(positive * np.log(positive)).sum())


def pairwise_ari(labels: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    """Adjusted Rand index of every two labellings of the same rows; 1 on the diagonal."""
    result = np.eye(len(labels))
    for a, b in itertools.combinations(range(len(labels)), 2):
        result[a, b] = result[b, a] = labels_ari(labels[a], labels[b])
    return result


def label_centres(labelled: LabelledRows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean unscaled `delta_flow_20` (labels,) and scaled features (labels, features) of fit rows.

    By the first view; NaN without rows.
    """
    (labels, *_), states = labelled.labels.values(), labelled.states
    flow, matrix = labelled.column(ORDER_COLUMN), labelled.prepared.matrix
    counts = np.zeros((2, states))
    sums, centres = np.zeros(states), np.zeros((states, matrix.shape[1]))
    start = 0
    for shard in labelled.sequences.shards():
        inside = slice(start, start + shard.rows)
        start = inside.stop
        mine = np.where(labelled.is_fit[inside], labels[inside], -1)
        members = (mine == np.arange(states)[:, None]).astype(np.float64)
        known = np.isfinite(flow[inside])
        counts += members.sum(axis=1), members @ known
        sums += members @ np.where(known, flow[inside], 0.0)
        centres += members @ shard.gather(matrix).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums / counts[1], centres / counts[0][:, None]


def matched(
    reference: tuple[NDArray[np.float64], NDArray[np.float64]],
    other: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> Matching:
    """Match two fits whose labels are in canonical order; each is what `label_centres` gives.

    Label i matches label i unless in either fit two neighbours lie within `AMBIGUOUS_SHARE` of the
    range, or a label has no rows; then the assignment with the least sum of squared distances between
    centres is taken (Kuhn 1955). Fits with another number of labels keep their order.
    """
    same = len(reference[0]) == len(other[0])
    if not same or not (_ambiguous(reference[0]) or _ambiguous(other[0])):
        return Matching(np.arange(min(len(reference[0]), len(other[0]))), "canonical order")
    distance = ((reference[1][:, None, :] - other[1][None, :, :]) ** 2).sum(axis=2)
    far = np.where(np.isfinite(distance), distance, np.finfo(np.float64).max / 1e9)
    return Matching(linear_sum_assignment(far)[1], "hungarian")


def crosstab(
    labelled: pl.LazyFrame, clusters: pl.LazyFrame, label: str
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Rows of each `label` and cluster_id on the rows both have, with shares, ARI and NMI.

    `clusters` has cluster_id (−1 is noise and counts as a cluster of its own) and the keys ticker
    and trade_date, and exchange where both tables have it. Tickers are joined about
    `JOINED_ROWS` rows at a time, so memory does not grow with their number. Raises `ResearchError`
    if no row is in both.
    """
    shared = set(labelled.collect_schema().names()) & set(clusters.collect_schema().names())
    keys = [name for name in ("ticker", "exchange", "trade_date") if name in shared]
    parts = []
    for first, last in ticker_ranges(labelled):
        inside = pl.col("ticker").is_between(pl.lit(first), pl.lit(last))
        mine = labelled.filter(inside).select(*keys, label)
        both = mine.join(clusters.filter(inside).select(*keys, "cluster_id"), on=keys, how="inner")
        parts.append(both.group_by(label, "cluster_id").agg(rows=pl.len()).collect())
    counts = pl.concat(parts).drop_nulls().group_by(label, "cluster_id").agg(pl.col("rows").sum())
    if counts.is_empty():
        raise ResearchError("the clustering run has no row of this HMM run; choose another run")
    table = counts.sort(label, "cluster_id").with_columns(
        share_of_label=pl.col("rows") / pl.col("rows").sum().over(label),
        share_of_cluster=pl.col("rows") / pl.col("rows").sum().over("cluster_id"),
    )
    wide = table.pivot("cluster_id", index=label, values="rows").fill_null(0)
    matrix = wide.drop(label).to_numpy()
    return table, {
        "rows": int(matrix.sum()),
        "ari": adjusted_rand_index(matrix),
        "nmi": normalized_mutual_information(matrix),
    }


def ticker_ranges(rows: pl.LazyFrame) -> Iterator[tuple[str, str]]:
    """First and last ticker of each run of neighbours that fills about `JOINED_ROWS` rows."""
    counts = rows.group_by("ticker").agg(rows=pl.len()).sort("ticker").collect()
    numbered = counts.with_columns(pl.col("rows").cum_sum() // JOINED_ROWS)
    for part in numbered.partition_by("rows", maintain_order=True):
        yield part.item(0, "ticker"), part.item(-1, "ticker")


def _ambiguous(values: NDArray[np.float64]) -> bool:
    if len(values) < 2:
        return False
    if not np.isfinite(values).all():
        return True
    return bool(np.diff(values).min() <= AMBIGUOUS_SHARE * (values[-1] - values[0]))
