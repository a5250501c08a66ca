"""Commands that look and write nothing, help, version, completion and settings."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from mf_etl.cli.main import FAMILIES, main
from tests.cli.conftest import EXECUTABLE, MODULE, readme_examples

pytestmark = pytest.mark.xdist_group("cli_looking")

COMMANDS = [command.name for _, commands in FAMILIES for command in commands]
RAW = "raw/nasdaq stocks/3/zvalues.us.txt"


def everything(mf_etl) -> list[str]:
    files = mf_etl.project.folder.rglob("*")
    return sorted(str(path) for path in files if "__pycache__" not in path.parts)


def test_help_is_a_tour_of_all_commands(mf_etl):
    out = mf_etl("--help").out
    places = [out.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)
    assert "Set up:" in out and "Exit codes: 0 done, 1 failed, 2 wrong usage" in " ".join(
        out.split()
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    done = CliRunner().invoke(main, [command, "--help"], prog_name="mf-etl")
    assert done.exit_code == 0 and "Usage: mf-etl" in done.output
    assert len(done.output.splitlines()[2].strip()) > 10


@pytest.mark.parametrize("door", [EXECUTABLE, MODULE])
def test_version(mf_etl, door):
    assert re.fullmatch(r"mf-etl, version \d+\.\d+\.\d+\n", mf_etl("--version", door=door).out)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(mf_etl, shell):
    assert "_MF_ETL_COMPLETE" in mf_etl(_MF_ETL_COMPLETE=f"{shell}_source").out


def test_tickers_are_completed(mf_etl):
    words = {"COMP_WORDS": "mf-etl features-one --ticker f", "COMP_CWORD": "3"}
    assert "FB.US" in mf_etl(_MF_ETL_COMPLETE="bash_complete", **words).out


def test_discover_files_lists_what_would_be_read_and_writes_nothing(mf_etl):
    before = everything(mf_etl)
    out = mf_etl("discover-files").out
    assert re.search(r"NASDAQ +FB\.US +build +nasdaq stocks/1/fb\.us\.txt", out)
    assert re.search(r"NASDAQ +build +3", mf_etl("discover-files", "--counts").out)
    assert everything(mf_etl) == before


def test_parse_and_validate_write_nothing(mf_etl):
    before = everything(mf_etl)
    out = mf_etl("parse-sample", "--file", RAW, "--rows", "2").out
    assert "2 of 13 rows" in out and "ZVALUES.US" in out
    out = mf_etl("validate-sample", "--file", RAW).out
    assert re.search(r"q_nonpositive_price +[1-9]", out) and "rejected" in out
    assert everything(mf_etl) == before


def test_a_file_that_is_no_ticker(mf_etl):
    assert (
        "the file name is no ticker" in mf_etl("validate-sample", "--file", "Snakefile", code=2).err
    )


def test_show_config_says_where_each_setting_is_from(mf_etl):
    mf_etl.path("mine.yaml").write_text("parquet: {compression: snappy}\nqa: {fail_on: warn}\n")
    done = mf_etl(
        "show-config", "--json", MF_ETL_SETTINGS_FILE="mine.yaml", MF_ETL_QA__FAIL_ON="never"
    )
    found = {s["key"]: (s["value"], s["origin"]) for s in json.loads(done.out)}
    assert found["parquet.compression"] == ("snappy", "mine.yaml")
    assert found["qa.fail_on"] == ("never", "environment (MF_ETL_…)")
    assert found["parquet.statistics"] == (True, "default")
    mf_etl.path("folders.yaml").write_text("universe: {folders: {here: NYSE}}\n")
    done = mf_etl(
        "show-config", "--json",
        MF_ETL_SETTINGS_FILE="folders.yaml", MF_ETL_UNIVERSE__FOLDERS='{"there": "NASDAQ"}',
    )  # fmt: skip
    both = {s["key"]: s for s in json.loads(done.out)}["universe.folders"]
    assert set(both["value"]) == {"here", "there"} and "environment" in both["origin"]
    assert found["paths.raw_root"] == ("raw", "environment (MF_ETL_…)")
    out = mf_etl("show-config").out
    assert "parquet.compression" in out
    assert max(map(len, out.splitlines())) <= 120


@pytest.mark.parametrize(
    "variable, line",
    [
        ("MF_ETL_PARQUET__COMPRESION", "parquet.compresion is not known; did you mean parquet."),
        ("MF_ETL_UNIVERSE__LIMIT", "universe.limit = 'x'"),
    ],
)  # fmt: skip
def test_a_setting_that_is_not_known_or_not_valid(mf_etl, variable, line):
    assert line in mf_etl("status", code=2, **{variable: "x"}).err


def test_init_placeholders_makes_the_layout(mf_etl):
    mf_etl("init-placeholders")
    for folder in ("data/bronze/ohlcv_by_symbol", "data/gold/features_by_symbol", "results/qa"):
        assert mf_etl.path(folder).is_dir()
    assert mf_etl.path("logs", "etl.log").is_file()
    assert not list(mf_etl.path("data").rglob("*{*"))


def test_synth_writes_an_archive(mf_etl):
    options = ("--tickers", "2", "--years", "1", "--seed", "1", "--out", "made")
    out = mf_etl("synth", *options).out
    assert "2 tickers" in out
    assert "build" in mf_etl("discover-files", MF_ETL_PATHS__RAW_ROOT="made").out


# Those of runs and of pages need more than an archive: test_research.py, test_pages.py.
EXAMPLES = [
    words
    for words in readme_examples()
    if not words[0].startswith("research-") and words != ["view"]
]
# Where the project's own files, tickers and dates are.
HERE = {"AAPL.US": "FB.US", "NYSE": "NASDAQ", "2010-01-04": "2012-09-04"}


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(words, marks=[pytest.mark.commands] if place else [])
        for place, words in enumerate(EXAMPLES)
    ],
    ids=" ".join,
)
def test_the_examples_of_the_readme_run(mf_etl, example):
    words = [RAW if word.endswith(".txt") else HERE.get(word, word) for word in example]
    mf_etl(*words)


def test_the_readme_has_examples():
    assert len(EXAMPLES) >= 8
