"""Figures of bronze over the universe, worked out by hand."""

from __future__ import annotations

from datetime import date

from mf_etl.qa import bronze
from mf_etl.qa.checks import Thresholds, bronze_checks
from mf_etl.qa.summary import layer_summary
from mf_etl.qa.verdict import overall
from mf_etl.schemas.layer_summary import LAYER_SUMMARY
from mf_etl.schemas.universe_tables import BY_EXCHANGE, ROWS_BY_YEAR, SYMBOL_MASTER
from tests.mf_etl.qa.conftest import HEADER, build


def test_every_table_is_as_declared(summary):
    LAYER_SUMMARY.check(summary)
    master = bronze.symbol_master(summary)
    SYMBOL_MASTER.check(master)
    BY_EXCHANGE.check(bronze.by_exchange(master))
    ROWS_BY_YEAR.check(bronze.rows_by_year(summary))


def test_symbol_master_says_what_each_ticker_holds(summary):
    good, empty, missing = bronze.symbol_master(summary).to_dicts()
    assert (good["ticker"], good["status"], good["source_file"]) == ("A.US", "ok", "a.us.txt")
    assert [row["instrument"] for row in (good, empty, missing)] == ["stock", None, "etf"]
    assert (good["rows_total"], good["rows_valid"], good["rows_rejected"]) == (3, 2, 1)
    assert (good["lowest_price"], good["highest_price"], good["mean_volume"]) == (9, 13, 200)
    assert (good["first_trade_date"], good["last_trade_date"]) == (
        date(2023, 12, 29),
        date(2024, 1, 2),
    )
    assert good["q_high_lt_low"] == 1 and good["q_negative_volume"] == 0
    assert (empty["status"], empty["rows_valid"], empty["mean_volume"]) == ("empty", 0, None)
    assert (missing["status"], missing["message"]) == ("missing", "bronze_ohlcv M.US: disk full")
    assert missing["rows_valid"] is None


def test_counts_by_exchange_and_year(summary):
    nasdaq, nyse = bronze.by_exchange(bronze.symbol_master(summary)).to_dicts()
    assert (nasdaq["tickers"], nasdaq["empty"], nasdaq["rows_valid"]) == (1, 1, 0)
    assert (nyse["tickers"], nyse["missing"], nyse["rows_rejected"]) == (1, 1, 1)
    assert bronze.rows_by_year(summary).rows() == [("NYSE", 2023, 1, 1), ("NYSE", 2024, 1, 1)]


def test_problem_tickers_come_worst_first(summary):
    problems = bronze.problem_tickers(bronze.symbol_master(summary))
    assert problems["ticker"].to_list() == ["M.US", "E.US", "A.US"]


def test_summary_names_what_is_missing(summary):
    figures = bronze.bronze_summary(summary, bronze.symbol_master(summary), Thresholds())
    assert figures["files_missing"] == ["M.US (NYSE)"]
    assert figures["files_empty"] == ["E.US (NASDAQ)"]
    assert (figures["rows_total"], figures["rows_valid"], figures["rows_rejected"]) == (3, 2, 1)
    assert figures["flags"]["q_high_lt_low"] == figures["flags"]["q_ohlc_outside_hl"] == 1


def test_checks_have_verdicts_and_examples(summary):
    checks = {c["check"]: c for c in bronze_checks(summary, Thresholds())}
    assert checks["missing_tickers"]["result"] == "fail"
    assert checks["missing_tickers"]["examples"] == ["M.US (NYSE)"]
    assert (checks["empty_share"]["result"], checks["empty_share"]["value"]) == ("warn", 0.5)
    assert checks["rejected_share"]["value"] == 1 / 3
    assert checks["unreadable_files"]["result"] == "ok"
    assert overall(checks.values()) == "fail"
    lax = Thresholds(missing_tickers=1, rejected_share=0.5)
    results = {c["check"]: c["result"] for c in bronze_checks(summary, lax)}
    assert results["missing_tickers"] == results["rejected_share"] == "ok"


def test_price_spikes_are_counted_and_warned_of(tmp_path):
    closes = [10, 100, 10, 1, 10]
    lines = [f"S.US,D,2024010{day},000000,{c},{c},{c},{c},1,0\n" for day, c in enumerate(closes, 2)]
    file = build(tmp_path, "NYSE", "S.US", HEADER + "".join(lines))
    summary = layer_summary([file], {}, {})
    assert bronze.symbol_master(summary)["price_spikes"].to_list() == [3]
    checks = {c["check"]: c for c in bronze_checks(summary, Thresholds(price_spikes=2))}
    assert checks["tickers_with_price_spikes"]["examples"] == ["S.US (NYSE)"]
    checks = {c["check"]: c for c in bronze_checks(summary, Thresholds(price_spikes=3))}
    assert checks["tickers_with_price_spikes"]["result"] == "ok"


def test_steps_and_blocks_are_counted_and_warned_of(tmp_path):
    closes = [10, 20, 10, 30, 90]
    lines = [f"S.US,D,2024010{day},000000,{c},{c},{c},{c},1,0\n" for day, c in enumerate(closes, 2)]
    lines.append("S.US,D,20260101,000000,9,9,9,9,0,0\n")
    summary = layer_summary([build(tmp_path, "NYSE", "S.US", HEADER + "".join(lines))], {}, {})
    (row,) = bronze.symbol_master(summary).to_dicts()
    assert (row["q_price_step"], row["price_blocks"], row["segments"]) == (4, 1, 2)
    assert (row["q_no_trade"], row["q_gap_in_calendar"], row["warnings"]) == (1, 1, 5)
    lax = Thresholds(price_steps=4, price_blocks=1)
    for thresholds, result in ((Thresholds(price_steps=3), "warn"), (lax, "ok")):
        checks = {c["check"]: c for c in bronze_checks(summary, thresholds)}
        for name in ("tickers_with_price_steps", "tickers_with_price_blocks"):
            assert checks[name]["result"] == result
            assert checks[name]["examples"] == ["S.US (NYSE)"] * (result == "warn")


def test_nothing_built_at_all(summary):
    missing = summary.filter(~summary["success"])
    master = bronze.symbol_master(missing)
    SYMBOL_MASTER.check(master)
    assert bronze.rows_by_year(missing).is_empty()
    assert bronze.bronze_summary(missing, master, Thresholds())["rows_total"] == 0
