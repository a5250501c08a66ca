"""The same model from several seeds: how far its states are the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.io import ParquetOptions, replacing, write_csv, write_json, write_parquet
from mf_etl.research.evaluation.comparisons import pairwise_ari, seed_table, stability_summary
from mf_etl.research.evaluation.state_profiles import LEAST_MEAN_ARI
from mf_etl.research.models.hmm.fitting import fitted_run
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.preparation.prepared_sequences import open_prepared
from mf_etl.research.runs.catalog import HMM_SEED_FILES, HMM_STABILITY

LABELS, MEANS, METRICS = HMM_SEED_FILES.values()


def write_seed(
    prepared_folder: Path, spec: HmmSpec, folder: Path, *, threads: int = 1
) -> dict[str, Any]:
    """Fit by ``spec.random_state`` and write `HMM_SEED_FILES`; gives the metrics.

    ``labels.npy`` is int8, the Viterbi state of each decoded row; ``means.npy`` float64, shape
    (states, features).
    """
    prepared = open_prepared(prepared_folder)
    found = fitted_run(prepared, spec, threads)
    decoded = prepared.predict_sequences(
        max_gap_days=spec.max_gap_days, min_length=spec.min_decoded_length
    ).sequences
    model = found.model
    parts = list(model.over_shards(model.viterbi_states, prepared.matrix, decoded))
    kept = next(record for record in found.records if record["kept"])
    metrics = {
        "seed": spec.random_state,
        "log_likelihood_per_row": kept["log_likelihood_per_row"],
        "converged": kept["converged"],
        "iterations": kept["iterations"],
        "delta_flow_20_means": [None if np.isnan(v) else float(v) for v in found.ordered_by],
    }
    for name, array in ((LABELS, np.concatenate(parts)), (MEANS, model.means_)):
        with replacing(folder / name) as temporary, temporary.open("wb") as file:
            np.save(file, array)
    write_json(metrics, folder / METRICS)
    return metrics


def join_seeds(
    seed_folders: Sequence[Path], folder: Path, *, options: ParquetOptions
) -> dict[str, Any]:
    """Match the states of all seeds, compare every pair, write `HMM_STABILITY`; gives the summary.

    Raises `ResearchError` for fewer than two seeds, a seed twice, and seeds of different matrices.
    """
    # Matplotlib takes a second to import, and cells and seeds do not draw.
    from mf_etl.research.evaluation.figures import write_ari_matrix

    told = [json.loads((f / METRICS).read_text(encoding="utf-8")) for f in seed_folders]
    order = sorted(range(len(told)), key=lambda i: told[i]["seed"])
    seeds = [told[i]["seed"] for i in order]
    if len(set(seeds)) < max(2, len(seeds)):
        raise ResearchError(f"a stability study needs two seeds or more, each once, not {seeds}")
    labels = [np.load(seed_folders[i] / LABELS, mmap_mode="r") for i in order]
    means = [np.load(seed_folders[i] / MEANS) for i in order]
    if len({(len(one), *of.shape) for one, of in zip(labels, means, strict=True)}) > 1:
        raise ResearchError(
            "the seeds of a stability study are of different matrices; run it again"
        )
    values = [np.array(told[i]["delta_flow_20_means"], dtype=np.float64) for i in order]
    records = [{k: v for k, v in told[i].items() if k != "delta_flow_20_means"} for i in order]
    ari = pairwise_ari(labels)
    by_seed = seed_table(records, values, means, labels)
    pairs = _pairs(seeds, ari)
    paths = {name: folder / file for name, file in HMM_STABILITY.items()}
    write_parquet(by_seed, paths["hmm_stability_by_seed"], options)
    write_csv(by_seed, paths["hmm_stability_by_seed_csv"])
    write_parquet(pairs, paths["hmm_pairwise_ari"], options)
    write_csv(pairs, paths["hmm_pairwise_ari_csv"])
    write_ari_matrix(seeds, ari, paths["hmm_stability_figure"])
    summary = stability_summary(ari, records)
    mean = summary["mean_ari"]
    notes = [f"mean ARI {mean:.4g} is below {LEAST_MEAN_ARI:g}: states change with the seed"]
    summary["notes"] = notes if mean < LEAST_MEAN_ARI else []
    write_json(summary, paths["hmm_stability_summary"])
    return summary


def _pairs(seeds: Sequence[int], ari: np.ndarray) -> pl.DataFrame:
    first, second = np.triu_indices(len(seeds), 1)
    named = np.array(seeds, dtype=np.int64)
    return pl.DataFrame(
        {"seed_a": named[first], "seed_b": named[second], "ari": ari[first, second]}
    )
