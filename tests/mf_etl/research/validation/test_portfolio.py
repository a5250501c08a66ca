"""The portfolio by hand, against a book of shares and cash, and that it looks back only."""

from __future__ import annotations

import numpy as np
import pytest

from mf_etl.research.validation.portfolio import (
    Book,
    Day,
    Rules,
    chosen_states,
    half_spread,
    trading_cost,
)

FREE = Rules(holding=2, cap=1.0, aum=1.0, participation=1e9, spread_factor=0.0)


class Trading:
    """A book whose names start at 100 and earn what each day says."""

    def __init__(self, names, rules):
        self.book, self.price = Book(names, rules), np.full(names, 100.0)

    def step(self, wanted, earned, *, can_trade=True, gone=False, adv=1e9, sigma=0.0, spread=0.0):
        full = lambda x: np.broadcast_to(np.array(x), len(self.price)).copy()  # noqa: E731
        before, self.price = self.price, self.price * (1 + full(earned))
        known = (full(x).astype(float) for x in (adv, sigma, spread))
        day = Day(full(can_trade), full(gone), before, self.price, *known)
        return self.book.step(day, np.array(wanted, dtype=bool))


def test_two_tranches_by_hand():
    one = Trading(2, FREE)
    first = one.step([True, False], [0.1, 0.0])
    # Half of equity in name 0, which gains 10 %.
    assert first.net == pytest.approx(0.05) and first.turnover == 0.5 and first.names == 1
    assert one.book.equity == pytest.approx(1.05)
    second = one.step([False, True], [0.0, -0.2])
    np.testing.assert_allclose(one.book.weights, [0.55 / 1.05, 0.5])
    assert second.turnover == 0.5 and second.net == pytest.approx(-0.1)
    # The first tranche is sold after two days; what it had grown to comes back as cash.
    held = 0.55 / 1.05 / 0.9
    third = one.step([True, False], [0.0, 0.0])
    assert third.turnover == pytest.approx(held - 0.5)
    assert one.book.weights[1] == pytest.approx(0.4 / 0.9)


def test_a_gain_of_1_percent_in_ten_days_gives_a_tenth_a_day():
    """Trades that end every day, each up 1 % at the end of its ten days."""
    one = Trading(400, Rules(holding=10, cap=1.0, aum=1.0, participation=1e9, spread_factor=0.0))
    number = np.arange(400)
    net = [one.step(number == t, np.where(number == t - 9, 0.01, 0.0)).net for t in range(400)]
    assert np.mean(net[20:]) == pytest.approx(0.001, rel=1e-2)


def market(seed, days=60, names=20):
    """Days of a market and who is wanted on each."""
    random = np.random.default_rng(seed)
    earned = 0.03 * random.normal(size=(days, names))
    price = 100 * np.cumprod(1 + np.concatenate([np.zeros((1, names)), earned]), axis=0)
    return [
        (
            Day(
                random.random(names) > 0.1,
                np.zeros(names, dtype=bool),
                price[t],
                price[t + 1],
                random.lognormal(15, 1, names),
                0.02 + 0.02 * random.random(names),
                np.where(random.random(names) < 0.1, np.nan, 0.004 * random.random(names)),
            ),
            random.random(names) < 0.4,
        )
        for t in range(days)
    ]


def shares_and_cash(days, rules):
    """The same rules kept in shares at prices, name by name: daily net returns."""
    names, cash = len(days[0][1]), 1.0
    held, tranches, returns = [0.0] * names, [[0.0] * names for _ in range(rules.holding)], []
    for number, (one, wanted) in enumerate(days):
        price = one.price
        equity = cash + sum(h * p for h, p in zip(held, price, strict=True))
        oldest = tranches[number % rules.holding]
        oldest[:] = [0.0] * names
        count = sum(wanted)
        for n in range(names):
            if wanted[n]:
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
            least = 0.0 if np.isnan(one.spread[n]) else one.spread[n]
            spread = max(least, 5e-4) * rules.spread_factor
            impact = one.sigma[n] * (part * rules.aum / one.adv[n]) ** 0.5
            paid += part * (spread / 2 + impact) * equity
        if rules.sign < 0:
            paid += sum(abs(h) * p for h, p in zip(held, price, strict=True)) * rules.borrow / 252
        cash -= paid
        after = cash + sum(h * p for h, p in zip(held, one.next_price, strict=True))
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
    got = [book.step(*one).net for one in days]
    np.testing.assert_allclose(got, shares_and_cash(days, rules), atol=1e-12)
    assert book.equity == pytest.approx(np.prod(1 + np.array(got)))


def test_what_is_cut_off_later_changes_nothing_before():
    days = market(7)
    results = []
    for stop in (30, 60):
        book = Book(20, Rules())
        results.append([book.step(*one) for one in days[:stop]][:30])
    assert results[0] == results[1]


