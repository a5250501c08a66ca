"""Labels of another dataset, such as that of a later day, by the model of a finished run."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from mf_etl.errors import ResearchError
from mf_etl.io import ParquetOptions
from mf_etl.research.labels.labelled import write_labelled
from mf_etl.research.models.hmm.markov import MarkovModel
from mf_etl.research.models.hmm.storage import load_model
from mf_etl.research.preparation.prepare import prepare
from mf_etl.research.preparation.prepared import Prepared
from mf_etl.research.preparation.spec import PreparationSpec
from mf_etl.research.runs.catalog import RUN, SPEC
from mf_etl.research.runs.requests import HmmRun, read_spec
from mf_etl.research.runs.run import PASSED_ON


def decode_dataset(
    run_folder: Path,
    dataset: Path,
    metadata: Path | None,
    path: Path,
    *,
    options: ParquetOptions,
    threads: int = 1,
) -> int:
    """Write the decoded rows of every row of `dataset` to `path`, and give how many there are.

    Nothing is fitted: features are scaled and clipped by the run's own parameters, sequences cut by
    its options, and states are those of its model; `period` is by the run's split. Raises
    `ResearchError` for a folder that is no finished HMM run, and for a dataset that lacks a feature
    of the model.
    """
    request = read_spec(run_folder / SPEC)
    if not isinstance(request, HmmRun):
        raise ResearchError(f"{run_folder} is no HMM run but a {request.kind}")
    model = MarkovModel.load(run_folder, threads=threads)
    _, meta = load_model(run_folder)
    spec = PreparationSpec(
        features=tuple(meta["features"]),
        scaler=request.preparation.scaler,
        scaling_scope=request.preparation.scaling_scope,
        clip_zscore=request.preparation.clip_zscore,
        **_split(run_folder),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".prepared-") as temporary:
        folder = Path(temporary)
        prepare(
            dataset,
            metadata,
            spec,
            folder,
            options=options,
            scaler=run_folder / RUN["hmm"]["scaler_params"],
            threads=threads,
        )
        prepared = Prepared(folder, dataset)
        labelled, _ = write_labelled(
            model, prepared, path, passed_on=PASSED_ON["hmm"], options=options, threads=threads
        )
        rows = labelled.rows
        del prepared, labelled  # their memory map is of a file that goes now
    return rows


def _split(run_folder: Path) -> dict[str, Any]:
    """The split that the run came to, as far as `period` rests on it."""
    told = json.loads((run_folder / RUN["hmm"]["split_summary"]).read_text(encoding="utf-8"))
    names = ("split_mode", "train_end", "test_start", "test_end")
    return {name: told[name] for name in names if told[name] is not None}
