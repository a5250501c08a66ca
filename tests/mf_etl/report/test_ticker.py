"""A ticker's data file: what is in it is what is in the layers."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from mf_etl.report.ticker import Labelled, aligned, ticker_script, without_rows
from mf_etl.report.views import run_views
from tests.conftest import bronze_of, raw_file, raw_row, simulated_bars
from tests.mf_etl.report.cases import called, codes_of, data_of, events_of, unpacked

PROFILE = pl.DataFrame(
    {"view": ["filtered"] * 2, "period": ["train"] * 2, "hmm_state": [0, 1], "rows": [5, 5],
     "tmf_21_mean": [-0.2, 0.2]}
)  # fmt: skip


@pytest.fixture(scope="module")
def many():
    """600 days with a gap of more than a year."""
    bars = simulated_bars(600, seed=3, holes=(400,))
    lines = [
        raw_row(str(d).replace("-", ""), *values)
        for d, *values in bars.select("trade_date", "open", "high", "low", "close", "volume").rows()
    ]
    return bronze_of(raw_file(*lines))


def test_prices_and_indicators_are_those_of_the_layers_as_float32(many):
    data, events = data_of(many), events_of(many.bars)
    days = unpacked(data["days"]["offsets"], "<u2").astype(np.int64) + data["days"]["first"]
    assert days.tolist() == many.bars["trade_date"].cast(pl.Int32).to_list()
    for name in ("open", "high", "low", "close", "volume"):
        expected = many.bars[name].to_numpy().astype("<f4")
        assert np.array_equal(unpacked(data[name], "<f4"), expected), name
    tmf = unpacked(data["tmf"], "<f4")
    assert np.isnan(tmf[:20]).all() and np.isfinite(tmf[20:400]).all(), "a segment begins anew"
    assert np.isnan(tmf[400:420]).all()
    assert np.array_equal(tmf[20:400], events["tmf_21"].to_numpy()[20:400].astype("<f4"))


def test_days_that_are_not_ready_are_not_quiet(many):
    data, events = data_of(many), events_of(many.bars)
    codes = codes_of(data["views"][0], 600)
    ready = events["tmf_ready_21"].to_numpy()
    assert (codes[~ready] == -1).all() and (~ready).sum() == 40
    assert np.array_equal(codes[ready], events["flow_state_code"].to_numpy()[ready])
    names = {code: name for code, name, *_ in data["views"][0]["states"]}
    assert names[-1] == "not ready" and names[0] == "S0 quiet"
    table = {code: rest for code, *rest in data["views"][0]["table"]}
    assert table[-1][0] == 40 and table[-1][2] == 2, "40 days in two runs"
    assert sum(days for days, *_ in table.values()) == 600


def test_events_are_the_rows_of_the_layer(many):
    data, events = data_of(many), events_of(many.bars)
    found = {name: (up, down) for name, up, down in data["events"]}
    up, down = found["TMF zero cross"]
    assert unpacked(up, "<u4").tolist() == events["ev_tmf_zero_up"].arg_true().to_list()
    assert unpacked(down, "<u4").tolist() == events["ev_tmf_zero_down"].arg_true().to_list()
    # A fall back through zero fails a respect from above: it tells of supply.
    assert (
        unpacked(found["respect failed"][1], "<u4").tolist()
        == events["ev_tmf_respect_fail_up"].arg_true().to_list()
    )


def test_what_is_wrong_is_marked_on_its_day():
    rows = [raw_row(f"202401{day:02d}") for day in range(2, 9)]
    rows += [raw_row("20240109", 100, 110, 90, 105, 1000)]  # ten times the price
    rows += [raw_row("20240110", 10, 9, 11, 10, 1000), "rubbish"]
    rows += [raw_row("20240201", 100, 110, 90, 105, 0), raw_row("20260201", 50, 51, 49, 50, 10)]
    data = data_of(bronze_of(raw_file(*rows)))
    marks = [(kind, day) for kind, day, _ in data["marks"]]
    assert ("step", "2024-01-09") in marks and ("gap", "2024-02-01") in marks
    assert ("reject", "2024-01-10") in marks and ("reject", None) in marks
    assert ("segment", "2026-02-01") in marks and ("gap", "2026-02-01") not in marks
    quality = data["quality"]
    assert quality["rows_total"] == 12 and quality["rows_rejected"] == 2
    assert quality["gaps"] == 1 and quality["segments"] == 2 and quality["days_without_trade"] == 1
    text = next(
        what for kind, day, what in data["marks"] if (kind, day) == ("reject", "2024-01-10")
    )
    assert text == "line 10 rejected: high lt low, ohlc outside hl"


def test_labels_of_a_model_fall_on_their_days(many):
    days = many.bars["trade_date"]
    rows = pl.DataFrame(
        {
            "trade_date": days[30:330],
            "label": pl.Series([0, 1, None] * 100, dtype=pl.Int8),
            "period": ["train"] * 200 + ["test"] * 100,
        }
    )
    codes, fitted = aligned(rows, days)
    assert fitted == days[229]
    assert (codes[:30] == -2).all() and (codes[330:] == -2).all()
    assert codes[30:36].tolist() == [0, 1, -1, 0, 1, -1]
    views = [Labelled(shown, rows) for _, shown in run_views("hmm", "r_hmm_market", PROFILE)]
    told = data_of(many, views)["views"]
    assert [view["name"] for view in told] == ["flow", "hmm", "hindsight"]
    assert [view["hindsight"] for view in told] == [False, False, True]
    assert told[1]["fitted_until"] == str(days[229]) and told[1]["warning"] == ""
    assert "could not be earned" in told[2]["warning"]
    assert np.array_equal(codes_of(told[1], 600), codes)


def test_without_a_split_all_was_fitted_on():
    days = pl.Series([date(2024, 1, 2), date(2024, 1, 3)])
    rows = pl.DataFrame({"trade_date": days, "label": [0, 1], "period": ["all", "all"]})
    assert aligned(rows, days)[1] == date(2024, 1, 3)


def test_an_empty_ticker_and_one_that_is_missing():
    data = data_of(bronze_of(b""))
    assert data["rows"] == 0 and data["quality"]["status"] == "empty"
    name, told = called(
        ticker_script(without_rows("NYSE", "T.US", "bronze T.US: disk </script> full"))
    )
    assert name == "ticker" and told["quality"]["message"] == "bronze T.US: disk </script> full"
    assert "</" not in ticker_script(told)


def test_forty_years_weigh_less_than_half_a_megabyte():
    """10,080 days in four views, all that a file holds."""
    bars = simulated_bars(10_080, seed=5)
    lines = [
        raw_row(str(d).replace("-", ""), *values)
        for d, *values in bars.select("trade_date", "open", "high", "low", "close", "volume").rows()
    ]
    found = bronze_of(raw_file(*lines))
    labels = np.repeat(np.arange(2016) % 2, 5).astype(np.int8)
    rows = pl.DataFrame({"trade_date": found.bars["trade_date"], "label": labels})
    rows = rows.with_columns(period=pl.lit("train"))
    views = [Labelled(shown, rows) for _, shown in run_views("hmm", "r", PROFILE)]
    text = ticker_script(data_of(found, [*views, views[0]]))
    assert found.bars.height == 10_080 and len(text.encode()) < 500_000
