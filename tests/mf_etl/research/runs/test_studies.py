"""Sweeps and stability studies: cells and seeds on their own, joined."""

from __future__ import annotations

import itertools
import json
import re
import shutil

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from mf_etl.errors import ResearchError
from mf_etl.research.models.cluster_spec import ClusteringSpec
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.runs.catalog import STABILITY
from mf_etl.research.runs.cells import CELL_SCHEMA, write_cell, write_sweep
from mf_etl.research.runs.run import write_run
from mf_etl.research.runs.stability import join_seeds, write_seed
from tests.mf_etl.research.clusters import SPLIT, dataset_of, prepared_folder, regime_frame
from tests.mf_etl.research.datasets.cases import OPTIONS, day


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    frames = [regime_frame(ticker) for ticker in "ABCD"]
    return prepared_folder(tmp_path_factory.mktemp("studies"), *frames, **SPLIT)


CELLS = [
    {"method": "kmeans", "n_clusters": 10},
    {"method": "kmeans", "n_clusters": 3},
    {"method": "gmm", "n_clusters": 3, "covariance_type": "full"},
    {"method": "gmm", "n_clusters": 3},
    {"method": "kmeans", "n_clusters": 999},
    {"method": "hdbscan", "min_cluster_size": 50, "min_samples": 5},
]


def of(research, cell):
    return ClusteringSpec(**cell) if research == "clustering" else HmmSpec(**cell)


def swept(prepared, folder, cells, threads=1, research="clustering"):
    paths = []
    for number, cell in enumerate(cells):
        paths.append(folder / f"{number}.json")
        if not paths[-1].exists():
            spec, dataset = of(research, cell), dataset_of(prepared)
            write_cell(prepared, dataset, research, spec, paths[-1], threads=threads)
    csv, told, figure = (folder / f"summary.{kind}" for kind in ("csv", "json", "svg"))
    table = write_sweep(paths, research, json_path=told, csv=csv, figure=figure)
    return table, [name.read_bytes() for name in (csv, told, figure)]


def test_a_sweep_has_a_row_a_cell_and_a_failure_is_one(prepared, tmp_path):
    table, (csv, summary, figure) = swept(prepared, tmp_path, CELLS)
    assert table.schema == CELL_SCHEMA["clustering"]
    assert table.select("method", "covariance_type", "n_clusters").rows() == [
        ("gmm", "diag", 3),
        ("gmm", "full", 3),
        ("hdbscan", None, None),
        ("kmeans", None, 3),
        ("kmeans", None, 10),
        ("kmeans", None, 999),
    ]
    *good, failed = table.rows(named=True)
    assert {row["status"] for row in good} == {"ok"} and all(row["error"] is None for row in good)
    assert failed["status"] == "failed" and failed["silhouette"] is None
    assert failed["error"].startswith("999 clusters of 800 rows")
    assert all(0 < row["silhouette"] < 1 and row["train_rows"] == 800 for row in good)
    assert all(row["test_rows"] == 400 for row in good)
    assert (
        good[0]["test_log_likelihood_per_row"] < 0
        and "has spent the test" in json.loads(summary)["notes"][0]
    )
    assert good[0]["bic"] and good[3]["inertia"] and good[3]["forward_separation"] > 0
    told = json.loads(summary)
    assert (told["cells"], told["failed"]) == (6, 1) and told["rows"] == table.to_dicts()
    assert f"data: {prepared.parent.name} · n = 5 cells".encode() in figure
    assert pl.read_csv(csv).height == 6 and b"<svg" in figure


def test_a_cell_tells_what_the_run_tells(prepared, tmp_path):
    spec = ClusteringSpec(method="gmm", n_clusters=4)
    data = (prepared, dataset_of(prepared), "clustering", spec)
    cell = write_cell(*data, tmp_path / "cell.json")
    write_run(*data, tmp_path / "run", options=OPTIONS)
    metrics = json.loads((tmp_path / "run" / "clustering_metrics.json").read_text())["fit"]
    robustness = json.loads((tmp_path / "run" / "robustness_summary.json").read_text())
    for name in ("silhouette", "davies_bouldin", "calinski_harabasz", "bic", "aic", "iterations"):
        assert cell[name] == metrics[name], name
    train, test = (robustness["views"]["cluster"][period] for period in ("train", "test"))
    for name in ("largest_share", "effective_labels"):
        assert cell[name] == train[name], name
    assert cell["forward_separation"] == pytest.approx(train["forward_separation"]["value"])
    assert cell["test_forward_separation"] == pytest.approx(test["forward_separation"]["value"])
    assert cell["p_shifted"] == train["forward_separation"]["p_shifted"]


