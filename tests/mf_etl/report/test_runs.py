"""Pages of runs: what is asked, intervals, transitions, lengths; what is suspicious comes first."""

from __future__ import annotations

import json
import re

import polars as pl
import pytest
import yaml

from mf_etl.io import ParquetOptions
from mf_etl.report.index import run_row
from mf_etl.report.run_pages import run_page
from mf_etl.report.runs import apart_words, dwell_curve, flat, outcome_told, run_values, suspicious
from mf_etl.research.models.cluster_spec import ClusteringSpec
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.runs.run import write_run
from tests.mf_etl.research.clusters import SPLIT, dataset_of, prepared_folder, regime_frame

pytestmark = pytest.mark.xdist_group("report_runs")

SPECS = {
    "clustering": ClusteringSpec(method="kmeans", n_clusters=3, n_init=3),
    "hmm": HmmSpec(n_components=3, n_restarts=1, start_rows=800),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A finished run of each research, with its specification."""
    root = tmp_path_factory.mktemp("report_runs")
    frames = [regime_frame(ticker) for ticker in "ABCDE"]
    prepared = prepared_folder(root, *frames, **SPLIT, predict_on="all")
    for research, spec in SPECS.items():
        folder = root / research / "r_x_market"
        folder.mkdir(parents=True)
        asked = {"kind": f"{research}_run", "dataset": "market", "preparation": {}}
        (folder / "spec.yaml").write_text(yaml.safe_dump(asked))
        write_run(prepared, dataset_of(prepared), research, spec, folder, options=ParquetOptions())
    return root


@pytest.mark.parametrize("research", SPECS)
def test_the_page_tells_what_the_tables_of_the_run_hold(folders, research):
    folder = folders / research / "r_x_market"
    values = run_values(folder, research)
    intervals = pl.read_csv(folder / "outcome_intervals.csv")
    label = intervals.columns[2]
    first = values["sides"][0]
    assert (first["period"], first["in_sample"], first["hindsight"]) == ("test", False, False)
    for side in values["sides"]:
        table = intervals.filter(view=side["view"], period=side["period"])
        assert [row["mean"] for row in side["rows"]] == table["mean"].to_list()
        assert [row["lo"] for row in side["rows"]] == table["lo"].to_list()
        assert side["n"] == sum(row["rows"] for row in side["rows"])
    assert len(values["sides"]) == {"clustering": 2, "hmm": 4}[research]
    assert table[label].to_list() == [0, 1, 2]
    assert values["sides"][-1]["hindsight"] == (research == "hmm")
    assert dict(values["asked"])["dataset"] == "market"
    counts = pl.read_csv(folder / "transition_counts.csv").filter(period="test")
    steps = sum(row["steps"] for row in first["matrix"]["rows"])
    assert (
        steps == counts.filter(view=first["view"]).select(pl.sum_horizontal("^to_.*$").sum()).item()
    )
    page = run_page(folder.parent, "r_x_market", research, f"{research}_run")
    assert len(page.encode()) < 300_000 and "undefined" not in page
    for name, address in values["figures"]:
        assert (folder / address.rpartition("/")[2]).exists(), name
    # Headings go down one by one, every picture has words.
    assert re.findall(r"<h(\d)", page)[0] == "1" and "<img" in page
    assert all('alt="' in tag for tag in re.findall(r"<img[^>]*>", page))


def test_lengths_of_runs_are_counted_as_the_table_of_lengths_has_them(folders):
    folder = folders / "hmm" / "r_x_market"
    lengths = pl.read_csv(folder / "dwell_lengths.csv")
    stats = pl.read_csv(folder / "dwell_stats.csv")
    summed = lengths.group_by("view", "period", "hmm_state", maintain_order=True).agg(
        pl.col("count").sum(), pl.col("cut_off").sum(), longest=pl.col("length").max()
    )
    both = summed.join(stats, on=["view", "period", "hmm_state"], suffix="_told")
    assert both.height == summed.height > 0
    assert (both["count"] == both["count_told"]).all()
    assert (both["cut_off"] == both["cut_off_told"]).all()


def test_the_curve_of_lengths_is_that_of_kaplan_and_meier():
    """By hand: of 4 runs one ends after 1 day, one is cut off at 2, two end after 4."""
    lengths = pl.DataFrame({"length": [1, 2, 4], "count": [1, 0, 2], "cut_off": [0, 1, 0]})
    text = str(dwell_curve(lengths, 0.5))
    path = re.search(r'class="first" d="M([^"]+)"', text)[1]
    heights = [float(point.split(",")[1]) for point in path.split(" L")]
    top, bottom = 10.0, 156.0
    shares = [(bottom - y) / (bottom - top) for y in heights]
    assert shares == pytest.approx([1.0, 0.75, 0.75], abs=0.01)
    assert 'class="second"' in text and 'class="second"' not in str(dwell_curve(lengths, None))


def test_what_is_suspicious_comes_first():
    summary = {"converged": False, "degenerate_states": [2], "notes": ["a note"]}
    assert suspicious(summary) == [
        "The fit has not converged: nothing here should be believed.",
        "Degenerate states: 2.",
        "a note",
    ]
    assert suspicious({"converged": True, "notes": []}) == []


def test_numbers_in_words():
    apart = {"value": 0.0056, "lo": 0.0, "hi": 0.03594, "p_shifted": 0.99, "shifts": 99}
    assert apart_words(apart) == (
        "Highest less lowest mean: 56.0 basis points (95 % interval by whole dates 0.0 to 359.4); "
        "99 shifts of the labels give p = 0.99: what chance gives, too."
    )
    assert "cannot be told" in apart_words(apart | {"value": None})
    assert outcome_told("fwd_xs_10") == (
        "mean return of the next 10 days over the market, from the next open"
    )
    assert flat({"a": {"b": [1, 2], "c": None}, "d": True}) == [
        ("a.b", "1, 2"), ("a.c", "none"), ("d", "yes"),
    ]  # fmt: skip


def test_a_row_of_the_table_of_runs(folders):
    summary = folders / "hmm" / "r_x_market" / "run_summary.json"
    row = run_row("r_x_market", "hmm", "hmm_run", "market", str(summary))
    told = json.loads(summary.read_text())
    assert row["test"] == told["log_likelihood_per_row"]["test"] and row["states"] == 3
    assert row["separation"] == told["forward_separation"]["test"]["value"]
    assert row["in_sample"] is False and row["converged"] is True
    absent = run_row("other", "hmm", "hmm_run", "market", str(folders / "none.json"))
    assert absent["state"] == "not built"


def test_a_study_has_a_row_too(tmp_path):
    """Its separations are means over seeds, and no interval of one run."""
    file = tmp_path / "stability_summary.json"
    told = {"mean_ari": 0.9, "forward_separation": {"mean": 0.01, "std": 0.002}, "notes": ["a"]}
    file.write_text(json.dumps(told))
    row = run_row("few", "clustering", "clustering_stability", "market", str(file))
    assert row["ari"] == 0.9 and row["separation"] is None and row["notes"] == ["a"]


def test_a_sweep_tells_of_cells_and_has_no_number_of_rows(tmp_path):
    file = tmp_path / "cluster_sweep_summary.json"
    file.write_text(json.dumps({"cells": 2, "failed": 0, "notes": [], "rows": [{}, {}]}))
    row = run_row("k", "clustering", "clustering_sweep", "market", str(file))
    assert row["rows"] is None and row["state"] == "done"
