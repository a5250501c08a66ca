"""The market: tickers by day and state, the list of tickers, what is told of the build."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from mf_etl.qa.states import flow_states_by_day, labels_by_day
from mf_etl.report.market import fitted_note, market_script, tickers_script
from mf_etl.report.selection import selected
from mf_etl.report.views import FLOW
from tests.mf_etl.report.cases import called, unpacked

DAYS = [date(2024, 1, day) for day in (2, 3, 4)]


def test_tickers_in_each_state_by_day(tmp_path):
    """Two tickers: a row that is not ready carries the code of S0, and is counted apart."""
    for name, days, codes, ready in (
        ("a", DAYS, [0, 0, 2], [False, True, True]),
        ("b", DAYS[1:], [0, 2], [True, True]),
    ):
        pl.DataFrame(
            {"trade_date": days, "flow_state_code": pl.Series(codes, dtype=pl.Int8),
             "tmf_ready_21": ready, "other": days}
        ).write_parquet(tmp_path / f"{name}.parquet")  # fmt: skip
    table = flow_states_by_day([tmp_path / "a.parquet", tmp_path / "b.parquet"])
    assert table.rows() == [(DAYS[0], -1, 1), (DAYS[1], 0, 2), (DAYS[2], 2, 2)]
    assert flow_states_by_day([]).is_empty()


def test_labels_by_day_and_days_fitted_on(tmp_path):
    labels = pl.Series([0, None, 1], dtype=pl.Int8)
    file = tmp_path / "decoded_rows.parquet"
    pl.DataFrame(
        {"trade_date": DAYS, "hmm_state": labels, "period": ["train", "train", "test"]}
    ).write_parquet(file)
    assert labels_by_day(file, "hmm_state").rows() == [
        (DAYS[0], 0, 1), (DAYS[1], -1, 1), (DAYS[2], 1, 1),
    ]  # fmt: skip
    assert "2024-01-03" in fitted_note(file)


def test_the_data_of_the_chart():
    table = pl.DataFrame(
        {"trade_date": [DAYS[0], DAYS[2], DAYS[2]], "state": [-1, 2, 4], "tickers": [9, 3, 1]},
        schema={"trade_date": pl.Date, "state": pl.Int8, "tickers": pl.Int32},
    )
    name, data = called(market_script([(FLOW, table, "a note")]))
    assert name == "market" and data["rows"] == 2
    assert unpacked(data["days"]["offsets"], "<u2").tolist() == [0, 2]
    view = data["views"][0]
    codes = [code for code, *_ in view["states"]]
    assert codes == [4, 3, 0, 1, 2], "from supply to demand; days that are not ready are left out"
    counts = np.array([unpacked(text, "<u2") for text in view["counts"]])
    assert counts.tolist() == [[0, 1], [0, 0], [0, 0], [0, 0], [0, 3]]


MASTER = pl.DataFrame(
    {
        "exchange": ["NYSE", "NASDAQ", "NYSE", "NYSE"],
        "ticker": ["IBM.US", "AAPL.US", "B.US", "GONE.US"],
        "status": ["ok", "ok", "empty", "missing"],
        "rows_valid": [30, 40, 0, None],
        "last_trade_date": [DAYS[0], DAYS[1], None, None],
    }
)


def test_the_list_of_tickers():
    _, data = called(tickers_script(MASTER, [("NYSE", "IBM.US")]))
    assert data["charted"] == ["NYSE/IBM.US"]
    nasdaq, nyse = data["exchanges"]
    assert nasdaq == {
        "exchange": "NASDAQ",
        "tickers": "AAPL.US",
        "rows": [40],
        "last": ["2024-01-03"],
    }
    assert nyse["tickers"] == "B.US GONE.US IBM.US" and nyse["rows"] == [0, 0, 30]


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (None, ["AAPL.US", "B.US", "IBM.US"]),
        ("all", ["AAPL.US", "B.US", "IBM.US"]),
        (1, ["AAPL.US"]),
        (2, ["AAPL.US", "IBM.US"]),
        (0, []),
        (("IBM.US", "NONE.US"), ["IBM.US"]),
    ],
)
def test_which_tickers_get_a_chart_file(choice, names):
    found = selected(choice, MASTER, MASTER.filter(pl.col("status") == "empty"))
    assert [ticker for _, ticker in found] == names
    assert ("NASDAQ", "AAPL.US") in found or "AAPL.US" not in names


def test_of_many_tickers_the_largest_and_those_with_problems():
    names = [f"T{n:03d}.US" for n in range(120)]
    master = pl.DataFrame(
        {"exchange": "NYSE", "ticker": names, "status": "ok", "rows_valid": range(120)}
    )
    problems = master.filter(pl.col("rows_valid") < 60)  # the worst first
    found = selected(None, master, problems)
    assert len(found) == 100
    assert {ticker for _, ticker in found} == {*names[:50], *names[70:]}
