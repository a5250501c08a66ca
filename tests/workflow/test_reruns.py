"""What a change rebuilds, by the real `snakemake --dry-run`."""

from __future__ import annotations

import os
import shutil
from functools import partial

import pytest

from tests.workflow.conftest import LAYERS

pytestmark = pytest.mark.xdist_group("workflow_reruns")

broad = partial(pytest.param, marks=pytest.mark.breadth)
BUILD = ("--cores", "4", "features", "qa", "dataset")
LAST = {"gold_features": 3}
EVENTS_ON = {"gold_events": 3, "gold_features": 3}
FB = "nasdaq stocks/1/fb.us.txt"


@pytest.fixture
def edited(built):
    """The built project; whatever a test changes in it is put back."""
    saved = built.folder.with_name("saved")
    kept = ("mf_etl", "scripts", "rules", "raw")
    for name in kept:
        shutil.copytree(built.folder / name, saved / name)
    yield built
    for name in kept:
        shutil.rmtree(built.folder / name)
        shutil.copytree(saved / name, built.folder / name)
    shutil.rmtree(saved)


def test_an_archive_unpacked_again_rebuilds_nothing(edited):
    for path in edited.raw.rglob("*.txt"):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
        os.utime(path)
    assert edited.planned() == {}


@pytest.mark.breadth
def test_an_archive_that_moves_as_a_whole_rebuilds_nothing(built, tmp_path):
    shutil.copytree(built.raw, tmp_path / "archive")
    moved = ("--config", f"paths__raw_root={tmp_path / 'archive'}")
    assert "Nothing to be done" in built.snakemake("--cores", "1", *moved)
    target = built.file("gold/features_by_symbol", "FB.US")  # nothing is left out of its plan
    assert built.planned(target, *moved) == {}


def test_one_changed_byte_rebuilds_that_ticker(edited):
    path = edited.raw / FB
    stamps = path.stat()
    path.write_bytes(path.read_bytes().replace(b"38.2318", b"38.2319", 1))
    os.utime(path, ns=(stamps.st_atime_ns, stamps.st_mtime_ns + 1))
    assert edited.planned() == dict.fromkeys(LAYERS, 1)


def test_a_new_file_is_built_and_a_lost_one_leaves_the_rest(edited):
    shutil.copy(edited.raw / FB, edited.raw / "nasdaq stocks/1/fbn.us.txt")
    assert edited.planned() == dict.fromkeys(LAYERS, 1)
    (edited.raw / FB).unlink()
    (edited.raw / "nasdaq stocks/1/fbn.us.txt").unlink()
    assert edited.planned() == {}


def test_a_file_that_moved_is_rebuilt_for_its_path_is_a_column(edited):
    (edited.raw / FB).rename(edited.raw / "nasdaq stocks/3/fb.us.txt")
    assert edited.planned() == dict.fromkeys(LAYERS, 1)


@pytest.mark.parametrize(
    ("setting", "planned"),
    [
        ("event_grammar__hold_consecutive_bars=6", EVENTS_ON),
        broad("gold_features__weights__hold=2", LAST),
        broad("validation__gap_days_warn_threshold=9", dict.fromkeys(LAYERS, 3)),
        broad("precision__helper_dtype=float64", dict.fromkeys(LAYERS[1:], 3)),
        broad("parquet__compression=snappy", dict.fromkeys(LAYERS, 3)),
        ("project__name=other", {}),
    ],
)
def test_a_setting_rebuilds_what_reads_it(built, setting, planned):
    assert built.planned("--config", setting) == planned


@pytest.mark.parametrize(
    ("path", "old", "new", "planned"),
    [
        ("mf_etl/gold/events.py", "EARLY_BARS = 3", "EARLY_BARS = 4", EVENTS_ON),
        ("mf_etl/gold/events.py", "# S1 and S3 last", "# S1 and S3 each last", {}),
        broad("mf_etl/gold/events.py", '"""Seed state model', '"""The seed state model', {}),
        broad("mf_etl/gold/features.py", "RECENCY_BARS = 20", "RECENCY_BARS = 21", LAST),
        broad(
            "mf_etl/silver/base.py",
            "atr_14 = average_true_range(tr, 14)",
            "atr_14 = average_true_range(tr, 15)",
            dict.fromkeys(LAYERS[1:], 3),
        ),
        broad("scripts/gold_events.py", '"""Gold events:', '"""The gold events:', {}),
        ("scripts/gold_events.py", "write(events, ", "write(events[:], ", EVENTS_ON),
        broad("rules/gold.smk", '"""Silver to gold:', '"""From silver to gold:', {}),
    ],
)  # fmt: skip
def test_code_rebuilds_what_reaches_it_and_comments_nothing(edited, path, old, new, planned):
    edited.edit(path, old, new)
    assert edited.planned() == planned


def test_an_edit_changes_bytes_where_it_should_and_back_again(edited):
    before = edited.data()
    edited.snakemake(*BUILD, "--config", "event_grammar__hold_consecutive_bars=6")
    after = edited.data()
    changed = {path.split("/")[1] for path in before if before[path] != after[path]}
    assert changed == {
        "events_by_symbol", "features_by_symbol", "gold_events", "gold_features", "datasets",
    }  # fmt: skip
    edited.snakemake(*BUILD)
    assert edited.data() == before


@pytest.mark.breadth
def test_a_deleted_file_is_made_again(edited):
    before = edited.data()
    (edited.folder / edited.file("silver/indicators_by_symbol", "FB.US")).unlink()
    assert "silver_indicators" in edited.planned()
    edited.snakemake(*BUILD)
    assert edited.data() == before
