"""How far labels can be trusted: a few numbers, and plain notes where they are poor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from mf_etl.research.datasets.columns import SEPARATION_OUTCOMES
from mf_etl.research.evaluation.groups import Groups
from mf_etl.research.evaluation.separation import Apart
from mf_etl.research.models.canonical import NOISE

LEAST_SILHOUETTE = 0.10
LARGEST_SHARE = 0.70
LARGEST_P = 0.05
LEAST_ARI = 0.50
THRESHOLDS = {
    "silhouette_at_least": LEAST_SILHOUETTE,
    "largest_share_at_most": LARGEST_SHARE,
    "p_shifted_at_most": LARGEST_P,
    "mean_ari_at_least": LEAST_ARI,
}


def robustness_summary(
    groups: Groups, profile: pl.DataFrame, apart: Mapping[tuple[str, str], Apart], **metrics: Any
) -> dict[str, Any]:
    """Balance and forward separation of each view and period, thresholds, and notes.

    `profile` is what `profiles` gives, `apart` what `separations` gives; `metrics` are told as they
    are, and a ``silhouette`` among them is held against its threshold.
    """
    views: dict[str, Any] = {}
    notes = list(_silhouette_notes(metrics.get("silhouette")))
    for view, period, in_sample, _ in groups.sides():
        side = profile.filter(view=view.name, period=period)
        told = balance(side, groups.label_name) | {
            "in_sample": in_sample,
            "forward_separation": asdict(apart[view.name, period]),
        }
        seen = views.setdefault(view.name, {"seen": view.seen, "warning": view.warning})
        seen[period] = told
        notes += _side_notes(f"{view.name}, {period}", told)
    return {
        **metrics,
        "views": views,
        "forward_rank_correlation": rank_correlation(groups, profile),
        "thresholds": THRESHOLDS,
        "notes": [*(view.warning for view in groups.labelled.views if view.warning), *notes],
    }


def balance(profile: pl.DataFrame, label: str) -> dict[str, float | None]:
    """Largest share and effective number of labels of one view and period.

    Shares are of the rows with a label. Effective labels = 1/Σ share² (the inverse of Simpson's
    index, 1949).
    """
    rows = profile.filter((pl.col(label) != NOISE) & (pl.col("rows") > 0))["rows"].to_numpy()
    if not len(rows):
        return {"largest_share": None, "effective_labels": None}
    shares = rows / rows.sum()
    return {
        "largest_share": float(shares.max()),
        "effective_labels": float(1 / np.square(shares).sum()),
    }


def rank_correlation(groups: Groups, profile: pl.DataFrame) -> float | None:
    """Spearman's correlation of the labels' mean forward returns in train and test, by the past."""
    label, view = groups.label_name, groups.labelled.views[0].name
    means = [f"{n}_mean" for n in SEPARATION_OUTCOMES if f"{n}_mean" in profile.columns]
    mean = next((name for name in means if profile[name].count()), None)
    if mean is None:
        return None
    train, test = (profile.filter(view=view, period=period) for period in ("train", "test"))
    both = train.join(test, on=label, suffix="_test").filter(pl.col(label) != NOISE)
    both = both.select(mean, f"{mean}_test").drop_nulls()
    if both.height < 3:
        return None
    one, other = (column.rank().to_numpy() for column in both.get_columns())
    if not (np.ptp(one) and np.ptp(other)):
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _silhouette_notes(silhouette: float | None) -> Iterator[str]:
    if silhouette is not None and silhouette < LEAST_SILHOUETTE:
        yield f"silhouette {silhouette:.4g} is below {LEAST_SILHOUETTE:g}: clusters overlap"


def _side_notes(side: str, told: Mapping[str, Any]) -> Iterator[str]:
    share, apart = told["largest_share"], told["forward_separation"]
    if share is not None and share > LARGEST_SHARE:
        yield f"{side}: one label has {share:.2f} of the rows (> {LARGEST_SHARE:g})"
    value, p = apart["value"], apart["p_shifted"]
    if value is None:
        yield f"{side}: forward separation cannot be told: no outcome of two labels"
    elif p is None:
        yield f"{side}: too few rows to shift labels, so a separation of {value:.4f} proves nothing"
    elif p > LARGEST_P:
        yield (
            f"{side}: separation {value:.4f} of mean {apart['outcome']} lies within what "
            f"{apart['shifts']} shifts of the labels give (p {p:.2f} > {LARGEST_P:g})"
        )
