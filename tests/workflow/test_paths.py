"""Folders with names that file patterns and shells would read otherwise."""

from __future__ import annotations

import json

import pytest

from mf_etl.database import connect
from tests.workflow.conftest import new_project

KMEANS = {"method": "kmeans", "n_clusters": 3}


@pytest.mark.xdist_group("workflow_paths")
def test_folders_of_any_name(tmp_path):
    project = new_project(tmp_path / "it's a [new] project*")
    project.raw.rename(project.folder / "raw [x] & 'y'")
    project.environment = {
        "MF_ETL_PATHS__RAW_ROOT": "raw [x] & 'y'",
        "MF_ETL_PATHS__DATA_ROOT": "da[t]a*'s $HOME",
        "MF_ETL_PATHS__RESULTS_ROOT": "results*",
        "MF_ETL_PATHS__LOGS_ROOT": "lo[g]s",
        "MF_ETL_DATASETS": '{"all": {}}',
        "MF_ETL_RESEARCH_CLUSTERING__RUNS": json.dumps(
            {"r": {"dataset": "all", "clustering": KMEANS}}
        ),
    }
    assert "failed" not in project.snakemake("--cores", "4")
    assert "Nothing to be done" in project.snakemake("--cores", "4")
    project.snakemake("--cores", "1", "catalog")
    with connect(project.folder / "da[t]a*'s $HOME" / "mf_etl.duckdb") as database:
        assert database.sql("select count(distinct ticker) from features").fetchall() == [(2,)]
        assert database.sql("select count(*) from runs.r_kmeans_all").fetchall()[0][0] > 0


@pytest.mark.breadth
@pytest.mark.parametrize(
    ("folder", "setting"), [("a{b}", "project__env=ci"), ("a", "paths__logs_root=lo{g}s")]
)
def test_a_brace_in_a_folder_is_told_in_one_line(tmp_path, folder, setting):
    project = new_project(tmp_path / folder)
    told = project.snakemake("--cores", "1", "--config", setting, succeeds=False)
    assert "mf_etl: Snakemake takes a brace for a wildcard" in told.splitlines()[-1]
    assert "Traceback" not in told
