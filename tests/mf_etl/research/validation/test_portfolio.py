"""The portfolio by hand, against a book of shares and cash, and that it looks back only."""

from __future__ import annotations

import numpy as np
import pytest

from mf_etl.research.validation.portfolio import Book, Day, Rules, chosen_states, trading_cost

FREE = Rules(holding=2, cap=1.0, aum=1.0, participation=1e9, spread_factor=0.0)


def day(wanted, earned, *, can_trade=True, gone=False, adv=1e9, sigma=0.0, spread=0.0):
    names = len(wanted)
    full = lambda value: np.broadcast_to(np.array(value), names).copy()  # noqa: E731
    return Day(
        np.array(wanted, dtype=bool),
        full(can_trade).astype(bool),
        full(gone).astype(bool),
        full(earned).astype(float),
        *(full(x).astype(float) for x in (adv, sigma, spread)),
    )


def test_two_tranches_by_hand():
    book = Book(2, FREE)
    first = book.step(day([True, False], [0.1, 0.0]))
    # Half of equity in name 0, which gains 10 %.
    assert first.net == pytest.approx(0.05) and first.turnover == 0.5 and first.names == 1
    np.testing.assert_allclose(book.weights, [0.55 / 1.05, 0])
    second = book.step(day([False, True], [0.0, -0.2]))
    assert second.turnover == 0.5 and second.net == pytest.approx(-0.1)
    # The first tranche is sold after two days; what it had grown to comes back as cash.
    held = 0.55 / 1.05 / 0.9
    third = book.step(day([True, False], [0.0, 0.0]))
    assert third.turnover == pytest.approx(held - 0.5)
    assert book.weights[1] == pytest.approx(0.4 / 0.9)


def test_a_gain_of_1_percent_in_ten_days_gives_a_tenth_a_day():
    """Trades that end every day, each up 1 % at the end of its ten days."""
    book = Book(400, Rules(holding=10, cap=1.0, aum=1.0, participation=1e9, spread_factor=0.0))
    net = []
    for number in range(400):
        wanted = np.arange(400) == number
        earned = np.where(np.arange(400) == number - 9, 0.01, 0.0)
        net.append(book.step(day(wanted, earned)).net)
    assert np.mean(net[20:]) == pytest.approx(0.001, rel=1e-2)


def market(seed, days=60, names=20):
    random = np.random.default_rng(seed)
    return [
        day(
            random.random(names) < 0.4,
            np.where(random.random(names) < 0.05, np.nan, 0.03 * random.normal(size=names)),
            can_trade=random.random(names) > 0.1,
            adv=random.lognormal(15, 1, names),
            sigma=0.02 + 0.02 * random.random(names),
            spread=0.004 * random.random(names),
        )
        for _ in range(days)
    ]


def shares_and_cash(days, rules):
    """The same rules kept in shares at prices, name by name: daily net returns."""
    names = len(days[0].wanted)
    price, cash = [100.0] * names, 1.0
    held, tranches, returns = [0.0] * names, [[0.0] * names for _ in range(rules.holding)], []
    for number, one in enumerate(days):
        equity = cash + sum(h * p for h, p in zip(held, price, strict=True))
        oldest = tranches[number % rules.holding]
        oldest[:] = [0.0] * names
        count = sum(one.wanted)
        for n in range(names):
            if one.wanted[n]:
                others = abs(sum(t[n] for t in tranches)) * price[n] / equity
                weight = min(max(rules.cap - others, 0), 1 / rules.holding / count)
                oldest[n] = rules.sign * weight * equity / price[n]
        paid = 0.0
        for n in range(names):
            order = sum(t[n] for t in tranches) - held[n]
            most = rules.participation * one.adv[n] / rules.aum * equity / price[n]
            filled = max(-most, min(most, order)) if one.can_trade[n] else 0.0
            held[n] += filled
            cash -= filled * price[n]
            part = abs(filled) * price[n] / equity
            spread = max(one.spread[n], 5e-4) * rules.spread_factor
            impact = one.sigma[n] * (part * rules.aum / one.adv[n]) ** 0.5
            paid += part * (spread / 2 + impact) * equity
        if rules.sign < 0:
            paid += sum(abs(h) * p for h, p in zip(held, price, strict=True)) * rules.borrow / 252
        cash -= paid
        for n in range(names):
            if not np.isnan(one.earned[n]):
                price[n] *= 1 + one.earned[n]
        after = cash + sum(h * p for h, p in zip(held, price, strict=True))
        returns.append(after / equity - 1)
    return returns