def test_names_that_are_listed_later_change_no_bit():
    days, results = market(8, names=33), []
    for names in (20, 33):
        book = Book(names, Rules(cap=0.05))
        told = []
        for day, wanted in days:
            part = Day(*(column[:names] for column in day))
            told.append(book.step(part, (wanted & (np.arange(33) < 20))[:names]))
        results.append(told)
    assert results[0] == results[1]


def test_an_order_beyond_what_a_name_takes_waits():
    one = Trading(1, Rules(holding=1, cap=1.0, aum=1e6, spread_factor=0.0))
    # 5 % of 8 million are 400,000 of a million a day.
    first, second, third = (one.step([True], 0.0, adv=8e6) for _ in range(3))
    assert (first.turnover, second.turnover, third.turnover) == pytest.approx((0.4, 0.4, 0.2))
    assert (first.unfilled, third.unfilled) == (pytest.approx(0.6), 0.0)
    assert first.participation == pytest.approx(0.05)


def test_a_name_without_an_estimate_of_its_volume_cannot_be_traded():
    assert Trading(1, FREE).step([True], 0.0, adv=np.nan).unfilled == 0.5
    assert Trading(1, FREE).step([True], 0.0, adv=0.0).turnover == 0.0


def test_a_halted_name_is_neither_bought_nor_sold_and_keeps_its_price():
    one = Trading(1, Rules(holding=1, cap=1.0, aum=1.0, participation=1e9, spread_factor=0.0))
    assert one.step([True], 0.0, can_trade=False).turnover == 0
    one.step([True], 0.1)
    halted = one.step([False], 0.0, can_trade=False)
    assert halted.net == 0 and halted.names == 1 and halted.unfilled == pytest.approx(1.0)
    assert one.step([False], 0.0).names == 0


def test_a_book_that_wants_what_it_has_trades_nothing_at_all():
    one = Trading(3, Rules(holding=3, cap=1.0, aum=1.0, participation=1e9))
    one.step([True, True, False], [0.013, -0.021, 0.0])
    for _ in range(2):
        result = one.step([False] * 3, [0.017, -0.009, 0.0])
        assert result.turnover == 0.0 == result.unfilled and not one.book.traded.any()


def test_a_series_that_has_ended_is_cash():
    one = Trading(2, FREE)
    one.step([True, True], [-0.5, 0.0])
    result = one.step([True, False], 0.0, gone=[True, False])
    assert result.names == 1 and one.book.weights[0] == 0


def test_who_has_lost_everything_stays_so():
    one = Trading(1, Rules(sign=-1, holding=1, cap=1.0, aum=1.0, participation=1e9))
    assert one.step([True], 1.5).net < -1
    after = one.step([True], 0.1)
    assert one.book.equity == 0.0 == after.net == after.turnover and after.names == 0


def test_no_name_is_more_than_the_cap():
    one = Trading(3, Rules(holding=4, cap=0.02, aum=1.0, participation=1e9))
    for _ in range(12):
        one.step([True, False, True], 0.0)
        assert one.book.weights.max() <= 0.02 + 1e-6
    assert one.book.weights[0] == pytest.approx(0.02, rel=1e-2)


def test_costs_by_hand():
    part = 0.01 * 1e7 / 1e8
    cost = trading_cost(0.01, part, 0.02, 0.004, 1.0)
    assert cost == pytest.approx(0.01 * (0.002 + 0.02 * np.sqrt(part)))
    assert trading_cost(0.01, 0.0, np.nan, np.nan, 1.0) == pytest.approx(0.01 * 2.5e-4)
    assert trading_cost(0.01, 0.0, 0.0, 0.004, 4.0) == pytest.approx(0.01 * 0.008)
    assert half_spread(np.array([0.004, 1e-5, np.nan])).tolist() == [0.002, 2.5e-4, 2.5e-4]


def test_a_day_is_charged_what_its_orders_cost():
    one = Trading(2, Rules(holding=1, cap=1.0, aum=1e6, participation=1.0))
    result = one.step([True, True], 0.0, adv=[1e7, 2e7], sigma=0.02, spread=[0.004, 0.001])
    expected = 0.5 * (0.002 + 0.02 * np.sqrt(0.05)) + 0.5 * (0.0005 + 0.02 * np.sqrt(0.025))
    assert result.cost == pytest.approx(expected) and result.net == pytest.approx(-expected)


def test_shorts_earn_the_opposite_and_pay_to_borrow():
    rules = Rules(sign=-1, holding=1, cap=1.0, aum=1.0, participation=1e9, spread_factor=0.0)
    result = Trading(1, rules).step([True], 0.02)
    assert result.gross == pytest.approx(-0.02) and result.borrow == pytest.approx(0.005 / 252)


def test_states_are_chosen_by_what_they_pay_beyond_doubt():
    lower = np.array([0.001, 0.0031, np.nan, -0.004])
    assert chosen_states(lower, 0.0015) == [1]
    assert chosen_states(lower, 0.0015, sign=-1) == [3]
    assert chosen_states(lower, 0.1) == []
