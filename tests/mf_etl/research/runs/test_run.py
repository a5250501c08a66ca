"""Run folders: contents, bytes, look-ahead, predictions by a later session, refusals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.request import checked
from mf_etl.research.evaluation import separation
from mf_etl.research.evaluation.agreement import labels_ari
from mf_etl.research.labels.predicting import predicted
from mf_etl.research.models.cluster_spec import ClusteringSpec
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.models.kmeans import lloyd
from mf_etl.research.preparation import blocks, sequences
from mf_etl.research.runs import run as run_module
from mf_etl.research.runs.catalog import COPIED, PERIODS, RUN
from mf_etl.research.runs.run import write_periods, write_run
from mf_etl.research.runs.sanity import run_sanity
from tests.mf_etl.research.clusters import (
    FEATURES,
    SPLIT,
    WHOLE,
    dataset_of,
    day,
    prepared_folder,
    regime_frame,
    with_dataset_columns,
)
from tests.mf_etl.research.datasets.cases import OPTIONS

SPECS = {
    "kmeans": {"n_clusters": 3, "n_init": 3},
    "gmm": {"n_clusters": 3, "covariance_type": "full"},
    "hdbscan": {"min_cluster_size": 40, "min_samples": 8, "max_fit_rows": 500},
}
HMM = {"n_components": 3, "n_restarts": 2, "start_rows": 800}
MODELS = (*SPECS, "hmm")
TWO_AND_ALL = (
    "kmeans",
    "hmm",
    *(pytest.param(m, marks=pytest.mark.breadth) for m in ("gmm", "hdbscan")),
)


@pytest.fixture(autouse=True)
def many_blocks(monkeypatch):
    """Sums are of several blocks, and samples of some rows, as in a market."""
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 128)
    monkeypatch.setattr(lloyd, "START_ROWS", 400)
    monkeypatch.setattr(sequences, "SHARD_ROWS", 400)
    monkeypatch.setattr(run_module, "SAMPLE_ROWS", 300)
    monkeypatch.setattr(separation, "REPLICATIONS", 60)


ALL_FILES = (*RUN["clustering"].values(), *PERIODS.values())


def files_of(method: str) -> tuple[str, ...]:
    return tuple(RUN["hmm"].values()) if method == "hmm" else ALL_FILES


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    frames = [regime_frame(ticker) for ticker in "ABCDE"]
    return prepared_folder(tmp_path_factory.mktemp("runs"), *frames, **SPLIT, predict_on="all")


def spec_of(method: str, **options):
    if method == "hmm":
        return HmmSpec(**(HMM | options))
    return ClusteringSpec(method=method, **(SPECS[method] | options))


def run(prepared, folder, method="kmeans", threads=1, **options):
    research = "hmm" if method == "hmm" else "clustering"
    how = {"options": OPTIONS, "threads": threads}
    spec = spec_of(method, **options)
    summary = write_run(prepared, dataset_of(prepared), research, spec, folder, **how)
    is_split = json.loads((prepared / "split_summary.json").read_text())["split_mode"] == "time"
    if is_split and research == "clustering":
        write_periods(folder / "cluster_profile.parquet", folder, options=OPTIONS)
    assert json.loads((folder / "run_summary.json").read_text()) == summary
    return summary


@pytest.fixture(scope="module")
def finished(prepared, tmp_path_factory):
    """By method: the folder of its run, made once; tests leave it as it is."""
    made: dict[str, Path] = {}

    def of(method: str) -> Path:
        if method not in made:
            folder = tmp_path_factory.mktemp(method) / "run"
            run(prepared, folder, method)
            made[method] = folder
        return made[method]

    return of


def summary_of(folder: Path) -> dict:
    return json.loads((folder / "run_summary.json").read_text())


@pytest.mark.parametrize("method", SPECS)
def test_a_run_folder_holds_what_was_found(prepared, finished, method):
    folder = finished(method)
    summary = summary_of(folder)
    assert sorted(p.name for p in folder.iterdir()) == sorted(ALL_FILES)
    rows = with_dataset_columns(prepared)
    found = pl.read_parquet(folder / "clustered_dataset.parquet")
    keys = ["ticker", "exchange", "trade_date", "period", "segment_no"]
    assert_frame_equal(found.select(keys), rows.select(keys))
    assert ("probability" in found.columns) == (method != "kmeans")
    regimes = labels_ari(found["cluster_id"].to_numpy(), rows["flow_state_code"].to_numpy() - 1)
    assert regimes > 0.95 and summary["clusters_found"] == 3
    profile = pl.read_parquet(folder / "cluster_profile.parquet").filter(pl.col("cluster_id") >= 0)
    for period in ("train", "test"):
        part = profile.filter(period=period)
        assert part["delta_flow_20_mean"].is_sorted(), "ids are canonical"
        alone = pl.read_parquet(folder / f"cluster_profile_{period}.parquet")
        assert_frame_equal(alone.filter(pl.col("cluster_id") >= 0), part)
    assert pl.read_csv(folder / "cluster_profile.csv").height >= profile.height
    sample = pl.read_parquet(folder / "clustered_dataset_sample.parquet")
    whole = rows.hstack(found.select(pl.exclude(keys)))
    assert sample.height == 300 and set(sample.columns) == set(whole.columns)
    assert_frame_equal(sample, whole.join(sample, on=keys[:3], how="semi").select(sample.columns))
    metrics = json.loads((folder / "clustering_metrics.json").read_text())
    assert metrics["test"]["rows"] == 500 and metrics["fit"]["silhouette"] > 0.5
    kind = {"kmeans": {"inertia"}, "gmm": {"bic", "aic"}, "hdbscan": {"noise_share"}}[method]
    assert kind <= metrics["fit"].keys()


@pytest.mark.parametrize("method", MODELS)
def test_every_run_tells_the_same_things(prepared, finished, method):
    """One evaluation: whatever the model, by view and period, in-sample rows named as such."""
    folder = finished(method)
    summary = summary_of(folder)
    files = RUN["hmm" if method == "hmm" else "clustering"]
    for name in COPIED:
        assert (folder / files[name]).read_bytes() == (prepared / files[name]).read_bytes()
    for name in (file for file in files.values() if file.endswith(".svg")):
        text = (folder / name).read_text()
        assert text.lstrip().startswith("<?xml") and "data: " in text and "n = " in text, name
    assert {p: told["in_sample"] for p, told in summary["periods"].items()} == {
        "train": True,
        "test": False,
    }
    profile = pl.read_parquet(folder / files["profile"])
    dwell = pl.read_csv(folder / "dwell_stats.csv")
    counts = pl.read_csv(folder / "transition_counts.csv")
    for table in (profile, dwell, counts):
        in_sample = dict(table.select("period", "in_sample").unique().rows())
        assert in_sample == {"train": True, "test": False}
    steps = counts.filter(view=counts["view"][0]).select(pl.sum_horizontal("^to_.*$")).sum().item()
    labelled = pl.read_parquet(folder / files["labelled"])
    noise = labelled.filter(pl.col("cluster_id") < 0).height if method == "hdbscan" else 0
    assert labelled.height - 5 - 2 * noise <= steps <= labelled.height - 5
    told = json.loads((folder / "robustness_summary.json").read_text())
    apart = next(iter(told["views"].values()))["train"]["forward_separation"]
    assert apart["shifts"] > 10 and apart["lo"] <= apart["value"] <= apart["hi"]
    assert summary["forward_separation"]["train"] == apart
    lines, problems = run_sanity(folder, "hmm" if method == "hmm" else "clustering")
    assert problems == [] and lines[-1] == summary["account"]
    assert any("train (in-sample: fitted on):" in line for line in lines)


@pytest.mark.parametrize("method", TWO_AND_ALL)
def test_same_bytes_at_1_and_4_threads(prepared, tmp_path, method):
    for threads in (1, 4):
        run(prepared, tmp_path / str(threads), method, threads)
    for name in files_of(method):
        one, four = ((tmp_path / n / name).read_bytes() for n in "14")
        assert one == four, name


@pytest.mark.parametrize("method", SPECS)
def test_a_later_session_predicts_the_same(prepared, finished, method):
    folder = finished(method)
    rows = with_dataset_columns(prepared)
    found = pl.read_parquet(folder / "clustered_dataset.parquet")
    inside = (
        ~rows["ticker"].is_in(summary_of(folder)["fit_sample"]["ticker_names"] or [])
        if method == "hdbscan"
        else pl.repeat(True, rows.height, eager=True)
    )  # fmt: skip
    again = predicted(folder, rows)
    columns = [name for name in ("cluster_id", "probability") if name in found.columns]
    assert_frame_equal(
        again.filter(inside).select(columns), found.filter(inside).select(columns), rel_tol=1e-6
    )
    holes = rows.head(3).with_columns(tmf_21=pl.Series([None, 1.0, 1.0]))
    assert predicted(folder, holes)["cluster_id"].is_null().to_list() == [True, False, False]
    with pytest.raises(ResearchError, match="rows to predict have no column tmf_21"):
        predicted(folder, rows.drop("tmf_21"))


def test_prediction_with_scaling_per_ticker(tmp_path):
    frames = [regime_frame(ticker) for ticker in "AB"]
    prepared = prepared_folder(tmp_path, *frames, scaling_scope="per_ticker", **WHOLE)
    run(prepared, tmp_path / "run")
    rows = with_dataset_columns(prepared)
    found = pl.read_parquet(tmp_path / "run" / "clustered_dataset.parquet")
    assert predicted(tmp_path / "run", rows)["cluster_id"].equals(found["cluster_id"])
    unseen = rows.with_columns(ticker=pl.lit("Z"))
    of_unseen = predicted(tmp_path / "run", unseen)
    assert of_unseen["cluster_id"].null_count() == rows.height
    assert "probability" not in of_unseen.columns


@pytest.mark.parametrize("method", TWO_AND_ALL)
def test_nothing_after_train_end_changes_what_was_learnt(tmp_path, method):
    """Later rows have other features, prices and states, and there are more of them."""

    def later(frame: pl.DataFrame) -> pl.DataFrame:
        after = pl.col("trade_date") > day(199)
        numbers = [*FEATURES, "close", "flow_state_code"]
        return frame.with_columns(
            pl.when(after).then((pl.col(n) * 3 + 2).cast(frame.schema[n])).otherwise(n).alias(n)
            for n in numbers
        )

    longer = [later(regime_frame(t, 390)) for t in "ABCD"]
    shorter = [frame.head(300) for frame in (regime_frame(t, 390) for t in "ABCD")]
    for name, frames in (("1", shorter), ("2", longer)):
        prepared = prepared_folder(tmp_path / name, *frames, **SPLIT)
        run(prepared, tmp_path / name / "run", method)
    one, other = (tmp_path / name / "run" for name in "12")
    learnt = {"model.npz", "model.json", "hmm_means.npy", "hmm_transmat.npy", "hmm_covars.npy"}
    for name in (learnt & {*files_of(method)}) | {"scaler_params.parquet"}:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    first = pl.col("view").first()
    for name in ("profile", "transition_counts", "dwell_stats"):
        path = RUN["hmm" if method == "hmm" else "clustering"][name]
        read = pl.read_csv if path.endswith("csv") else pl.read_parquet
        train, test = (
            [read(f / path).filter(pl.col("view") == first, period=p) for f in (one, other)]
            for p in ("train", "test")
        )
        assert_frame_equal(*train, check_exact=True)
        assert not test[0].equals(test[1]), name


def test_without_a_split_there_are_no_sides(tmp_path):
    prepared = prepared_folder(tmp_path, regime_frame("A"), **WHOLE)
    summary = run(prepared, tmp_path / "run")
    names = sorted(p.name for p in (tmp_path / "run").iterdir())
    assert names == sorted(RUN["clustering"].values()) and "cluster_profile_train.csv" not in names
    assert "test" not in json.loads((tmp_path / "run" / "clustering_metrics.json").read_text())
    assert summary["periods"]["all"]["in_sample"] is True


@pytest.mark.breadth
def test_notes_say_what_to_know(tmp_path):
    """A constant feature, too few distinct rows, too few iterations."""
    frame = regime_frame("A", tmf_abs=0.5)
    prepared = prepared_folder(tmp_path / "constant", frame, **WHOLE)
    notes = run(prepared, tmp_path / "run", "gmm", n_clusters=5, max_iter=1)["notes"]
    assert notes[0].startswith("tmf_abs has one value on the rows fitted on")
    assert "the fit had not converged after 1 iterations" in notes
    few = {"features": ["tmf_abs", "flow_state_code"], **WHOLE}
    prepared = prepared_folder(tmp_path / "few", frame, **few)
    assert (
        "3 of 8 clusters have rows to fit on"
        in run(prepared, tmp_path / "b", n_clusters=8)["notes"]
    )
    notes = run(prepared, tmp_path / "c", "hdbscan", min_cluster_size=149, min_samples=2)["notes"]
    assert any("every row is noise" in note for note in notes)


def test_refusals_name_the_thing(prepared, tmp_path):
    def refused(message, change=lambda folder: None, method="kmeans", **options):
        shutil.copytree(prepared, tmp_path / "bad", dirs_exist_ok=True)
        shutil.copy(dataset_of(prepared), tmp_path / "dataset.parquet")
        change(tmp_path / "bad")
        with pytest.raises(ResearchError, match=message) as error:
            run(tmp_path / "bad", tmp_path / "out", method, **options)
        assert len(str(error.value).splitlines()) == 1
        assert not (tmp_path / "out").exists()
        shutil.rmtree(tmp_path / "bad")

    def with_value(value):
        def change(folder):
            matrix = np.load(folder / "matrix.npy")
            matrix[700, 1] = value
            np.save(folder / "matrix.npy", matrix)

        return change

    def rows(change, name="rows.parquet"):
        def changed(folder):
            change(pl.read_parquet(folder / name)).write_parquet(folder / name)

        return changed

    refused("999 clusters of 400 rows to fit on", n_clusters=999, max_fit_rows=500)
    refused("1000 clusters of 800 rows", method="gmm", n_clusters=1000, max_fit_rows=999)
    refused("tmf_slope_5 is not finite in row 700; prepare it again", with_value(np.inf))
    refused("tmf_slope_5 is not finite in row 700", with_value(np.nan))
    lost = rows(lambda r: r.drop("delta_flow_20"), "../dataset.parquet")
    refused("no column delta_flow_20", lost)
    refused("has shape .* are", rows(lambda r: r.head(10)))
    refused("no rows to fit on", rows(lambda r: r.with_columns(is_fit=pl.lit(False))))
    refused("matrix.npy", lambda folder: (folder / "matrix.npy").unlink())
    refused("neighbours in 400 rows", method="hdbscan", min_cluster_size=499)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"method": "kmeans"}, "kmeans needs n_clusters"),
        ({"method": "hdbscan", "n_clusters": 3}, "n_clusters is not taken by hdbscan"),
        ({"n_clusters": 1}, "n_clusters = 1"),
        ({"n_clusters": 4, "clusters": 2}, "clusters is not known"),
        ({"method": "agglomerative"}, "method = 'agglomerative'"),
    ],
)
def test_specifications_are_checked(values, message):
    with pytest.raises(ResearchError, match=message):
        checked(ClusteringSpec, values, "spec.yaml")


@pytest.mark.parametrize("method", SPECS)
def test_rows_to_predict_in_any_state(prepared, finished, method):
    """No features at all, columns of an earlier prediction, values that are no numbers."""
    folder = finished(method)
    rows = with_dataset_columns(prepared).head(20)
    expected = predicted(folder, rows)
    stale = expected.with_columns(cluster_id=pl.lit(99, pl.Int16), probability=pl.lit("old"))
    assert_frame_equal(predicted(folder, stale), expected)
    for none in (
        rows.with_columns(pl.lit(None, rows.schema["tmf_21"]).alias("tmf_21")),
        rows.head(0),
    ):
        found = predicted(folder, none)
        assert found.schema == expected.schema and found["cluster_id"].null_count() == none.height
    for value in (float("nan"), float("inf")):
        column = [0.5, None, value, *[0.5] * 17]
        with pytest.raises(ResearchError, match=r"tmf_21 of the rows .* not finite in row 2$"):
            predicted(folder, rows.with_columns(tmf_21=pl.Series(column, strict=False)))
    with pytest.raises(ResearchError, match="tmf_21 of the rows to predict is String, no number"):
        predicted(folder, rows.with_columns(tmf_21=pl.lit("0.5")))


def test_a_density_model_of_equal_rows_is_loaded_again(tmp_path):
    """The density of equal rows is infinite."""
    frame = regime_frame("A").with_columns(pl.col(name).round(0) for name in FEATURES)
    prepared = prepared_folder(tmp_path, frame, **WHOLE)
    run(prepared, tmp_path / "run", "hdbscan", min_cluster_size=10, min_samples=2)
    with np.load(tmp_path / "run" / "model.npz") as file:
        assert np.isinf(file["tree_lambda_val"]).any()
    found = predicted(tmp_path / "run", frame)
    assert found["cluster_id"].null_count() == 0


@pytest.mark.parametrize("method", SPECS)
def test_a_model_that_is_not_whole(finished, tmp_path, method):
    shutil.copytree(finished(method), tmp_path / "run")
    model, about = tmp_path / "run" / "model.npz", tmp_path / "run" / "model.json"
    whole, told = model.read_bytes(), about.read_bytes()
    for bad in (b"", b"PK", whole[:100], whole[: len(whole) // 2], whole[:-30], b"\x00" * 999):
        model.write_bytes(bad)
        with pytest.raises(ResearchError, match=r"model in .*run the clustering again") as error:
            predicted(tmp_path / "run", pl.DataFrame())
        assert len(str(error.value).splitlines()) == 1
    model.write_bytes(whole)
    with np.load(model) as file:
        arrays = dict(file)
    first = next(iter(arrays))
    np.savez(model, **arrays | {first: arrays[first] * np.float64("nan")})
    with pytest.raises(ResearchError, match=r"model in .*: a parameter is NaN; run"):
        predicted(tmp_path / "run", pl.DataFrame())
    np.savez(model, **{name: array for name, array in arrays.items() if name != first})
    with pytest.raises(ResearchError, match=r"model in .*: no .*run the clustering again"):
        predicted(tmp_path / "run", pl.DataFrame())
    model.write_bytes(whole)
    for bad in (b"", b"{", b"[]", b"null", b'{"spec": {}}', told.replace(b'"spec"', b'"other"')):
        about.write_bytes(bad)
        with pytest.raises(ResearchError, match=r"model in .*run the clustering again"):
            predicted(tmp_path / "run", pl.DataFrame())


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(ResearchError, match=r"model in .*run the clustering again"):
        predicted(tmp_path, pl.DataFrame())
