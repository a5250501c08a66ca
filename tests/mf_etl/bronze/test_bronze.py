"""Bronze: every line is a valid bar or a reject with its reasons, and the report adds up."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_etl.bronze.validation import Thresholds
from mf_etl.io import ParquetOptions, write_json
from mf_etl.schemas.bronze_ohlcv import BRONZE_OHLCV, BRONZE_REJECTS, HARD_FLAGS
from tests.conftest import ROOT, SAMPLE, bronze_of, raw_file, raw_row
from tests.mf_etl.test_causality import layers

GOOD = raw_row("20240102")


def reasons(*rows: str) -> list[list[str]]:
    return bronze_of(raw_file(*rows)).rejects["reasons"].to_list()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (raw_row("20240103", 0, 11, 0, 10, 1), ["nonpositive_price"]),
        (raw_row("20240103", -1, 11, -2, 10, 1), ["nonpositive_price"]),
        (raw_row("20240103", 10, 9, 11, 10, 1), ["high_lt_low", "ohlc_outside_hl"]),
        (raw_row("20240103", 12, 11, 9, 10, 1), ["ohlc_outside_hl"]),
        (raw_row("20240103", 10, 11, 9, 8, 1), ["ohlc_outside_hl"]),
        (raw_row("20240103", 10, 11, 9, 10, -0.5), ["negative_volume"]),
        (raw_row("20240103", 10, 11, 9, 10, ""), ["missing_field"]),
        (raw_row("20240103", 10, 11, 9, "x", 1), ["parse_error"]),
        (raw_row("20240103", per="W"), ["bad_timeframe"]),
        (raw_row("20240103", ticker="U.US"), ["ticker_mismatch"]),
        (raw_row("20240103", 0, "x", 11, 10, "", per="5"), [
            "missing_field", "parse_error", "bad_timeframe", "nonpositive_price", "ohlc_outside_hl",
        ]),
        ("T.US,D,20240103", ["malformed_row"]),
        (raw_row("20240103") + ",0", ["malformed_row"]),
    ],
)  # fmt: skip
def test_hard_errors(row, expected):
    result = bronze_of(raw_file(GOOD, row))
    assert result.rejects["reasons"].to_list() == [expected]
    assert result.rejects["raw_line"].to_list() == [row]
    assert result.rejects["source_line_no"].to_list() == [3]
    flags = {name for name in HARD_FLAGS if result.rejects[name][0]}
    assert flags == {f"q_{reason}" for reason in expected}
    assert result.bars.height == 1


def test_ticker_in_another_case_is_the_same():
    assert reasons(raw_row("20240103", ticker="t.us")) == []


def test_equal_duplicates_keep_the_first_and_others_keep_none():
    result = bronze_of(
        raw_file(
            raw_row("20240102"),
            raw_row("20240102"),
            raw_row("20240103"),
            raw_row("20240103", 10, 11, 9, 10, 1000),
            raw_row("20240103"),
            raw_row("20240104"),
        )
    )
    assert result.bars["source_line_no"].to_list() == [2, 7]
    assert result.rejects["source_line_no"].to_list() == [3, 4, 5, 6]
    assert set(map(tuple, result.rejects["reasons"])) == {("duplicate_ticker_date",)}


def test_of_rows_that_disagree_the_last_is_kept_where_asked_for():
    rows = [
        raw_row("20240102", 10, 11, 9, 10, 1),
        raw_row("20240103", 10, 11, 9, 10, 500),
        raw_row("20240103", 10, 11, 9, 10, 2000),
        raw_row("20240104"),
        raw_row("20240104"),
        raw_row("20240103", 0, 11, 0, 10, 9000),
    ]
    kept = bronze_of(raw_file(*rows), conflicts="keep_last")
    assert kept.bars["source_line_no"].to_list() == [2, 4, 5]
    assert kept.rejects["source_line_no"].to_list() == [3, 6, 7]
    assert bronze_of(raw_file(*rows)).bars["source_line_no"].to_list() == [2, 5]


def test_a_broken_row_casts_no_doubt_on_the_good_one_of_its_day():
    result = bronze_of(raw_file(GOOD, raw_row("20240102", 0, 1, 0, 1, 1)))
    assert result.bars["source_line_no"].to_list() == [2]
    assert result.rejects["reasons"].to_list() == [["nonpositive_price"]]


def test_rows_come_out_in_date_order_with_their_line_numbers():
    result = bronze_of(raw_file(raw_row("20240104"), raw_row("20240102"), raw_row("20240103")))
    assert result.bars["source_line_no"].to_list() == [3, 4, 2]
    BRONZE_OHLCV.check(result.bars)


def test_warnings_stay_and_are_counted():
    bars = bronze_of(
        raw_file(
            raw_row("20240102", 10, 15.1, 10, 10, 1),
            raw_row("20240109", 10, 14, 10, 13.1, 1),
            raw_row("20240117", 10, 13, 10, 12.9, 1),
            raw_row("20240126", 10, 20, 10, 10, 1),
        )
    ).bars
    assert bars["q_suspicious_bar"].to_list() == [True, True, False, True]
    assert bars["q_gap_in_calendar"].to_list() == [False, False, True, True]
    assert bars["quality_warn_count"].to_list() == [1, 1, 1, 2]


def test_a_step_of_the_price_is_warned_of_and_looks_back_only():
    closes = [10, 18, 17.9, 9.9, 5.5, 5.6, 56]
    bars = bronze_of(
        raw_file(*(raw_row(f"2024010{i + 1}", c, c, c, c, 5) for i, c in enumerate(closes)))
    ).bars
    assert bars["q_price_step"].to_list() == [False, True, False, True, True, False, True]
    assert bars["quality_warn_count"].to_list() == [0, 1, 0, 1, 1, 0, 1]


def test_a_day_without_a_trade_is_marked_and_no_warning():
    rows = [raw_row("20240102"), raw_row("20240103", 10, 10, 10, 10, "0.0"), raw_row("20240104")]
    bars = bronze_of(raw_file(*rows)).bars
    assert bars["q_no_trade"].to_list() == [False, True, False]
    assert bars["quality_warn_count"].sum() == 0


def test_a_gap_of_more_than_a_year_begins_a_segment():
    rows = [
        raw_row("20200102"),
        raw_row("20210101"),  # 365 days
        raw_row("20220102", 80, 90, 70, 80, 5),  # 366 days, and eight times the price
        raw_row("20220103", 80, 90, 70, 80, 5),
        raw_row("20240103"),
    ]
    bars = bronze_of(raw_file(*rows)).bars
    assert bars["segment_no"].to_list() == [1, 1, 2, 2, 3]
    assert bars["q_gap_in_calendar"].to_list() == [False, True, True, False, True]
    assert bars["q_price_step"].to_list() == [False] * 5, "no step across segments"
    rejected = bronze_of(raw_file(*rows[:2], raw_row("20210601", 0, 0, 0, 0, 1), rows[2])).bars
    assert rejected["segment_no"].to_list() == [1, 1, 2], "a rejected row does not bridge a gap"


def test_report():
    closes = [10, 10, 100, 10, 10, 1, 10]
    rows = [raw_row(f"2024010{i + 1}", c, c, c, c, 5) for i, c in enumerate(closes)]
    quality = bronze_of(raw_file(*rows, raw_row("20240109", 0, 1, 0, 1, 1))).quality
    assert (quality["rows_total"], quality["rows_valid"], quality["rows_rejected"]) == (8, 7, 1)
    assert quality["flags"]["q_nonpositive_price"] == 1
    assert quality["first_trade_date"] == "2024-01-01"
    assert quality["last_trade_date"] == "2024-01-07"
    assert [spike["trade_date"] for spike in quality["price_spikes"]] == [
        "2024-01-03",
        "2024-01-06",
    ]
    assert quality["price_spikes"][0] == {
        "trade_date": "2024-01-03",
        "close": 100.0,
        "source_line_no": 4,
    }
    assert quality["status"] == "ok" and quality["reader"] == "fast"


def steps_of(*closes: float, factor: float = 1.8, days: int = 1) -> list[dict]:
    """Price steps of bars with these closes, so many days apart."""
    first = date(2020, 1, 1)
    rows = [
        raw_row((first + timedelta(days=days * i)).strftime("%Y%m%d"), c, c, c, c, 5)
        for i, c in enumerate(closes)
    ]
    thresholds = Thresholds(price_step_factor=factor)
    return bronze_of(raw_file(*rows), thresholds=thresholds).quality["price_steps"]


@pytest.mark.parametrize(
    ("before", "after", "ratio"),
    [
        (400, 100, "4:1"),
        (400, 101.9, "4:1"),
        (400, 102.1, None),
        (10, 100, "1:10"),
        (500, 10, "50:1"),
        (490, 10, "49:1"),
        (520, 10, None),
        (5, 2, "5:2"),
        (3, 2, "3:2"),
        (4, 3, "4:3"),
        (5, 4, "5:4"),
        (2, 5, "2:5"),
        (10, 17, None),
    ],
)
def test_the_nearest_simple_split_of_a_step(before, after, ratio):
    (step,) = steps_of(before, after, factor=1.2)
    assert step == {
        "trade_date": "2020-01-02",
        "factor": after / before,
        "split_ratio": ratio,
        "source_line_no": 3,
        "block": None,
    }


def test_a_step_that_is_taken_back_encloses_a_block():
    up, down = steps_of(10, 10, 150, 151, 149, 10.2, 10)
    assert up["block"] == {
        "first_trade_date": "2020-01-03", "last_trade_date": "2020-01-05", "rows": 3,
    }  # fmt: skip
    assert (up["split_ratio"], down["block"]) == ("1:15", None)
    assert [s["block"] for s in steps_of(10, 40, 40, 11.2)] == [None] * 2, "12 % from where it was"
    first, second, third = steps_of(10, 40, 10, 40)
    assert first["block"]["rows"] == second["block"]["rows"] == 1, "the nearest takes it back"
    assert third["block"] is None


def test_a_block_is_at_most_260_bars_and_within_a_segment():
    assert steps_of(10, *[40] * 260, 10)[0]["block"]["rows"] == 260
    assert steps_of(10, *[40] * 261, 10)[0]["block"] is None
    rows = [raw_row("20200101", *[10] * 4, 5), raw_row("20200102", *[40] * 4, 5)]
    rows += [raw_row("20220101", *[40] * 4, 5), raw_row("20220102", *[10] * 4, 5)]
    quality = bronze_of(raw_file(*rows)).quality
    assert [step["block"] for step in quality["price_steps"]] == [None, None]
    assert quality["segments"] == [
        {
            "segment_no": n,
            "first_trade_date": f"{y}-01-01",
            "last_trade_date": f"{y}-01-02",
            "rows": 2,
        }
        for n, y in ((1, 2020), (2, 2022))
    ]


def test_only_rejects_is_said():
    quality = bronze_of(raw_file(raw_row("20240102", 0, 0, 0, 0, 0))).quality
    assert (quality["status"], quality["message"]) == ("ok", "no row is a valid bar")


fields = st.one_of(
    st.sampled_from(["T.US", "D", "20240102", "000000", "10", "11", "9", "10.5", "1000", "0", ""]),
    st.text(max_size=4),
)
lines = st.one_of(
    st.just(GOOD),
    st.sampled_from([f"2024010{d}" for d in range(1, 6)]).map(raw_row),
    st.lists(fields, max_size=12).map(",".join),
    st.text(max_size=30),
    st.just(""),
)


@given(
    st.one_of(st.lists(lines, max_size=12).map("\n".join).map(str.encode), st.binary(max_size=400))
)
def test_nothing_read_is_lost(body):
    content = raw_file(end="\n") + body
    result = bronze_of(content)
    text = content.decode("utf-8-sig", errors="replace")
    lines_of_file = re.split(r"\r\n|\r|\n", text)
    data_lines = sum(1 for line in lines_of_file[1:] if line.strip(" \t\x0b\x0c\xa0"))
    assert result.bars.height + result.rejects.height == data_lines
    assert result.quality["rows_total"] == data_lines
    assert result.quality["rows_rejected"] == result.rejects.height
    BRONZE_OHLCV.check(result.bars)
    BRONZE_REJECTS.check(result.rejects)
    numbers = [*result.bars["source_line_no"], *result.rejects["source_line_no"]]
    assert len(set(numbers)) == len(numbers)
    assert all(len(r) > 0 for r in result.rejects["reasons"])


@pytest.mark.parametrize("path", sorted(SAMPLE.rglob("*.txt")), ids=lambda path: path.stem)
def test_the_sample_adds_up(path):
    content = path.read_bytes()
    result = bronze_of(content, path.name.removesuffix(".txt").lstrip("_").upper())
    assert result.quality["rows_total"] == result.bars.height + result.rejects.height


def closes(*prices: float, gap_before: tuple[int, ...] = ()) -> bytes:
    """Flat bars of these closes, a day apart, or 400 days."""
    day, rows = date(2020, 1, 1), []
    for row, price in enumerate(prices):
        day += timedelta(days=400 if row in gap_before else 1)
        rows.append(raw_row(f"{day:%Y%m%d}", price, price, price, price, 1))
    return raw_file(*rows)


@pytest.mark.parametrize(
    ("gap_before", "spikes"), [((), 1), ((2,), 0), ((3,), 0), ((2, 3), 0), ((1, 4), 1)]
)
def test_neighbours_of_a_spike_are_of_its_segment(gap_before, spikes):
    quality = bronze_of(closes(10, 10, 100, 10, 10, gap_before=gap_before)).quality
    assert len(quality["price_spikes"]) == spikes


@pytest.mark.parametrize("edge", [(100, 10, 10), (10, 10, 100)])
def test_the_first_and_the_last_bar_are_no_spike(edge):
    assert bronze_of(closes(*edge)).quality["price_spikes"] == []


@pytest.mark.parametrize(
    ("last", "is_block"), [(90, True), (110, True), (89.9, False), (110.1, False)]
)
def test_bounds_of_a_step_that_is_taken_back(last, is_block):
    steps = bronze_of(closes(100, 25, 25, last)).quality["price_steps"]
    assert [step["block"] is not None for step in steps] == [is_block, False]


@pytest.mark.parametrize(("bars", "is_block"), [(260, True), (261, False)])
def test_a_step_is_taken_back_within_260_bars(bars, is_block):
    first, _ = bronze_of(closes(100, *[25] * bars, 100)).quality["price_steps"]
    assert (first["block"] is not None) == is_block


REJECTS = """
import resource, sys
from tests.conftest import bronze_of

