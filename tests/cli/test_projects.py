"""Where a command works: the project that one stands in, from any folder below it, and nowhere else."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.xdist_group("cli_looking")


@pytest.mark.commands
def test_elsewhere_a_command_says_so_and_writes_nothing(mf_etl, tmp_path):
    for command in (["features-run"], ["status"], ["init-placeholders"], ["show-config"]):
        done = mf_etl(*command, code=2, cwd=tmp_path)
        assert f"{tmp_path} is in no project" in done.err and "Snakefile" in done.err
    assert not list(tmp_path.iterdir())


def test_half_a_project_is_none(mf_etl, tmp_path):
    (tmp_path / "Snakefile").write_text("")
    assert "is in no project" in mf_etl("features-run", code=2, cwd=tmp_path).err
    assert [path.name for path in tmp_path.iterdir()] == ["Snakefile"]


@pytest.mark.commands
def test_help_and_synthetic_archives_are_to_be_had_anywhere(mf_etl, tmp_path):
    assert "Usage" in mf_etl("features-run", "--help", cwd=tmp_path).out
    mf_etl("synth", "--tickers", "1", "--years", "1", "--seed", "1", "--out", "here", cwd=tmp_path)
    assert (tmp_path / "here").is_dir()


def test_a_folder_below_is_the_project_and_files_count_from_where_one_stands(mf_etl):
    below = mf_etl.path("raw", "nasdaq stocks")
    done = mf_etl("parse-sample", "--file", "1/fb.us.txt", cwd=below)
    assert "raw/nasdaq stocks/1/fb.us.txt: ok" in done.out
    assert "FB.US" in mf_etl("discover-files", cwd=below).out
    done = mf_etl("init-placeholders", cwd=below)
    assert mf_etl.path("logs").is_dir() and not (below / "logs").exists()


def test_a_tilde_is_the_home_in_settings_and_options(mf_etl, tmp_path):
    home = {"HOME": str(mf_etl.project.folder), "MF_ETL_PATHS__RAW_ROOT": "~/raw"}
    assert "FB.US" in mf_etl("discover-files", **home).out
    done = mf_etl("parse-sample", "--file", "~/raw/nasdaq stocks/1/fb.us.txt", **home)
    assert "raw/nasdaq stocks/1/fb.us.txt: ok" in done.out
    mf_etl.path("home.yaml").write_text("parquet: {compression: snappy}\n")
    assert (
        "~/home.yaml" not in mf_etl("show-config", MF_ETL_SETTINGS_FILE="~/home.yaml", **home).err
    )
