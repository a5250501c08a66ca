"""Every planted anomaly is in the bytes, and bronze says of it what the truth table says."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from mf_etl.bronze.build import bronze
from mf_etl.bronze.validation import Origin, Thresholds
from mf_etl.ingest.reader import RawContent
from mf_etl.schemas.bronze_ohlcv import HARD_FLAGS
from mf_etl.settings.sections import Universe as UniverseSettings
from mf_etl.synth import ANOMALIES, simulate_bars, write_archive
from mf_etl.synth.anomalies import plant
from mf_etl.synth.archive import bars_csv
from mf_etl.synth.listings import ANOMALY_EVERY
from mf_etl.synth.trading_days import trading_days
from mf_etl.universe import Universe

TICKERS = ANOMALY_EVERY * len(ANOMALIES)


@pytest.fixture(scope="module", params=[0, 1])
def archive(request, tmp_path_factory):
    """An archive with every kind of anomaly once."""
    out = tmp_path_factory.mktemp("planted")
    return write_archive(out, tickers=TICKERS, years=0.3, seed=request.param)


def bronze_of(content: bytes, ticker: str):
    return bronze(
        RawContent.of(content),
        Origin(ticker, "NYSE", "t.us.txt", "0" * 12),
        thresholds=Thresholds(),
        price_spike_factor=5.0,
    )


def find(archive, kind: str):
    """The planted anomaly of a kind, and the bytes of its file."""
    (anomaly,) = (entry for entry in archive.anomalies if entry.kind == kind)
    return anomaly, (archive.out / anomaly.source_file).read_bytes()


def test_truth_table_has_every_kind_once(archive):
    assert [anomaly.kind for anomaly in archive.anomalies] == list(ANOMALIES)


def test_bronze_finds_exactly_what_was_planted(archive):
    for anomaly in archive.anomalies:
        result = bronze_of((archive.out / anomaly.source_file).read_bytes(), anomaly.ticker)
        quality, rejects = result.quality, result.rejects
        assert quality["status"] == anomaly.status, anomaly
        if anomaly.status != "ok":
            assert not result.bars.height, anomaly
            continue
        lines = anomaly.lines
        expected = dict.fromkeys(HARD_FLAGS, 0)
        if anomaly.rejected:
            assert rejects["source_line_no"].to_list() == list(lines), anomaly
            expected |= {flag: len(lines) for flag in anomaly.flags}
        else:
            assert rejects.height == 0, anomaly
        counts = quality["flags"]
        assert {flag: counts[flag] for flag in HARD_FLAGS} == expected, anomaly
        gaps = result.bars.filter("q_gap_in_calendar")["source_line_no"].to_list()
        assert gaps == (list(lines) if anomaly.kind == "long_gap" else []), anomaly
        spikes = [spike["source_line_no"] for spike in quality["price_spikes"]]
        assert spikes == (list(lines) if anomaly.kind == "price_spike" else []), anomaly
        idle = result.bars.filter("q_no_trade")["source_line_no"].to_list()
        assert anomaly.kind != "no_trade" or set(lines) <= set(idle), anomaly
        steps = [step["source_line_no"] for step in quality["price_steps"]]
        assert anomaly.kind != "price_step" or steps == list(lines), anomaly


def test_no_garbage_holds_a_row_by_chance():
    for draw in range(200):
        result = bronze_of(plant("binary_garbage", b"\r\n", draw).content, "T.US")
        assert result.quality["status"] == "unreadable", draw


@pytest.mark.parametrize(
    "kind",
    [
        "scientific_notation",
        "older_export",
        "byte_order_mark",
        "semicolons",
        "missing_header",
        "utf_16",
        "cr_only",
        "quoted_fields",
        "polish_header",
    ],
)
def test_other_notations_hold_the_same_bars(kind):
    days = trading_days(date(2020, 1, 1), date(2021, 12, 31))
    content = bars_csv("T.US", simulate_bars(days, np.random.default_rng(8), thin=False))
    planted = plant(kind, content, 12345).content
    assert planted != content
    columns = ["ticker", "trade_dt", "open", "high", "low", "close", "volume", "openint"]
    ours, plain = (bronze_of(text, "T.US").bars.select(columns) for text in (planted, content))
    assert ours.equals(plain) and ours.height == len(days)


@pytest.mark.parametrize(
    ("kind", "mark"),
    [
        ("byte_order_mark", b"\xef\xbb\xbf<TICKER>"),
        ("older_export", b"Date,Open,High,Low,Close,Volume,OpenInt\r\n2025-0"),
        ("semicolons", b"<TICKER>;<PER>;<DATE>"),
        ("binary_garbage", b"\x00\xff"),
    ],
)
def test_files_begin_as_planted(archive, kind, mark):
    _, content = find(archive, kind)
    assert content.startswith(mark)


def test_sizes_and_notations(archive):
    def content(kind: str) -> bytes:
        return find(archive, kind)[1]

    def first_open(kind: str) -> str:
        return content(kind).decode().splitlines()[1].split(",")[4]

    assert content("zero_bytes") == b""
    assert content("header_only").count(b"\n") == 1
    assert not content("truncated_last_line").endswith(b"\n")
    assert content("missing_header").splitlines()[0].count(b",D,") == 1
    assert len(first_open("huge_prices")) >= 15 and first_open("huge_prices").isdigit()
    assert "e+0" in first_open("scientific_notation")
    assert len(first_open("many_decimals").partition(".")[2]) == 14


def test_a_gap_is_of_over_a_year(archive):
    anomaly, content = find(archive, "long_gap")
    lines = content.decode().splitlines()
    (line,) = anomaly.lines
    before, after = (
        np.datetime64(f"{day[:4]}-{day[4:6]}-{day[6:]}")
        for day in (lines[line - 2].split(",")[2], lines[line - 1].split(",")[2])
    )
    assert after - before > np.timedelta64(365)


def test_universe_builds_shadows_and_ignores_as_the_truth_table_says(archive):
    roles = {
        file.source_file: file.role for file in Universe(archive.out, UniverseSettings()).files
    }
    for anomaly in archive.anomalies:
        assert roles.pop(anomaly.source_file) == anomaly.role, anomaly
    assert set(roles.values()) == {"build"}
    assert archive.files == TICKERS + 1