def used():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

bronze_of(b"x,y")
before = used()
assert bronze_of(b"x\\n" * 100_000).rejects.height == 100_000
print((used() - before) / 100_000)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="memory is asked for in another way there")
def test_a_reject_needs_little_memory():
    done = subprocess.run(
        [sys.executable, "-c", REJECTS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 1_000  # bytes


def test_absurd_prices_and_volumes_can_be_written(tmp_path):
    rows = [
        raw_row(f"{date(2020, 1, 1) + timedelta(days=n):%Y%m%d}", *[price] * 4, 1.5e308)
        for n, price in enumerate([1e300, 1e-310] * 15)
    ]
    result = bronze_of(raw_file(*rows))
    assert (result.bars.height, result.quality["flags"]["q_price_step"]) == (30, 29)
    assert {step["factor"] for step in result.quality["price_steps"]} == {0.0, None}
    write_json(result.quality, tmp_path / "quality.json")
    BRONZE_OHLCV.write(result.bars, tmp_path / "bars.parquet", ParquetOptions())
    for name, frame in layers(result.bars).items():
        floats = frame.select(pl.selectors.float())
        assert floats.select(pl.all().is_finite().all()).row(0) == (True,) * floats.width, name


@pytest.mark.parametrize("day", ["00000101", "00010101", "18000101", "99991231"])
def test_any_date_that_can_be_written_is_a_bar_or_a_reject(day):
    rows = sorted([raw_row(day), *(raw_row(f"202401{d:02d}") for d in range(1, 32))])
    result = bronze_of(raw_file(*rows))
    assert result.bars.height + result.rejects.height == 32
    assert (result.rejects.height == 1) == (day == "00000101"), "there is no year 0"
    assert {frame.height for frame in layers(result.bars).values()} == {result.bars.height}
