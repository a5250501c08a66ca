"""What looks at a built project: the notebook, `snakemake --report`, the picture of the rules."""

from __future__ import annotations

import json
import re
import shutil

import nbformat
import polars as pl
import pytest

from mf_etl.catalog import aggregates
from mf_etl.research.runs.catalog import RUNS_FOLDERS, run_patterns
from mf_etl.research.validation.catalog import validation_patterns
from mf_etl.rule_graph import by_family, read_graph, reduced, rows_of, svg
from mf_etl.settings.sections import Paths
from tests.conftest import ROOT, SAMPLE
from tests.documents.walkthrough import NOTEBOOK, executed
from tests.workflow.conftest import Project, copy_of, new_project
from tests.workflow.research import SPLIT, preparation, settings

pytestmark = pytest.mark.xdist_group("documents_looked_at")

QUICK = {"n_init": 1, "silhouette_rows": 500}
HMM = {"n_components": 3, "n_iter": 15, "n_restarts": 1, "start_rows": 1000}
PREPARATION = {"preparation": preparation(**SPLIT)}
RUNS = settings(
    "clustering",
    runs={"regimes": {"clustering": {"n_clusters": 3, **QUICK}, **PREPARATION}},
    sweeps={"k": {"n_clusters": [2, 3], "methods": ["kmeans"], "clustering": QUICK, **PREPARATION}},
) | settings(
    "hmm",
    runs={
        "regimes": {"hmm": HMM, **PREPARATION, "cluster_labels_file": "regimes_kmeans_market"},
    },
)


@pytest.fixture(scope="module")
def project(research_template, tmp_path_factory) -> Project:
    """A project with two tickers of thirteen years and the runs that the settings usually name."""
    folder = tmp_path_factory.mktemp("documents") / "project"
    project = copy_of(research_template, folder, links=True)
    project.environment = RUNS
    project.snakemake("--cores", "2", "qa", "clustering", "hmm")
    return project


