"""Days put together from rows of tickers: by hand, in pieces, and that nothing looks ahead."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from mf_etl.research.validation.panel import COLUMNS, Panel, rows_by_day
from tests.mf_etl.research.validation.panels import FIRST, rows


def series(ticker, days, opened, close, **columns):
    count = len(days)
    values = {
        "volume": 1.0, "adv_20": 1e6, "sigma_20": 0.0, "spread_60": 0.001,
        "eligible": True, "state": 0,
    } | columns  # fmt: skip
    return pl.DataFrame(
        {
            "ticker": [ticker] * count,
            "exchange": ["NYSE"] * count,
            "trade_date": pl.Series(np.array(days, dtype=np.int32)).cast(pl.Date),
            "open": opened,
            "close": close,
            **{n: v if isinstance(v, list) else [v] * count for n, v in values.items()},
        }
    ).select(COLUMNS)


def told(panel, **options):
    """Every day, copied: the panel uses its arrays again."""
    copies = []
    for one in panel.decisions(**options):
        day = type(one.day)(*(column.copy() for column in one.day))
        copies.append(one._replace(day=day, state=one.state.copy()))
    return copies


def test_names_are_marked_at_their_open_or_their_last_close():
    frame = series("A", [0, 1, 3], [10.0, 11.0, 13.0], [10.5, 11.5, 13.5])
    days = told(Panel.of(np.arange(5), [frame]))
    prices = [(one.day.price[0], one.day.next_price[0]) for one in days]
    # On day 2 there is no row: its last price is the close of day 1; after day 3 it is 13.5.
    assert prices == [(10, 11), (11, 11.5), (11.5, 13), (13, 13.5), (13.5, 13.5)]
    assert [bool(one.day.can_trade[0]) for one in days] == [True, True, False, True, False]


def test_what_is_known_is_of_the_close_before():
    frame = series("A", [0, 1, 3], [1.0] * 3, [1.0] * 3, adv_20=[5.0, 6.0, 7.0], state=[2, 1, 0])
    days = told(Panel.of(np.arange(5), [frame]))
    assert [one.state[0] for one in days] == [-2, 2, 1, -2, 0]
    assert np.isnan(days[0].day.adv[0])
    assert [one.day.adv[0] for one in days[1:]] == [5.0, 6.0, 6.0, 7.0]
    assert [one.decided for one in days] == [-1, 0, 1, 2, 3]
    assert days[2].date == 2


def test_states_of_names_that_are_not_eligible_or_have_none():
    frame = series(
        "A", [0, 1, 2], [1.0] * 3, [1.0] * 3, eligible=[True, False, True], state=[None, 4, -1]
    )
    assert [one.state[0] for one in told(Panel.of(np.arange(4), [frame]))] == [-2, -1, -2, -1]


def test_a_day_without_volume_or_open_cannot_be_traded():
    frame = series("A", [0, 1, 2], [1.0, 2.0, 0.0], [1.0, 2.0, 3.0], volume=[1.0, 0.0, 1.0])
    days = told(Panel.of(np.arange(3), [frame]))
    assert [bool(one.day.can_trade[0]) for one in days] == [True, False, False]
    # Without an open the mark is the close before.
    assert days[2].day.price[0] == 2.0


def test_a_series_ends_after_more_than_ten_days_without_a_row():
    frame = pl.concat(
        [
            series("A", [0, 1], [1.0, 2.0], [1.0, 4.0]),
            series("B", [*range(20)], [1.0] * 20, [1.0] * 20),
        ]
    )
    days = told(Panel.of(np.arange(20), [frame]))
    assert [bool(one.day.gone[0]) for one in days] == [number > 11 for number in range(20)]
    assert not any(one.day.gone[1] for one in days)
    assert days[11].day.next_price[0] == 4.0
    lower = told(Panel.of(np.arange(20), [frame]), delisting_return=-0.3)
    assert lower[11].day.next_price[0] == pytest.approx(2.8)
    assert lower[10].day.next_price[0] == 4.0 == lower[11].day.price[0]


def test_a_series_that_comes_back_in_time_has_not_ended():
    frame = series("A", [0, 11], [1.0, 2.0], [1.0, 2.0])
    days = told(Panel.of(np.arange(13), [frame]), delisting_return=-0.3)
    assert not any(one.day.gone[0] for one in days)
    assert days[10].day.next_price[0] == 2.0
    late = told(Panel.of(np.arange(14), [series("A", [0, 12], [1.0, 2.0], [1.0, 2.0])]))
    assert [number for number, one in enumerate(late) if one.day.gone[0]] == [11]


def test_pieces_of_any_size_give_the_same_panel():
    frame, days = rows(0), np.arange(120) + FIRST
    whole = told(Panel.of(days, [frame]))
    for height in (1, 7, 500):
        counts = rows_by_day(days, frame["trade_date"])
        panel = Panel(days, counts)
        for start in range(0, frame.height, height):
            panel.add(frame.slice(start, height))
        assert (
            panel.names.table["ticker"].to_list()
            == frame["ticker"].unique(maintain_order=True).to_list()
        )
        for one, other in zip(whole, told(panel), strict=True):
            for a, b in zip((*one.day, one.state), (*other.day, other.state), strict=True):
                np.testing.assert_array_equal(a, b)


def test_a_panel_of_some_days_takes_no_others():
    frame = rows(1)
    days = np.arange(30, 60) + FIRST
    panel = Panel.of(days, [frame])
    inside = frame.filter(frame["trade_date"].to_physical().is_between(days[0], days[-1]))
    assert panel.bounds[-1] == inside.height
    assert (
        panel.names.table["ticker"].to_list()
        == inside["ticker"].unique(maintain_order=True).to_list()
    )


def test_more_rows_than_announced_are_refused():
    frame = rows(2)
    panel = Panel(np.arange(120) + FIRST, np.ones(120, dtype=np.int64))
    with pytest.raises(ValueError, match="announced"):
        panel.add(frame)
