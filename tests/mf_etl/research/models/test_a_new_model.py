"""A new model is one folder and its entry in the list: it then has all that the others have."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl

from mf_etl.research.runs.catalog import PERIODS, RUN, STABILITY
from tests.conftest import ROOT
from tests.mf_etl.research.clusters import SPLIT, dataset_of, prepared_folder, regime_frame

LINE = '    "hdbscan": HdbscanOptions,\n'
NEW = '    "student_t": StudentTOptions,\n'
IMPORT = "from mf_etl.research.models.options import ClusterOptions\n"
NEW_IMPORT = "from mf_etl.research.models.student_t.spec import StudentTOptions\n"
WORK = """
import sys
from pathlib import Path
from mf_etl.io import ParquetOptions
from mf_etl.research.runs.cells import write_cell, write_sweep
from mf_etl.research.runs.requests import ClusteringStability, ClusteringSweep, spec_of
from mf_etl.research.runs.run import write_periods, write_run
from mf_etl.research.runs.sanity import run_sanity
from mf_etl.research.runs.stability import join_seeds, write_seed

prepared, dataset, out = map(Path, sys.argv[1:])
data, options = (prepared, dataset, "clustering"), ParquetOptions()
spec = spec_of("clustering", {"method": "student_t", "n_clusters": 3, "degrees_of_freedom": 8})
write_run(*data, spec, out / "run", options=options)
write_periods(out / "run" / "cluster_profile.parquet", out / "run", options=options)
print("\\n".join(run_sanity(out / "run", "clustering")[0]))
sweep = ClusteringSweep(methods=("student_t", "kmeans"), n_clusters=(2, 3))
for name, cell in sweep.cells().items():
    write_cell(*data, cell, out / "cells" / f"{name}.json")
cells = sorted((out / "cells").iterdir())
names = {k: out / f"sweep.{k}" for k in ("json", "csv", "svg")}
write_sweep(cells, "clustering", json_path=names["json"], csv=names["csv"], figure=names["svg"])
study = ClusteringStability(clustering=spec, seeds=3)
for name, seed in study.cells().items():
    write_seed(*data, seed, out / "seeds" / name)
join_seeds(sorted((out / "seeds").iterdir()), "clustering", out / "study", options=options)
"""


def with_the_model(folder: Path) -> Path:
    """The library with one folder more, and one entry more in the list of methods."""
    library = folder / "library"
    shutil.copytree(ROOT / "mf_etl", library / "mf_etl")
    models = library / "mf_etl" / "research" / "models"
    shutil.copytree(Path(__file__).parent / "student_t", models / "student_t")
    listed = models / "cluster_spec.py"
    text = listed.read_text(encoding="utf-8")
    assert text.count(LINE) == text.count(IMPORT) == 1
    text = text.replace(LINE, LINE + NEW).replace(IMPORT, IMPORT + NEW_IMPORT)
    listed.write_text(text, encoding="utf-8")
    return library


def test_a_new_model_has_all_that_others_have(tmp_path):
    frames = [regime_frame(ticker) for ticker in "ABC"]
    prepared = prepared_folder(tmp_path, *frames, **SPLIT)
    done = subprocess.run(
        [sys.executable, "-c", WORK, prepared, dataset_of(prepared), tmp_path / "out"],
        cwd=with_the_model(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    expected = {*RUN["clustering"].values(), *PERIODS.values()}
    assert {path.name for path in (out / "run").iterdir()} == expected
    assert "student_t of 900 rows" in done.stdout and "converged" in done.stdout
    labelled = pl.read_parquet(out / "run" / "clustered_dataset.parquet")
    assert labelled["cluster_id"].n_unique() == 3 and labelled["probability"].min() > 0.3
    profile = pl.read_parquet(out / "run" / "cluster_profile_test.parquet")
    assert profile["delta_flow_20_mean"].is_sorted() and not profile["in_sample"].any()
    sweep = pl.read_csv(out / "sweep.csv")
    assert sweep["status"].to_list() == ["ok"] * 4
    mine = sweep.filter(method="student_t")
    assert mine["n_clusters"].to_list() == [2, 3]
    assert mine["test_log_likelihood_per_row"].null_count() == 0
    assert {path.name for path in (out / "study").iterdir()} == {*STABILITY["clustering"].values()}
    summary = json.loads((out / "study" / "stability_summary.json").read_text())
    assert summary["method"] == "student_t" and summary["seeds"] == [0, 1, 2]
