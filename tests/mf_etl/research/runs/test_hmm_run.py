"""Run folders, studies, and decoding by a saved model."""

from __future__ import annotations

import json
import shutil

import numpy as np
import polars as pl
import pytest

from mf_etl.errors import ResearchError
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.models.hmm.storage import load_model
from mf_etl.research.preparation import sequences
from mf_etl.research.preparation.spec import PreparationSpec
from mf_etl.research.runs import sanity
from mf_etl.research.runs.catalog import HMM_RUN, HMM_STABILITY, SPEC
from mf_etl.research.runs.decode_dataset import decode_dataset
from mf_etl.research.runs.hmm_run import write_cluster_comparison, write_run
from mf_etl.research.runs.hmm_stability import join_seeds, write_seed
from mf_etl.research.runs.hmm_sweep import CELL_SCHEMA, join_cells, write_cell
from mf_etl.research.runs.requests import HmmRun, spec_text
from tests.mf_etl.research.clusters import FEATURES, SPLIT, prepared_folder, regime_frame
from tests.mf_etl.research.datasets.cases import OPTIONS, day

SHOWN = HmmSpec(n_components=3, n_restarts=3, n_iter=60, start_rows=800)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    """Several shards, so that sums are added and threads have work."""
    monkeypatch.setattr(sequences, "SHARD_ROWS", 400)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    frames = [regime_frame(ticker) for ticker in "ABCDE"]
    folder = tmp_path_factory.mktemp("hmm")
    return prepared_folder(folder, *frames, **SPLIT, predict_on="all")


def run(prepared, folder, threads=1, **options):
    spec = SHOWN.model_copy(update=options)
    summary = write_run(prepared, spec, folder, options=OPTIONS, threads=threads)
    assert json.loads((folder / "run_summary.json").read_text()) == summary
    return summary


