"""What hidden Markov models add: decoded rows, another dataset decoded, comparison with clusters."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from mf_etl.errors import ResearchError
from mf_etl.research.evaluation.agreement import crosstab
from mf_etl.research.models.hmm.decoding import column_schema
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.models.hmm.storage import load_model
from mf_etl.research.preparation import sequences
from mf_etl.research.preparation.spec import HmmPreparation
from mf_etl.research.runs import sanity
from mf_etl.research.runs.catalog import RUN, SPEC
from mf_etl.research.runs.decode import decode_dataset
from mf_etl.research.runs.requests import HmmRun, spec_text
from mf_etl.research.runs.run import write_run
from tests.mf_etl.research.clusters import (
    FEATURES,
    SPLIT,
    dataset_of,
    prepared_folder,
    regime_frame,
    with_dataset_columns,
)
from tests.mf_etl.research.datasets.cases import OPTIONS, day

pytestmark = pytest.mark.xdist_group("research_runs_hmm")

SHOWN = HmmSpec(n_components=3, n_restarts=2, start_rows=800)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    frames = [regime_frame(ticker) for ticker in "ABCDE"]
    return prepared_folder(tmp_path_factory.mktemp("hmm"), *frames, **SPLIT)


@pytest.fixture(scope="module")
def finished(prepared, tmp_path_factory):
    """A run folder and its summary; several shards, so that sums are added."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequences, "SHARD_ROWS", 400)
        summary = write_run(prepared, dataset_of(prepared), "hmm", SHOWN, folder, options=OPTIONS)
    request = HmmRun(preparation=HmmPreparation(features=FEATURES, **SPLIT), hmm=SHOWN)
    (folder / SPEC).write_text(spec_text(request))
    return folder, summary


def test_decoded_rows_have_the_columns_that_are_told(finished, prepared):
    folder, summary = finished
    assert sorted(p.name for p in folder.iterdir()) == sorted([*RUN["hmm"].values(), SPEC])
    decoded = pl.read_parquet(folder / "decoded_rows.parquet")
    keys = [name for name in decoded.columns[:5] if not name.startswith("hmm")]
    assert keys[:4] == ["ticker", "exchange", "trade_date", "period"]
    own = decoded.columns[len(keys) : len(keys) + len(column_schema(3))]
    assert own == list(column_schema(3))
    assert [decoded.schema[f"hmm_p_{k}"] for k in range(3)] == [pl.Float32] * 3
    total = decoded.select(pl.sum_horizontal("hmm_p_0", "hmm_p_1", "hmm_p_2")).to_series()
    assert total.is_between(1 - 1e-6, 1 + 1e-6).all()
    rows = with_dataset_columns(prepared)
    assert decoded.height == rows.height == summary["rows"]
    agree = decoded.join(rows, on=["ticker", "trade_date"], suffix="_rows")
    assert (agree["hmm_state"] == agree["flow_state_code"] - 1).mean() > 0.95
    assert set(decoded.columns) >= {"flow_state_code", "fwd_ret_10"}


def test_profiles_are_of_both_views_and_both_periods(finished):
    folder, summary = finished
    profile = pl.read_parquet(folder / "hmm_state_profile.parquet")
    sides = profile.select("view", "period").unique(maintain_order=True).rows()
    assert sides == [
        ("filtered", "train"),
        ("filtered", "test"),
        ("hindsight", "train"),
        ("hindsight", "test"),
    ]
    assert summary["notes"][0].startswith("Outcomes by a hindsight state could not be earned")
    assert summary["log_likelihood_per_row"]["test"] is not None and summary["converged"]
    meta = json.loads((folder / "hmm_model_meta.json").read_text())
    assert (meta["train_rows"], meta["test_rows"]) == (1000, 500)


def test_transitions_are_of_what_was_known(finished):
    """Counts and run lengths of the plain columns follow the filtered state, not the path."""
    folder, _ = finished
    decoded = pl.read_parquet(folder / "decoded_rows.parquet")
    counts = pl.read_csv(folder / "transition_counts.csv")
    for view, prefix in (("filtered", ""), ("hindsight", "hindsight_")):
        part = decoded.filter(period="train").drop_nulls(f"{prefix}hmm_prev")
        pairs = part.group_by(f"{prefix}hmm_prev", f"{prefix}hmm_state").len()
        found = counts.filter(view=view, period="train")
        for before, after, rows in pairs.rows():
            assert found.filter(from_state=before)[f"to_{after}"].item() == rows
    matrix = pl.read_csv(folder / "transition_matrix.csv").drop("from_state").to_numpy()
    assert np.allclose(matrix.sum(axis=1), 1)


