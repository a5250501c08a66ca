"""Settled tickers: what a plan may leave out, and what it may not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mf_etl.catalog import catalog
from mf_etl.settings.sections import Paths
from mf_etl.settled import Settled

PAIRS = [("NYSE", "A.US"), ("NASDAQ", "B.US")]


@pytest.fixture
def made_from():
    return dict.fromkeys(PAIRS, "raw, settings and code")


@pytest.fixture
def settled(tmp_path, monkeypatch, made_from) -> Settled:
    monkeypatch.chdir(tmp_path)
    data = catalog(Paths())
    for exchange, ticker in PAIRS:
        for dataset in data.per_ticker():
            path = Path(dataset.path(exchange=exchange, ticker=ticker))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dataset.name)

    def files(unit):
        exchange, ticker = unit
        return [dataset.path(exchange=exchange, ticker=ticker) for dataset in data.per_ticker()]

    found = Settled(Path("data/.cache/settled.json"), files, made_from.__getitem__)
    found.add(PAIRS)
    monkeypatch.chdir("/")
    return found


def features(tmp_path) -> Path:
    data = catalog(Paths())
    return tmp_path / data.gold_features.path(exchange="NYSE", ticker="A.US")


def test_unchanged_tickers_are_settled_wherever_the_process_is(settled):
    assert settled.among(PAIRS) == set(PAIRS)
    assert settled.among(PAIRS[:1]) == set(PAIRS[:1])


def test_another_origin_unsettles(settled, made_from):
    made_from[PAIRS[0]] = "another formula"
    assert settled.among(PAIRS) == {PAIRS[1]}


@pytest.mark.parametrize("change", ["content", "time", "gone"])
def test_a_file_that_is_not_as_it_was_unsettles(settled, tmp_path, change):
    path = features(tmp_path)
    if change == "content":
        status = path.stat()
        path.write_text("content of another length")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif change == "time":
        os.utime(path, (1, 1))
    else:
        path.unlink()
    assert settled.among(PAIRS) == {PAIRS[1]}
    settled.add(PAIRS)
    assert settled.among(PAIRS) == (set(PAIRS) if change != "gone" else {PAIRS[1]})


@pytest.mark.parametrize("text", ["", "[]", "{", '{"NYSE/A.US": "x"}'])
def test_without_a_sound_record_nothing_is_settled(settled, tmp_path, text):
    (tmp_path / "data/.cache/settled.json").write_text(text)
    assert settled.among(PAIRS) == set()