def test_a_run_folder_holds_what_was_found(prepared, tmp_path):
    summary = run(prepared, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(HMM_RUN.values())
    decoded = pl.read_parquet(tmp_path / "decoded_rows.parquet")
    rows = pl.read_parquet(prepared / "rows.parquet")
    assert decoded.height == rows.height == summary["rows"]
    agree = decoded.join(rows, on=["ticker", "trade_date"], suffix="_rows")
    assert (agree["hmm_state"] == agree["flow_state_code"] - 1).mean() > 0.95
    profile = pl.read_parquet(tmp_path / "hmm_state_profile.parquet")
    assert profile["view"].to_list() == ["viterbi"] * 3 + ["filtered"] * 3
    assert profile.filter(view="viterbi")["delta_flow_20_mean"].is_sorted()
    assert summary["log_likelihood_per_row"]["test"] is not None and summary["converged"]
    meta = json.loads((tmp_path / "hmm_model_meta.json").read_text())
    held_out = rows.filter(pl.col("trade_date") > day(199)).height
    assert (meta["train_rows"], meta["test_rows"]) == (rows.height - held_out, held_out)
    assert "Viterbi path is chosen with the whole" in summary["notes"][0]
    matrix = pl.read_csv(tmp_path / "transition_matrix.csv").drop("from_state").to_numpy()
    assert np.allclose(matrix.sum(axis=1), 1)
    counts = pl.read_csv(tmp_path / "transition_counts.csv").drop("from_state").to_numpy()
    assert counts.sum() == decoded.height - decoded["hmm_sequence"].n_unique()
    for name in (file for file in HMM_RUN.values() if file.endswith(".svg")):
        assert (tmp_path / name).read_text().lstrip().startswith("<?xml")


def test_same_bytes_at_1_2_and_4_threads(prepared, tmp_path):
    for threads in (1, 2, 4):
        run(prepared, tmp_path / str(threads), threads)
    for name in HMM_RUN.values():
        one, two, four = ((tmp_path / n / name).read_bytes() for n in "124")
        assert one == two == four, name


def test_nothing_after_train_end_changes_the_fit(tmp_path):
    def later(frame: pl.DataFrame) -> pl.DataFrame:
        after = pl.col("trade_date") > day(199)
        return frame.with_columns(
            pl.when(after).then(pl.col(n) * 3 + 2).otherwise(n).alias(n) for n in FEATURES
        )

    for name, change in (("1", lambda frame: frame), ("2", later)):
        frames = [change(regime_frame(ticker)) for ticker in "ABCD"]
        run(prepared_folder(tmp_path / name, *frames, **SPLIT), tmp_path / name / "run")
    one, other = (tmp_path / n / "run" for n in "12")
    for name in ("hmm_means.npy", "hmm_transmat.npy", "hmm_covars.npy", "scaler_params.parquet"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    changed = "decoded_rows.parquet"
    assert (one / changed).read_bytes() != (other / changed).read_bytes()


def test_a_saved_model_decodes_later_days_as_a_refit_would_not(prepared, tmp_path):
    """The dataset that was fitted on, decoded by the saved model, gives the same states."""
    run(prepared, tmp_path / "run")
    preparation = PreparationSpec(features=FEATURES, **SPLIT, predict_on="all")
    request = HmmRun(preparation=preparation, hmm=SHOWN)
    (tmp_path / "run" / SPEC).write_text(spec_text(request))
    dataset = prepared.parent / "dataset.parquet", prepared.parent / "metadata.json"
    path = tmp_path / "decoded" / "decoded_rows.parquet"
    rows = decode_dataset(tmp_path / "run", *dataset, path, options=OPTIONS, threads=2)
    again = pl.read_parquet(path)
    whole = pl.read_parquet(tmp_path / "run" / "decoded_rows.parquet")
    assert rows == again.height == whole.height
    columns = [name for name in whole.columns if name.startswith("hmm_")]
    assert again.select(columns).equals(whole.select(columns))
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    model, _ = load_model(tmp_path / "run")
    matrix = np.load(prepared / "matrix.npy")
    lengths = whole.group_by("hmm_sequence", maintain_order=True).len()["len"].to_list()
    plain = model.to_hmmlearn().predict(matrix.astype(np.float64), lengths)
    assert np.array_equal(plain, whole["hmm_state"].to_numpy())


def test_what_cannot_be_decoded_is_refused(prepared, tmp_path):
    dataset = prepared.parent / "dataset.parquet", prepared.parent / "metadata.json"
    with pytest.raises(ResearchError, match=r"spec\.yaml: No such file"):
        decode_dataset(tmp_path, *dataset, tmp_path / "x.parquet", options=OPTIONS)
    (tmp_path / SPEC).write_text("kind: clustering_run\nclustering: {n_clusters: 2}\n")
    with pytest.raises(ResearchError, match="is no HMM run but a clustering_run"):
        decode_dataset(tmp_path, *dataset, tmp_path / "x.parquet", options=OPTIONS)
    (tmp_path / SPEC).write_text("kind: hmm_run\n")
    with pytest.raises(ResearchError, match="fit again"):
        decode_dataset(tmp_path, *dataset, tmp_path / "x.parquet", options=OPTIONS)
    assert not (tmp_path / "x.parquet").exists()


def test_a_sweep_has_a_row_a_cell_and_a_failure_is_one(prepared, tmp_path):
    for states in (3, 1, 100):
        spec = SHOWN.model_copy(update={"n_components": states, "n_iter": 5, "start_rows": 50})
        write_cell(prepared, spec, tmp_path / f"{states}.json")
    figure, csv = tmp_path / "f.svg", tmp_path / "s.csv"
    table = join_cells(
        [tmp_path / f"{n}.json" for n in (3, 1, 100)], tmp_path / "s.json", csv, figure
    )
    assert table["n_components"].to_list() == [1, 3, 100]
    assert table["status"].to_list() == ["ok", "ok", "failed"]
    assert "too few for the 10999 parameters" in table["error"][2]
    assert table.columns == list(CELL_SCHEMA)
    assert json.loads((tmp_path / "s.json").read_text())["failed"] == 1
    assert pl.read_csv(csv).height == 3 and figure.exists()


def test_a_stability_study(prepared, tmp_path):
    folders = [tmp_path / str(seed) for seed in (2, 0, 1)]
    for folder in folders:
        spec = SHOWN.model_copy(update={"random_state": int(folder.name)})
        write_seed(prepared, spec, folder)
    summary = join_seeds(folders, tmp_path / "study", options=OPTIONS)
    names = sorted(p.name for p in (tmp_path / "study").iterdir())
    assert names == sorted(HMM_STABILITY.values())
    assert summary["seeds"] == 3 and summary["mean_ari"] > 0.99 and summary["notes"] == []
    by_seed = pl.read_parquet(tmp_path / "study" / "hmm_stability_by_seed.parquet")
    assert by_seed["seed"].to_list() == [0] * 3 + [1] * 3 + [2] * 3
    with pytest.raises(ResearchError, match="two seeds or more"):
        join_seeds(folders[:1], tmp_path / "study", options=OPTIONS)
    np.save(folders[0] / "labels.npy", np.zeros(3, dtype=np.int8))
    with pytest.raises(ResearchError, match="of different matrices"):
        join_seeds(folders, tmp_path / "study", options=OPTIONS)


def test_comparison_with_clusters(prepared, tmp_path):
    run(prepared, tmp_path / "run")
    decoded = tmp_path / "run" / "decoded_rows.parquet"
    labels = pl.read_parquet(decoded).select(
        "ticker", "exchange", "trade_date", cluster_id=2 - pl.col("hmm_state")
    )
    labels.write_parquet(tmp_path / "labels.parquet")
    write_cluster_comparison(decoded, tmp_path / "labels.parquet", tmp_path)
    metrics = json.loads((tmp_path / "hmm_vs_cluster_metrics.json").read_text())
    assert metrics == {"rows": labels.height, "ari": 1.0, "nmi": pytest.approx(1.0)}
    assert pl.read_csv(tmp_path / "hmm_vs_cluster_crosstab.csv").height == 3


def test_sanity_tells_of_a_run_and_what_is_null(prepared, tmp_path):
    run(prepared, tmp_path)
    told, problems = sanity.hmm_sanity(tmp_path)
    assert problems == [] and "probability to stay: 0: 0." in "\n".join(told)
    path = tmp_path / "hmm_state_profile.parquet"
    pl.read_parquet(path).with_columns(fwd_ret_10_std=pl.lit(float("nan"))).write_parquet(path)
    _, problems = sanity.hmm_sanity(tmp_path)
    assert "view viterbi hmm_state 0: fwd_ret_10_std is NaN" in problems
    path.unlink()
    with pytest.raises(ResearchError, match=r"hmm_state_profile\.parquet: is not there"):
        sanity.hmm_sanity(tmp_path)


def test_a_run_that_is_refused_writes_nothing(prepared, tmp_path):
    shutil.copytree(prepared, tmp_path / "bad")
    matrix = np.load(tmp_path / "bad" / "matrix.npy")
    matrix[3, 1] = np.nan
    np.save(tmp_path / "bad" / "matrix.npy", matrix)
    with pytest.raises(ResearchError, match="feature tmf_slope_5 has NaN or infinity"):
        run(tmp_path / "bad", tmp_path / "out")
    assert not (tmp_path / "out").exists()
