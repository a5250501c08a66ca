"""The same model from several seeds: how far its labels are the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.errors import ResearchError
from mf_etl.io import ParquetOptions, replacing, write_json
from mf_etl.plots.base import save
from mf_etl.research.evaluation.agreement import label_centres, matched, pairwise_ari
from mf_etl.research.evaluation.evaluate import refuse_missing
from mf_etl.research.evaluation.robustness import LEAST_ARI
from mf_etl.research.evaluation.study_figures import agreement
from mf_etl.research.labels.labelled import label_rows
from mf_etl.research.models.interface import Spec
from mf_etl.research.preparation.prepared import Prepared, data_name
from mf_etl.research.preparation.splits import PERIODS
from mf_etl.research.runs.catalog import SEED, STABILITY
from mf_etl.research.runs.cells import CELL_SCHEMA, fit_row
from mf_etl.research.runs.tables import write_tables

LABELS, METRICS = (Path(file).name for file in SEED.values())


def write_seed(
    prepared_folder: Path,
    dataset: Path,
    research: str,
    spec: Spec,
    folder: Path,
    *,
    threads: int = 1,
) -> dict[str, Any]:
    """Fit by the seed of `spec` and write the files of `SEED`; gives the metrics.

    ``labels.npy`` is int16, the label of each row to predict by what was known on the day. With
    `max_fit_rows` the seed draws the tickers to fit on, too.
    """
    prepared = Prepared(prepared_folder, dataset)
    refuse_missing(prepared)
    fitted = spec.model().fitted(prepared, spec, threads)
    labelled = label_rows(fitted.model, prepared, threads)
    told = dict.fromkeys(name for name in CELL_SCHEMA[research] if name not in ("status", "error"))
    told |= spec.told() | fit_row(prepared, fitted, labelled, research, spec, threads)
    with replacing(folder / LABELS) as temporary, temporary.open("wb") as file:
        np.save(file, next(iter(labelled.labels.values())))
    flow, centres = label_centres(labelled)
    is_fit = {PERIODS[p]: bool(labelled.is_fit[labelled.periods == p].any())
              for p in np.unique(labelled.periods)}  # fmt: skip
    found = {
        **told,
        "data": data_name(dataset),
        "notes": prepared.notes,
        "view": labelled.views[0].name,
        "in_sample": is_fit,
        "flow": _plain(flow),
        "centres": [_plain(row) for row in centres],
    }
    write_json(found, folder / METRICS)
    return told


def join_seeds(
    seed_folders: Sequence[Path], research: str, folder: Path, *, options: ParquetOptions
) -> dict[str, Any]:
    """Compare every pair of seeds that converged, write the files of `STABILITY`; gives the summary.

    Labels are in canonical order in every seed. Raises `ResearchError` for fewer than two seeds, a
    seed twice, and seeds of different matrices.
    """
    told = [json.loads((f / METRICS).read_text(encoding="utf-8")) for f in seed_folders]
    order = sorted(range(len(told)), key=lambda i: told[i]["seed"])
    seeds = [told[i]["seed"] for i in order]
    if len(set(seeds)) < max(2, len(seeds)):
        raise ResearchError(f"a stability study needs two seeds or more, each once, not {seeds}")
    labels = [np.load(seed_folders[i] / LABELS, mmap_mode="r", allow_pickle=False) for i in order]
    if len({len(of_seed) for of_seed in labels}) > 1:
        raise ResearchError(
            "the seeds of a stability study are of different matrices; run it again"
        )
    records = [told[i] for i in order]
    # A method that knows no convergence has done all that it does.
    done = [i for i, record in enumerate(records) if record["converged"] is not False]
    ari = pairwise_ari([labels[i] for i in done])
    counted = [seeds[i] for i in done]
    pairs = _pairs(counted, ari)
    schema = {n: t for n, t in CELL_SCHEMA[research].items() if n not in ("status", "error")}
    by_seed = pl.DataFrame(records, schema=schema, orient="row").with_columns(
        mean_ari=pl.Series(_mean_of_each(seeds, done, ari), dtype=pl.Float64)
    )
    of_labels = _of_labels(records, labels, done[0] if done else 0)
    if research == "hmm":
        by_seed = by_seed.join(of_labels, on="seed", maintain_order="left_right")
    summary = _summary(records, counted, pairs)
    paths = {name: folder / file for name, file in STABILITY[research].items()}
    tables = {
        "stability_by_seed": by_seed,
        "stability_pairwise": pairs,
        "stability_sizes": of_labels,
    }
    write_tables(tables, paths, options)
    about = records[0]
    figure = agreement(
        counted, ari, about["data"], view=about["view"], in_sample=about["in_sample"]
    )
    save(figure, paths["stability_figure"])
    write_json(summary, paths["stability_summary"])
    return summary


def _plain(values: NDArray[np.float64]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _pairs(seeds: Sequence[int], ari: NDArray[np.float64]) -> pl.DataFrame:
    first, second = np.triu_indices(len(seeds), 1)
    named = np.array(seeds, dtype=np.int64)
    return pl.DataFrame(
        {"seed_a": named[first], "seed_b": named[second], "ari": ari[first, second]}
    )


def _mean_of_each(
    seeds: Sequence[int], done: Sequence[int], ari: NDArray[np.float64]
) -> list[float | None]:
    """Mean agreement of each seed with the others; None of one that did not converge."""
    means: list[float | None] = [None] * len(seeds)
    if len(done) > 1:
        for place, seed in enumerate(done):
            means[seed] = float((ari[place].sum() - 1) / (len(done) - 1))
    return means


def _of_labels(
    records: Sequence[dict[str, Any]], labels: Sequence[NDArray[np.int16]], reference: int
) -> pl.DataFrame:
    """One row a seed and label, labels matched to those of record `reference`; noise is −1."""
    centres = [
        (np.array(record["flow"], dtype=np.float64), np.array(record["centres"], dtype=np.float64))
        for record in records
    ]
    rows: list[dict[str, Any]] = []
    for record, (flow, means), own in zip(records, centres, labels, strict=True):
        counts = np.bincount(own.astype(np.int64) + 1, minlength=len(flow) + 1)
        if counts[0]:
            rows.append(_label_row(record["seed"], -1, -1, "noise", int(counts[0]), len(own)))
        matching = matched(centres[reference], (flow, means))
        for label, mine in enumerate(matching.labels.tolist()):
            apart = float(np.sqrt(((means[mine] - centres[reference][1][label]) ** 2).sum()))
            row = _label_row(
                record["seed"], label, mine, matching.method, int(counts[mine + 1]), len(own)
            )
            told = {"delta_flow_20_mean": flow[mine], "distance_to_first_seed": apart}
            rows.append(row | {n: float(v) if np.isfinite(v) else None for n, v in told.items()})
    floats = dict.fromkeys(("share", "delta_flow_20_mean", "distance_to_first_seed"), pl.Float64)
    return pl.DataFrame(rows, schema_overrides=floats, infer_schema_length=None)


def _label_row(
    seed: int, label: int, of_seed: int, how: str, rows: int, total: int
) -> dict[str, Any]:
    return {"seed": seed, "label": label, "label_of_seed": of_seed, "matched_by": how,
            "rows": rows, "share": rows / total, "delta_flow_20_mean": None,
            "distance_to_first_seed": None}  # fmt: skip


def _summary(
    records: Sequence[dict[str, Any]], counted: Sequence[int], pairs: pl.DataFrame
) -> dict[str, Any]:
    ari = pairs["ari"].to_numpy()
    done = [record for record in records if record["seed"] in counted]
    notes = list(records[0]["notes"])
    left_out = [record["seed"] for record in records if record["seed"] not in counted]
    if left_out:
        notes.append(
            f"{len(left_out)} of {len(records)} fits did not converge and are not counted: seeds "
            f"{', '.join(map(str, left_out))}"
        )
    if not len(ari):
        notes.append("fewer than two fits converged: nothing can be said of their agreement")
    elif ari.mean() < LEAST_ARI:
        notes.append(
            f"mean ARI {ari.mean():.4g} is below {LEAST_ARI:g}: labels change with the seed"
        )
    told = {str(name): records[0][name] for name in ("method", "n_clusters", "n_components")
            if name in records[0]}  # fmt: skip
    return {
        **told,
        "seeds": [record["seed"] for record in records],
        "converged": len(counted),
        "pairs": len(ari),
        **{
            f"{name}_ari": float(function(ari)) if len(ari) else None
            for name, function in _OF_PAIRS.items()
        },
        **{name: _spread(done, name) for name in _OF_SEEDS if name in records[0]},
        "thresholds": {"mean_ari_at_least": LEAST_ARI},
        "notes": notes,
    }


_OF_PAIRS: dict[str, Callable[[NDArray[np.float64]], Any]] = {
    "mean": np.mean,
    "smallest": np.min,
    "largest": np.max,
    "std": np.std,
}
_OF_SEEDS = ("silhouette", "log_likelihood_per_row", "forward_separation")


def _spread(records: Sequence[dict[str, Any]], name: str) -> dict[str, float | None]:
    values = [record[name] for record in records if record[name] is not None]
    if not values:
        return {"mean": None, "std": None}
    return {"mean": float(np.mean(values)), "std": float(np.std(values))}
