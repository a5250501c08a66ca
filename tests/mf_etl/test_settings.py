"""Settings: order of sources, strictness, and hints."""

from __future__ import annotations

import pytest

from mf_etl.errors import SettingsError
from mf_etl.settings.model import load_settings
from mf_etl.settings.steps import STEPS, step_settings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_source_goes_over_the_one_before(folder):
    file = folder / "mine.yaml"
    file.write_text("event_grammar: {hold_consecutive_bars: 2, respect_fail_window: 2}\n")
    settings = load_settings(
        {"event_grammar__hold_consecutive_bars": 4},
        environment={
            "MF_ETL_SETTINGS_FILE": str(file),
            "MF_ETL_EVENT_GRAMMAR__HOLD_CONSECUTIVE_BARS": "3",
            "MF_ETL_EVENT_GRAMMAR__TMF_BURST_ABS_THRESHOLD": "0.3",
        },
    )
    assert settings.event_grammar.hold_consecutive_bars == 4
    assert settings.event_grammar.respect_fail_window == 2
    assert settings.event_grammar.tmf_burst_abs_threshold == 0.3
    assert settings.event_grammar.tmf_burst_slope_threshold == 0.05


def test_the_default_file_is_taken_when_it_is_there(folder):
    assert load_settings(environment={}).paths.data_root == "data"
    (folder / "config").mkdir()
    (folder / "config" / "config.yaml").write_text("paths: {data_root: elsewhere}\n")
    assert load_settings(environment={}).paths.data_root == "elsewhere"


@pytest.mark.parametrize("text", ["AAPL.US,ibm.us", '["aapl.us", "IBM.US"]'])
def test_lists_in_the_environment(folder, text):
    settings = load_settings(environment={"MF_ETL_UNIVERSE__TICKERS": text})
    assert settings.universe.tickers == ("AAPL.US", "IBM.US")


def test_folders_add_up(folder):
    settings = load_settings(
        {"universe": {"folders": {"a": "NYSE"}}},
        environment={"MF_ETL_UNIVERSE__FOLDERS": '{"B stocks": "OTC"}'},
    )
    assert settings.universe.folders == {"a": "NYSE", "b stocks": "OTC"}


@pytest.mark.parametrize(
    ("overrides", "environment", "words"),
    [
        ({"event_gramar": {}}, {}, ["event_gramar is not known", "did you mean event_grammar?"]),
        ({"event_grammar": {"hold_bars": 1}}, {}, ["did you mean event_grammar.hold_consecutive"]),
        (
            {"event_grammar__hold_consecutive_bars": 0},
            {},
            ["event_grammar.hold_consecutive_bars = 0", "greater than or equal to 1"],
        ),
        ({"parquet__compression": "zip"}, {}, ["parquet.compression = 'zip'", "zstd"]),
        ({"parquet": {"compression": "gzip", "compression_level": 12}}, {}, ["at most 9"]),
        ({"paths": 3}, {}, ["paths = 3"]),
        ({"universe__tickers": "../etc"}, {}, ["universe.tickers.0 = '../ETC'"]),
        ({}, {"MF_ETL_PATH__RAW_ROOT": "x"}, ["MF_ETL_PATH__RAW_ROOT", "mean paths.raw_root?"]),
        ({}, {"MF_ETL_PATHS__RAWROOT": "x"}, ["paths.rawroot", "mean paths.raw_root?"]),
        ({}, {"MF_ETL_UNIVERSE__FOLDERS": "{"}, ["environment", "JSON"]),
        ({}, {"MF_ETL_SETTINGS_FILE": "nowhere.yaml"}, ["nowhere.yaml", "No such file"]),
    ],
)
def test_mistakes_get_a_line_with_the_key_and_a_hint(folder, overrides, environment, words):
    with pytest.raises(SettingsError) as error:
        load_settings(overrides, environment=environment)
    for word in words:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [("a: [1\n", "line 2: not valid YAML"), ("- 1\n", "a mapping"), ("\xff", "not")],
)
def test_broken_files(folder, text, words):
    file = folder / "broken.yaml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError, match=f"broken.yaml.*{words}"):
        load_settings(file=file, environment={})


def test_a_step_reads_exactly_its_part(folder):
    settings = load_settings(environment={})
    changed = load_settings({"event_grammar__hold_consecutive_bars": 6}, environment={})
    assert {
        step for step in STEPS if step_settings(settings, step) != step_settings(changed, step)
    } == {"gold_events"}
    limited = load_settings({"universe__limit": 1}, environment={})
    assert {
        step for step in STEPS if step_settings(settings, step) != step_settings(limited, step)
    } == {"file_manifest"}
    moved = load_settings({"paths__data_root": "x"}, environment={})
    assert all(step_settings(settings, step) == step_settings(moved, step) for step in STEPS)


def test_a_day_that_does_not_exist_is_told_with_its_key(folder):
    text = "datasets:\n  mine: {start_date: 2009-13-45}\n"
    (folder / "mine.yaml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(file=folder / "mine.yaml", environment={})
    assert "datasets.mine.start_date = '2009-13-45'" in str(caught.value)


def test_a_key_that_is_given_twice_is_refused(folder):
    (folder / "mine.yaml").write_text("qa:\n  fail_on: warn\n  fail_on: never\n")
    with pytest.raises(SettingsError, match=r"mine.yaml, line 3: .*fail_on is given twice"):
        load_settings(file=folder / "mine.yaml", environment={})


def test_a_tilde_is_the_home(folder, monkeypatch):
    monkeypatch.setenv("HOME", "/somebody")
    (folder / "mine.yaml").write_text("paths: {raw_root: ~/stooq}\n")
    assert (
        load_settings(file=folder / "mine.yaml", environment={}).paths.raw_root == "/somebody/stooq"
    )