@pytest.mark.commands
def test_the_notebook_runs(project, monkeypatch):
    for name, value in (RUNS | {"MF_ETL_PATHS__RAW_ROOT": "raw"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(project.folder))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    below = project.folder / "docs"
    below.mkdir()
    stored = nbformat.read(NOTEBOOK, as_version=4)
    assert all(cell.outputs for cell in stored.cells if cell.cell_type == "code"), (
        "make walkthrough"
    )
    told = json.dumps(executed(below))
    assert "runs.regimes_hmm_market" in told and "S2_PERSISTENT_DEMAND" in told
    # Nothing of what is read has been written to.
    assert "Nothing to be done" in project.snakemake("--dry-run", "qa", "clustering", "hmm")


def script(html: str, name: str) -> dict:
    """A variable of the report's page."""
    found = re.search(rf"^ *var {name} = ({{.*}});$", html, re.MULTILINE)
    assert found, name
    return json.loads(found[1])


@pytest.mark.commands
def test_snakemakes_report_shows_figures_and_tables(project):
    out = project.snakemake("--report", "report.html", "qa", "clustering", "hmm")
    assert "Missing metadata" not in out
    html = (project.folder / "report.html").read_text(encoding="utf-8")
    categories, results = script(html, "categories"), script(html, "results")
    runs = {"Clusterings": {"regimes_kmeans_market", "k_cluster_sweep"}}
    runs |= {"Hidden Markov models": {"regimes_hmm_market"}}
    assert {name: {*below} for name, below in categories.items() if name in runs} == runs
    assert "Data quality" in categories
    names = {path.rsplit("/", 1)[-1] for path in results}
    assert names >= {
        "problem_tickers.csv", "profile_heatmap.svg", "cluster_profile.csv",
        "k_cluster_sweep_summary.csv",
        "cluster_profile_test.csv", "hmm_vs_cluster_crosstab.csv", "forward_returns.svg",
    }  # fmt: skip
    for path, result in results.items():
        assert result["labels"]["shows"] and "<p>" in result["caption"], path
        if "_runs/" in path:
            assert result["labels"]["run"] in path
    figure = results["results/hmm_runs/regimes_hmm_market/state_timeline.svg"]
    assert figure["mime_type"] == "image/svg+xml" and "regimes_hmm_market" in figure["caption"]


def test_everything_that_is_shown_has_a_caption():
    rules = (ROOT / "rules" / "shown.smk").read_text(encoding="utf-8")
    named = set(re.findall(r'^    "(\w+)": ', rules, re.MULTILINE)) - {"hmm", "clustering"}
    captions = {path.stem for path in (ROOT / "report").glob("*.rst")}
    assert captions == named | {"workflow"} and len(named) > 20
    steps = [step for kind in RUNS_FOLDERS for step in run_patterns(Paths(), kind).values()]
    steps += validation_patterns(Paths()).values()
    outputs = {name for step in steps for name in step} | set(vars(aggregates(Paths())))
    assert named <= outputs


@pytest.mark.breadth
def test_a_report_of_everything_plans_no_single_ticker(project):
    html = project.folder / "all.html"
    project.snakemake("--cores", "2")
    project.snakemake("--report", html.name)
    rules = script(html.read_text(encoding="utf-8"), "rulegraph_spec")
    assert "gold_features" not in json.dumps(rules) and "parcel" in json.dumps(rules)


def test_the_rule_graph_is_that_of_today(tmp_path):
    # Nothing is built: what a checkpoint has decided would be in the graph.
    project = new_project(tmp_path / "project")
    shutil.copy(ROOT / "config" / "config.yaml", project.folder / "config")
    project.environment = {"MF_ETL_PATHS__RAW_ROOT": str(SAMPLE)}
    graph = read_graph(project.snakemake("--rulegraph"))
    assert graph["silver_base"] == {"bronze_ohlcv"} and "hmm_run" in graph and "all" not in graph
    written = (ROOT / "docs" / "images" / "rule_graph.svg").read_text(encoding="utf-8")
    assert written == svg(graph), "run `make docs`"


def test_a_rule_graph_is_drawn_without_what_follows_from_other_edges():
    dot = """digraph {
        0[label = "all", color = "0.1"];
        1[label = "a", color = "0.1"];
        2[label = "b", color = "0.1"];
        3[label = "c", color = "0.1"];
        3 -> 0
        1 -> 2
        2 -> 3
        1 -> 3
    }"""
    graph = read_graph(f"Building DAG of jobs...\n{dot}")
    assert graph == {"a": frozenset(), "b": {"a"}, "c": {"a", "b"}}
    assert reduced(graph) == {"a": frozenset(), "b": {"a"}, "c": {"b"}}
    assert [[box.rule for box in row] for row in rows_of(reduced(graph))] == [["a"], ["b"], ["c"]]
    long = [[(box.rule, box.need) for box in row] for row in rows_of(graph)]
    assert long == [[("a", "")], [("b", ""), ("c", "a")], [("c", "")]]
    assert svg(graph).count("<path") == 2
    family = {"a": frozenset(), "report_x": {"a"}, "report_y": {"a", "report_x"}, "b": {"a"}}
    assert by_family(family) == {"a": frozenset(), "b": {"a"}, "report: 2 rules": {"a"}}
    with pytest.raises(ValueError, match="no rule graph"):
        read_graph("Nothing to be done")


RECIPE = re.compile(r"^```diff\n--- (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.commands
def test_the_recipe_adds_a_column(template, tmp_path):
    project = copy_of(template, tmp_path / "project")
    recipe = (ROOT / "docs" / "add-a-column.md").read_text(encoding="utf-8")
    steps = RECIPE.findall(recipe)
    assert len(steps) == 4
    for path, diff in steps:
        lines = diff.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] in " -")
        new = "".join(line[1:] for line in lines if line[0] in " +")
        project.edit(path, old, new)
    out = project.snakemake("--dry-run", "features")
    told = re.findall(r"^(\w+) +(\d+)$", out, re.MULTILINE)
    assert ("gold_features", "3") in told and "gold_events" not in dict(told)
    project.snakemake("--cores", "2", "features")
    features = pl.read_parquet(project.folder / project.file("gold/features_by_symbol", "FB.US"))
    slope = features["tmf_21"].cast(pl.Float64) - features["tmf_21"].cast(pl.Float64).shift(20)
    written = features["tmf_slope_20"]
    assert written.dtype == pl.Float32 and written.null_count() == slope.null_count() < len(slope)
    assert (written - slope).abs().max() < 1e-7
    assert features["feature_calc_version"].unique().to_list() == ["3"]
