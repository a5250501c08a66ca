"""Figures of clusterings as small SVG files; the same table gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from mf_etl.research.evaluation.figures import COLOUR, HIGHLIGHT, STYLE, new_figure, save


@STYLE
def write_cluster_sizes(profile: pl.DataFrame, path: Path) -> None:
    """Share of rows of each cluster of a `cluster_profiles` frame."""
    figure, axes = new_figure(5.0, 0.6 + 0.26 * profile.height)
    names = [_name(i) for i in profile["cluster_id"]]
    bars = axes.barh(names, 100 * profile["share"].to_numpy(), color=COLOUR)
    axes.bar_label(bars, [f"{rows:,}" for rows in profile["rows"]], padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.18)
    axes.set(xlabel="% of rows (rows)", ylabel="cluster")
    save(figure, path)


@STYLE
def write_profile_heatmap(profile: pl.DataFrame, features: Sequence[str], path: Path) -> None:
    """Feature means of each cluster: standard deviations of all rows away from the mean of all."""
    means, stds = (
        profile.select(pl.col(f"{name}_{what}").fill_null(np.nan) for name in features).to_numpy()
        for what in ("mean", "std")
    )
    shares = profile["share"].to_numpy()[:, None]
    centre = np.nansum(shares * means, axis=0)
    spread = np.sqrt(np.nansum(shares * (np.square(stds) + np.square(means - centre)), axis=0))
    scores = (means - centre) / np.where(spread == 0, 1, spread)
    figure, axes = new_figure(2.6 + 0.42 * profile.height, 1.4 + 0.2 * len(features))
    image = axes.imshow(scores.T, cmap="RdBu_r", vmin=-2, vmax=2, aspect="auto")
    axes.set_xticks(range(profile.height), [_name(i) for i in profile["cluster_id"]])
    axes.set_yticks(range(len(features)), features)
    axes.set_xlabel("cluster")
    figure.colorbar(image, ax=axes, label="standard deviations")
    save(figure, path)


@STYLE
def write_outcome_intervals(profile: pl.DataFrame, outcomes: Sequence[str], path: Path) -> None:
    """Mean of each outcome by cluster with its 10th to 90th percentile, in percent."""
    figure = Figure(
        figsize=(2.6 * len(outcomes), 0.8 + 0.26 * profile.height), layout="constrained"
    )
    panels = figure.subplots(1, len(outcomes), sharey=True, squeeze=False)[0]
    places = np.arange(profile.height)
    for axes, outcome in zip(panels, outcomes, strict=True):
        mean, low, high = (
            100 * profile[f"{outcome}_{what}"].fill_null(np.nan).to_numpy()
            for what in ("mean", "p10", "p90")
        )
        axes.hlines(places, low, high, color=COLOUR, linewidth=2)
        axes.plot(mean, places, "o", color=HIGHLIGHT, markersize=4)
        axes.axvline(0, color="#999999", linewidth=0.6)
        axes.set(title=outcome, xlabel="%")
    panels[0].set_yticks(places, [_name(i) for i in profile["cluster_id"]])
    panels[0].set_ylabel("cluster")
    panels[0].invert_yaxis()
    save(figure, path)


@STYLE
def write_silhouette_by_clusters(sweep: pl.DataFrame, path: Path) -> None:
    """Silhouette by number of clusters, one line a method, of a table of `join_cells`."""
    figure, axes = new_figure(5.0, 3.0)
    named = sweep.with_columns(
        pl.concat_str("method", "covariance_type", separator=" ", ignore_nulls=True).alias("name"),
        pl.coalesce("n_clusters", "clusters_found").alias("clusters"),
    ).drop_nulls(["silhouette", "clusters"])
    for (name,), part in named.group_by("name", maintain_order=True):
        part = part.sort("clusters", "seed")
        axes.plot(part["clusters"].to_numpy(), part["silhouette"].to_numpy(), "o-", label=name)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="clusters", ylabel="silhouette")
    if named.height:
        axes.legend(frameon=False)
    save(figure, path)


def _name(cluster_id: int) -> str:
    return "noise" if cluster_id < 0 else str(cluster_id)