@pytest.mark.parametrize(
    "rules",
    [
        FREE,
        Rules(holding=5, cap=0.05, aum=1e7),
        Rules(sign=-1, holding=3, cap=0.1, aum=1e8, borrow=0.03),
        Rules(holding=10, aum=1e9, spread_factor=4.0),
    ],
)
def test_returns_equal_those_of_shares_and_cash(rules):
    days = market(rules.holding)
    book = Book(20, rules)
    got = [book.step(one).net for one in days]
    np.testing.assert_allclose(got, shares_and_cash(days, rules), atol=1e-12)


def test_what_is_cut_off_later_changes_nothing_before():
    days = market(7)
    results = []
    for stop in (30, 60):
        book = Book(20, Rules())
        results.append([book.step(one) for one in days[:stop]][:30])
    assert results[0] == results[1]


def test_an_order_beyond_what_a_name_takes_waits():
    rules = Rules(holding=1, cap=1.0, aum=1e6, spread_factor=0.0)
    book = Book(1, rules)
    small = {"adv": 8e6, "earned": 0.0}
    # 5 % of 8 million are 400,000 of a million a day.
    first, second, third = (book.step(day([True], **small)) for _ in range(3))
    assert (first.turnover, second.turnover, third.turnover) == pytest.approx((0.4, 0.4, 0.2))
    assert (first.unfilled, third.unfilled) == (pytest.approx(0.6), pytest.approx(0.0))
    assert first.participation == pytest.approx(0.05)


def test_a_halted_name_is_neither_bought_nor_sold_and_keeps_its_price():
    book = Book(1, Rules(holding=1, cap=1.0, aum=1.0, participation=1e9, spread_factor=0.0))
    assert book.step(day([True], [0.0], can_trade=False)).turnover == 0
    book.step(day([True], [0.1]))
    halted = book.step(day([False], [np.nan], can_trade=False))
    assert halted.net == 0 and halted.names == 1 and halted.unfilled == pytest.approx(1.0)
    assert book.step(day([False], [0.0])).names == 0


def test_a_series_that_has_ended_is_cash():
    book = Book(2, FREE)
    book.step(day([True, True], [-0.5, 0.0]))
    result = book.step(day([True, False], 0.0, gone=[True, False]))
    assert result.names == 1 and book.weights[0] == 0


def test_no_name_is_more_than_the_cap():
    book = Book(3, Rules(holding=4, cap=0.02, aum=1.0, participation=1e9))
    for _ in range(12):
        book.step(day([True, False, True], 0.0))
        assert book.weights.max() <= 0.02 + 1e-6
    assert book.weights[:1].sum() == pytest.approx(0.02, rel=1e-2)


def test_costs_by_hand():
    one = day([True], 0.0, adv=1e8, sigma=0.02, spread=0.004)
    cost = trading_cost(np.array([0.01]), one, Rules(aum=1e7))
    assert cost[0] == pytest.approx(0.01 * (0.002 + 0.02 * np.sqrt(0.01 * 1e7 / 1e8)))
    least = trading_cost(np.array([0.01]), one._replace(spread=np.array([np.nan])), Rules(aum=0.0))
    assert least[0] == pytest.approx(0.01 * 2.5e-4)


def test_shorts_earn_the_opposite_and_pay_to_borrow():
    rules = Rules(sign=-1, holding=1, cap=1.0, aum=1.0, participation=1e9, spread_factor=0.0)
    result = Book(1, rules).step(day([True], [0.02]))
    assert result.gross == pytest.approx(-0.02) and result.borrow == pytest.approx(0.005 / 252)


def test_states_are_chosen_by_what_they_pay_beyond_doubt():
    lower = np.array([0.001, 0.0031, np.nan, -0.004])
    assert chosen_states(lower, 0.0015) == [1]
    assert chosen_states(lower, 0.0015, sign=-1) == [3]
    assert chosen_states(lower, 0.1) == []