def test_a_sweep_grows_by_a_cell_without_the_others(prepared, tmp_path):
    swept(prepared, tmp_path / "grown", CELLS[:2])
    grown = swept(prepared, tmp_path / "grown", CELLS[:3])[1]
    assert grown == swept(prepared, tmp_path / "at_once", CELLS[:3], threads=3)[1]


def test_a_sweep_in_which_all_fails(prepared, tmp_path):
    table, _ = swept(prepared, tmp_path, [CELLS[4]])
    assert table["status"].to_list() == ["failed"]


def test_a_fault_of_the_machine_is_no_row(prepared, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        spec, path = ClusteringSpec(n_clusters=2), tmp_path / "file" / "cell.json"
        write_cell(prepared, dataset_of(prepared), "clustering", spec, path)


def seeds(prepared, folder, numbers, **options):
    options = {"method": "kmeans", "n_clusters": 6, "n_init": 1} | options
    for seed in numbers:
        spec = ClusteringSpec(seed=seed, **options)
        write_seed(prepared, dataset_of(prepared), "clustering", spec, folder / str(seed))
    return [folder / str(seed) for seed in numbers]


def test_a_stability_study_compares_every_pair(prepared, tmp_path):
    folders = seeds(prepared, tmp_path, [3, 0, 11, 1])
    summary = join_seeds(folders, "clustering", tmp_path / "study", options=OPTIONS)
    study = tmp_path / "study"
    assert sorted(p.name for p in study.iterdir()) == sorted(STABILITY["clustering"].values())
    assert json.loads((study / "stability_summary.json").read_text()) == summary
    labels = {int(f.name): np.load(f / "labels.npy") for f in folders}
    expected = {
        (a, b): adjusted_rand_score(labels[a], labels[b])
        for a, b in itertools.combinations(sorted(labels), 2)
    }
    pairs = {(a, b): ari for a, b, ari in pl.read_csv(study / "stability_pairwise_ari.csv").rows()}
    assert pairs == pytest.approx(expected, rel=1e-12) and min(pairs.values()) < 1
    assert summary["mean_ari"] == pytest.approx(np.mean(list(expected.values())))
    assert summary["smallest_ari"] == min(pairs.values()) and summary["seeds"] == [0, 1, 3, 11]
    by_seed = pl.read_parquet(study / "stability_by_seed.parquet")
    of_three = [ari for pair, ari in expected.items() if 3 in pair]
    assert by_seed.filter(seed=3)["mean_ari"][0] == pytest.approx(np.mean(of_three))
    sizes = pl.read_csv(study / "stability_cluster_sizes_by_seed.csv")
    assert sizes.group_by("seed").agg(pl.sum("rows"))["rows"].to_list() == [1200] * 4
    counts = sizes.filter(seed=11).sort("label_of_seed")["rows"].to_list()
    assert counts == np.bincount(labels[11]).tolist()


def test_agreeing_seeds_have_no_note_and_others_do(prepared, tmp_path):
    same = seeds(prepared, tmp_path / "same", [0, 1], n_clusters=3, max_iter=300, n_init=5)
    assert join_seeds(same, "clustering", tmp_path / "a", options=OPTIONS)["notes"] == []
    random = np.random.default_rng(0)
    for folder in same:
        np.save(folder / "labels.npy", random.integers(0, 3, 1200).astype(np.int16))
    summary = join_seeds(same, "clustering", tmp_path / "b", options=OPTIONS)
    assert summary["notes"][0].endswith("below 0.5: labels change with the seed")


def test_studies_that_cannot_be_joined(prepared, tmp_path):
    folders = seeds(prepared, tmp_path, [0, 1])
    with pytest.raises(ResearchError, match="two seeds or more, each once, not"):
        join_seeds(folders[:1], "clustering", tmp_path / "study", options=OPTIONS)
    with pytest.raises(ResearchError, match="each once"):
        join_seeds([folders[0], *folders], "clustering", tmp_path / "study", options=OPTIONS)
    np.save(folders[0] / "labels.npy", np.zeros(3, dtype=np.int16))
    with pytest.raises(ResearchError, match="of different matrices"):
        join_seeds(folders, "clustering", tmp_path / "study", options=OPTIONS)


def test_a_sweep_of_states(prepared, tmp_path):
    cells = [{"n_components": n, "n_restarts": 1, "start_rows": 50} for n in (3, 1, 100)]
    table, (csv, told, figure) = swept(prepared, tmp_path, cells, research="hmm")
    assert table.schema == CELL_SCHEMA["hmm"]
    assert table["n_components"].to_list() == [1, 3, 100]
    assert table["status"].to_list() == ["ok", "ok", "failed"]
    assert "too few for the 10999 parameters" in table["error"][2]
    assert table["log_likelihood_per_row"][:2].is_sorted()
    assert table["forward_separation"][1] > 0 and table["test_forward_separation"][1] > 0
    assert json.loads(told)["failed"] == 1 and csv and b"<svg" in figure


def test_a_stability_study_of_states(prepared, tmp_path):
    folders = [tmp_path / str(seed) for seed in (2, 0, 1)]
    for folder in folders:
        spec = HmmSpec(n_components=3, n_restarts=1, start_rows=800, random_state=int(folder.name))
        write_seed(prepared, dataset_of(prepared), "hmm", spec, folder)
    summary = join_seeds(folders, "hmm", tmp_path / "study", options=OPTIONS)
    names = sorted(p.name for p in (tmp_path / "study").iterdir())
    assert names == sorted(STABILITY["hmm"].values())
    assert summary["converged"] == 3 and summary["mean_ari"] > 0.99 and summary["notes"] == []
    by_seed = pl.read_parquet(tmp_path / "study" / "hmm_stability_by_seed.parquet")
    assert by_seed["seed"].to_list() == [0] * 3 + [1] * 3 + [2] * 3
    assert by_seed["distance_to_first_seed"].max() < 0.1


@pytest.mark.parametrize("research", ["clustering", "hmm"])
def test_only_fits_that_converged_are_counted(prepared, tmp_path, research):
    """Fits that stop at once all look like their start: their agreement says nothing."""
    for seed in range(4):
        iterations = 1 if seed < 2 else 500
        spec = (
            ClusteringSpec(method="gmm", n_clusters=3, max_iter=iterations, seed=seed)
            if research == "clustering"
            else HmmSpec(
                n_components=3, n_restarts=1, n_iter=iterations, start_rows=800, random_state=seed
            )
        )
        write_seed(prepared, dataset_of(prepared), research, spec, tmp_path / str(seed))
    folders = [tmp_path / str(seed) for seed in range(4)]
    metrics = json.loads((folders[0] / "metrics.json").read_text())
    metrics["centres"] = [[value + 1.0 for value in row] for row in metrics["centres"]]
    (folders[0] / "metrics.json").write_text(json.dumps(metrics))
    summary = join_seeds(folders, research, tmp_path / "study", options=OPTIONS)
    assert (summary["seeds"], summary["converged"], summary["pairs"]) == ([0, 1, 2, 3], 2, 1)
    assert summary["notes"][0].startswith("2 of 4 fits did not converge and are not counted")
    by_seed = pl.read_csv(tmp_path / "study" / STABILITY[research]["stability_by_seed_csv"])
    done = by_seed.filter("converged").unique("seed")["log_likelihood_per_row"].to_list()
    assert summary["log_likelihood_per_row"]["mean"] == pytest.approx(np.mean(done), rel=1e-12)
    sizes = (
        by_seed
        if research == "hmm"
        else pl.read_csv(tmp_path / "study" / "stability_cluster_sizes_by_seed.csv")
    )
    apart = dict(sizes.group_by("seed").agg(pl.max("distance_to_first_seed")).iter_rows())
    assert apart[2] == 0 < 1 < apart[0], "matched to the first that converged"
    none = join_seeds(folders[:2], research, tmp_path / "none", options=OPTIONS)
    assert none["mean_ari"] is None and "fewer than two fits converged" in none["notes"][1]


def test_an_archive_of_survivors_says_so_in_every_summary(prepared, tmp_path):
    folder = tmp_path / "prepared"
    shutil.copytree(prepared, folder)
    summary = folder / "preprocess_summary.json"
    told = json.loads(summary.read_text())
    assert told["dataset"]["delisting"]["survivors_only"] is False
    note = told["dataset"]["delisting"]["note"] = "an archive of survivors"
    summary.write_text(json.dumps(told))
    dataset, spec = dataset_of(prepared), ClusteringSpec(n_clusters=2)
    run = write_run(folder, dataset, "clustering", spec, tmp_path / "run", options=OPTIONS)
    path = tmp_path / "sweep"
    write_cell(folder, dataset, "clustering", spec, path / "2.json")
    names = {"json_path": path / "a.json", "csv": path / "a.csv", "figure": path / "a.svg"}
    write_sweep([path / "2.json"], "clustering", **names)
    for seed in (0, 1):
        of_seed = ClusteringSpec(n_clusters=2, seed=seed)
        write_seed(folder, dataset, "clustering", of_seed, tmp_path / str(seed))
    seeds = [tmp_path / "0", tmp_path / "1"]
    study = join_seeds(seeds, "clustering", tmp_path / "study", options=OPTIONS)
    for notes in (run["notes"], json.loads((path / "a.json").read_text())["notes"], study["notes"]):
        assert note in notes
    figure = (tmp_path / "study" / "stability_ari_matrix.svg").read_text()
    # A caption is in lines as wide as its figure.
    words = " ".join(re.sub(r"<[^>]*>", " ", figure).split())
    assert "view: cluster; period: train (in-sample), test" in words


@pytest.mark.parametrize("research", ["clustering", pytest.param("hmm", marks=pytest.mark.breadth)])
def test_rows_after_the_test_period_are_left_to_a_later_test(tmp_path, research):
    """What is told of the test is the same whether there are rows beyond its end, or which."""
    told = []
    for rows in (280, 300):
        frames = [regime_frame(ticker, 300).head(rows) for ticker in "ABCD"]
        folder = tmp_path / str(rows)
        prepared = prepared_folder(folder, *frames, **SPLIT, test_end=day(269))
        spec = of(research, {"n_components": 3, "n_restarts": 1} if research == "hmm"
                  else {"method": "gmm", "n_clusters": 3})  # fmt: skip
        write_run(prepared, dataset_of(prepared), research, spec, folder / "run", options=OPTIONS)
        told.append(write_cell(prepared, dataset_of(prepared), research, spec, folder / "c.json"))
        name = "hmm_model_meta.json" if research == "hmm" else "clustering_metrics.json"
        found = json.loads((folder / "run" / name).read_text())
        rows_told = found["test_rows"] if research == "hmm" else found["test"]["rows"]
        assert rows_told == told[-1]["test_rows"] == 4 * 70
    assert told[0]["test_log_likelihood_per_row"] == told[1]["test_log_likelihood_per_row"]


def test_nothing_is_called_a_test_of_rows_that_were_fitted_on(tmp_path):
    frames = [regime_frame(ticker) for ticker in "ABCD"]
    prepared = prepared_folder(tmp_path, *frames, **SPLIT, fit_on="all")
    spec = ClusteringSpec(method="gmm", n_clusters=3)
    cell = write_cell(prepared, dataset_of(prepared), "clustering", spec, tmp_path / "c.json")
    assert cell["status"] == "ok" and cell["forward_separation"] > 0
    assert cell["test_forward_separation"] is cell["test_log_likelihood_per_row"] is None


@pytest.mark.parametrize("lost", ["close", "flow_state_code", "delta_flow_20", "fwd_ret_10"])
def test_a_dataset_that_labels_cannot_be_told_by_is_refused_before_the_fit(tmp_path, lost):
    """One from elsewhere may lack anything; it took the whole fit, or a traceback, to say so."""
    features = ("tmf_21", "flow_activity_20")
    prepared = prepared_folder(tmp_path, regime_frame("A"), **SPLIT, features=features)
    dataset = dataset_of(prepared)
    pl.read_parquet(dataset).drop(lost, "fwd_xs_10").write_parquet(dataset)
    spec, refused = ClusteringSpec(n_clusters=2), pytest.raises(ResearchError, match="no column ")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClusteringSpec, "model", lambda _: pytest.fail("a fit was begun"))
        with refused:
            write_run(prepared, dataset, "clustering", spec, tmp_path / "run", options=OPTIONS)
        with refused:
            write_seed(prepared, dataset, "clustering", spec, tmp_path / "seed")
        cell = write_cell(prepared, dataset, "clustering", spec, tmp_path / "cell.json")
    assert cell["status"] == "failed" and "no column" in cell["error"]
    assert not (tmp_path / "run").exists()
