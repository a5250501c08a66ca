"""States of another dataset, such as that of a later day, by the model of a finished run."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mf_etl.errors import ResearchError
from mf_etl.io import ParquetOptions
from mf_etl.research.labels.decoding import write_decoded
from mf_etl.research.models.hmm.storage import load_model
from mf_etl.research.preparation.prepare import prepare_by
from mf_etl.research.preparation.prepared_sequences import open_prepared
from mf_etl.research.preparation.spec import PreparationSpec
from mf_etl.research.runs.catalog import HMM_RUN, SPEC
from mf_etl.research.runs.requests import HmmRun, read_spec


def decode_dataset(
    run_folder: Path,
    dataset: Path,
    metadata: Path,
    path: Path,
    *,
    options: ParquetOptions,
    threads: int = 1,
) -> int:
    """Write the decoded rows of every row of `dataset` to `path`, and give how many there are.

    Nothing is fitted: features are scaled and clipped by the run's own parameters, sequences cut by
    its options, and states are those of its model. Raises `ResearchError` for a folder that is no
    finished HMM run, and for a dataset that lacks a feature of the model.
    """
    request = read_spec(run_folder / SPEC)
    if not isinstance(request, HmmRun):
        raise ResearchError(f"{run_folder} is no HMM run but a {request.kind}")
    model, meta = load_model(run_folder, n_jobs=threads)
    spec = PreparationSpec(
        features=tuple(meta["features"]),
        scaler=request.preparation.scaler,
        scaling_scope=request.preparation.scaling_scope,
        clip_zscore=request.preparation.clip_zscore,
        predict_on="all",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".prepared-") as temporary:
        folder = Path(temporary)
        prepare_by(
            run_folder / HMM_RUN["scaler_params"],
            dataset,
            metadata,
            spec,
            folder,
            options=options,
            threads=threads,
        )
        prepared = open_prepared(folder)
        cut = prepared.predict_sequences(
            max_gap_days=request.hmm.max_gap_days, min_length=request.hmm.min_decoded_length
        )
        rows = write_decoded(model, prepared.matrix, cut.sequences, prepared.rows, path, options)
        del prepared, cut  # their memory map is of a file that goes now
    return rows