def test_degenerate_states_are_in_the_last_line(prepared, tmp_path):
    """More states than regimes, and so few iterations that one of them is left without rows."""
    flat = [regime_frame(t).with_columns(tmf_abs=pl.col("tmf_21").round(0).abs()) for t in "ABC"]
    made = prepared_folder(tmp_path, *flat, **SPLIT)
    spec = HmmSpec(n_components=3, n_restarts=1, start_rows=800)
    summary = write_run(made, dataset_of(made), "hmm", spec, tmp_path / "run", options=OPTIONS)
    assert summary["degenerate_states"], "a feature that is constant in a state sits on the floor"
    told, _ = sanity.run_sanity(tmp_path / "run", "hmm")
    named = ", ".join(map(str, summary["degenerate_states"]))
    assert f"DEGENERATE states {named}" in told[-1] == summary["account"]


def test_a_saved_model_decodes_later_days_as_a_refit_would_not(finished, prepared, tmp_path):
    """The dataset that was fitted on, decoded by the saved model, gives the same states."""
    folder, _ = finished
    dataset = dataset_of(prepared), prepared.parent / "metadata.json"
    path = tmp_path / "decoded" / "decoded_rows.parquet"
    rows = decode_dataset(folder, *dataset, path, options=OPTIONS, threads=2)
    again = pl.read_parquet(path)
    whole = pl.read_parquet(folder / "decoded_rows.parquet")
    assert rows == again.height == whole.height and again.equals(whole)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    model, _ = load_model(folder)
    matrix = np.load(prepared / "matrix.npy")
    lengths = [300] * 5
    plain = model.to_hmmlearn().predict(matrix.astype(np.float64), lengths)
    assert np.array_equal(plain, whole["hindsight_hmm_state"].to_numpy())


def test_days_before_the_test_period_alone_are_decoded_too(finished, prepared, tmp_path):
    folder, _ = finished
    early = tmp_path / "early.parquet"
    whole = pl.read_parquet(dataset_of(prepared))
    whole.filter(pl.col("trade_date") <= day(150)).write_parquet(early)
    path = tmp_path / "decoded_rows.parquet"
    assert decode_dataset(folder, early, None, path, options=OPTIONS) == 5 * 151
    assert pl.read_parquet(path)["period"].unique().to_list() == ["train"]


def test_what_cannot_be_decoded_is_refused(prepared, tmp_path):
    dataset = dataset_of(prepared), prepared.parent / "metadata.json"
    with pytest.raises(ResearchError, match=r"spec\.yaml: No such file"):
        decode_dataset(tmp_path, *dataset, tmp_path / "x.parquet", options=OPTIONS)
    (tmp_path / SPEC).write_text("kind: clustering_run\nclustering: {n_clusters: 2}\n")
    with pytest.raises(ResearchError, match="is no HMM run but a clustering_run"):
        decode_dataset(tmp_path, *dataset, tmp_path / "x.parquet", options=OPTIONS)
    (tmp_path / SPEC).write_text("kind: hmm_run\n")
    with pytest.raises(ResearchError, match="fit again"):
        decode_dataset(tmp_path, *dataset, tmp_path / "x.parquet", options=OPTIONS)
    assert not (tmp_path / "x.parquet").exists()


def test_a_sample_of_rows_is_refused(tmp_path):
    frames = [regime_frame(ticker) for ticker in "AB"]
    prepared = prepared_folder(tmp_path, *frames, **SPLIT)
    summary = prepared / "preprocess_summary.json"
    told = json.loads(summary.read_text())
    summary.write_text(json.dumps({**told, "dataset": {"rows_are_sampled": True}}))
    with pytest.raises(ResearchError, match="but this dataset is a sample of single rows"):
        write_run(prepared, dataset_of(prepared), "hmm", SHOWN, tmp_path / "out", options=OPTIONS)
    assert not (tmp_path / "out").exists()


def test_comparison_with_clusters(finished):
    decoded = pl.scan_parquet(finished[0] / "decoded_rows.parquet")
    labels = decoded.select("ticker", "exchange", "trade_date", cluster_id=2 - pl.col("hmm_state"))
    table, metrics = crosstab(decoded, labels, "hmm_state")
    assert metrics == {"rows": 1500, "ari": 1.0, "nmi": pytest.approx(1.0)} and table.height == 3


def test_sanity_finds_what_is_null(finished, tmp_path):
    for path in finished[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path = tmp_path / "hmm_state_profile.parquet"
    pl.read_parquet(path).with_columns(fwd_ret_10_std=pl.lit(float("nan"))).write_parquet(path)
    _, problems = sanity.run_sanity(tmp_path, "hmm")
    assert "view filtered period train hmm_state 0: fwd_ret_10_std is NaN" in problems
    path.unlink()
    with pytest.raises(ResearchError, match=r"hmm_state_profile\.parquet: is not there"):
        sanity.run_sanity(tmp_path, "hmm")
