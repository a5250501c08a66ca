"""Checks of derived layers: each has a case where it speaks and one where it is silent."""

from __future__ import annotations

import polars as pl
import pytest

from mf_etl.qa import layers
from mf_etl.qa.checks import Thresholds, event_checks, layer_checks
from mf_etl.schemas.gold_events import GOLD_EVENTS
from mf_etl.schemas.layer_summary import LAYER_SUMMARY
from mf_etl.schemas.silver_indicators import SILVER_INDICATORS
from mf_etl.schemas.universe_tables import TICKER_RESULTS


def segments_of(statistics: list, count: int | None) -> list[tuple[str, str, str, float]]:
    """All rows in one segment, unless the statistics say otherwise."""
    said = any(column == "segment_no" for _, column, _, _ in statistics)
    return [] if said or count is None else [("counts", "segment_no", "1", float(count))]


def summary(**tickers: tuple[int | None, list[tuple[str, str, str, float]]]) -> pl.DataFrame:
    """A layer summary of tickers with rows (None: missing) and statistics."""
    rows = [
        {
            "exchange": "NYSE",
            "ticker": name,
            "path": f"{name}.parquet",
            "success": count is not None,
            "error": None if count is not None else "no space left",
            "rows": count,
            "statistics": [
                dict(zip(("statistic", "column", "key", "value"), item, strict=True))
                for item in [*statistics, *segments_of(statistics, count)]
            ],
            "flags": [],
        }
        for name, (count, statistics) in tickers.items()
    ]
    return pl.DataFrame(rows, schema=LAYER_SUMMARY.schema())


def results(checks: list[dict]) -> dict[str, str]:
    return {check["check"]: check["result"] for check in checks}


def test_a_sound_layer_is_ok():
    layer = summary(A=(300, [("min", "tmf_21", "", -1.0), ("max", "tmf_21", "", 1.0)]))
    checks = layer_checks(SILVER_INDICATORS, layer, layer, Thresholds())
    assert set(results(checks).values()) == {"ok"}


@pytest.mark.parametrize(
    ("statistics", "check", "result"),
    [
        ([("max", "tmf_21", "", 1.001)], "columns_out_of_bounds", "fail"),
        ([("min", "tmf_21", "", -1.001)], "columns_out_of_bounds", "fail"),
        ([("max", "tmf_21", "", 1.0 + 1e-7)], "columns_out_of_bounds", "ok"),
        ([("nulls", "tmf_21", "", 20.0)], "tickers_with_many_nulls", "ok"),
        ([("nulls", "tmf_21", "", 40.0)], "tickers_with_many_nulls", "warn"),
        (
            [
                ("nulls", "tmf_21", "", 40.0),
                ("counts", "segment_no", "1", 200.0),
                ("counts", "segment_no", "2", 100.0),
            ],
            "tickers_with_many_nulls",
            "ok",
        ),
        (
            [
                ("nulls", "tmf_21", "", 50.0),
                ("counts", "segment_no", "1", 290.0),
                ("counts", "segment_no", "2", 10.0),
            ],
            "tickers_with_many_nulls",
            "warn",
        ),
    ],
)
def test_bounds_and_nulls_after_the_warm_up(statistics, check, result):
    layer = summary(A=(300, statistics))
    checks = layer_checks(SILVER_INDICATORS, layer, layer, Thresholds())
    assert results(checks)[check] == result
    assert {c["check"]: c["examples"] for c in checks}[check] == ["A (NYSE)"] * (result != "ok")


def test_rows_that_get_lost_and_tickers_that_are_missing():
    above = summary(A=(300, []), B=(10, []), C=(5, []))
    layer = summary(A=(299, []), B=(10, []), C=(None, []))
    checks = {c["check"]: c for c in layer_checks(GOLD_EVENTS, above, layer, Thresholds())}
    assert checks["tickers_with_other_row_counts"]["examples"] == ["A (NYSE)"]
    assert checks["missing_tickers"]["examples"] == ["C (NYSE)"]
    found = layers.ticker_results(above, layer)
    TICKER_RESULTS.check(found)
    assert found["rows_in"].to_list() == [300, 10, 5]
    assert found["rows_out"].to_list() == [299, 10, None]
    run = layers.run_summary(found)
    assert (run["succeeded"], run["failed"], run["rows_out"]) == (2, 1, 309)
    assert run["failures"] == [{"ticker": "C", "exchange": "NYSE", "error": "no space left"}]


def test_an_event_that_never_happens_and_a_market_in_one_state():
    told = [
        ("true", "ev_tmf_burst_up", "", 0.0),
        ("true", "ev_tmf_burst_down", "", 7.0),
        ("counts", "flow_state_code", "0", 19_000.0),
        ("counts", "flow_state_code", "2", 1_000.0),
    ]
    checks = {c["check"]: c for c in event_checks(summary(A=(20_000, told)), Thresholds())}
    assert checks["events_that_never_happen"]["examples"] == ["ev_tmf_burst_up"]
    assert checks["largest_state_share"]["value"] == 0.95
    assert checks["largest_state_share"]["result"] == "warn"
    small = event_checks(summary(A=(9_999, told)), Thresholds())
    assert set(results(small).values()) == {"ok"}


def test_figures_add_up_over_tickers():
    statistics = [("nulls", "tmf_21", "", 30.0), ("true", "tmf_zero_cross_up", "", 4.0)]
    ranges = [("min", "tmf_21", "", -0.5), ("max", "tmf_21", "", 0.25)]
    layer = summary(A=(120, statistics), B=(20, statistics[1:] + ranges))
    found = layers.figures(layer)
    assert found["rows"] == 140 and found["rows_by_flag"] == {"tmf_zero_cross_up": 8}
    assert found["null_shares_after_warmup"] == {"tmf_21": 0.1}
    assert found["ranges"] == {"tmf_21": {"min": -0.5, "max": 0.25}}
