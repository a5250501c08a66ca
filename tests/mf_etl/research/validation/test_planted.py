"""Markets whose regimes are known: one in which they pay, one in which none does, and their verdicts.

A hundred tickers go the library's whole road, from bars to a verdict. Labels are the regimes as a close
knows them, a tenth of them wrong.
"""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import polars as pl

from mf_etl.research.datasets.market import MarketSums, market_of
from mf_etl.research.datasets.rows import Bars, Trading, market_parts, with_outcomes
from mf_etl.research.inference.sums import DateSums
from mf_etl.research.validation.counting import counted, pbo_of, spa_of
from mf_etl.research.validation.event_tables import event_tables
from mf_etl.research.validation.held import held_by_side, held_states
from mf_etl.research.validation.measures import measure_names, measured, state_sums
from mf_etl.research.validation.outcome_tables import outcome_tables, stored_draws
from mf_etl.research.validation.performance import performance_table
from mf_etl.research.validation.placebo import placebo_p, placebo_table
from mf_etl.research.validation.portfolio import half_spread
from mf_etl.research.validation.reading import read_labelled_days
from mf_etl.research.validation.request import ValidationOptions
from mf_etl.research.validation.rows import MarketDays
from mf_etl.research.validation.simulation import held_of, portfolio_of, trial_grid_of
from mf_etl.research.validation.stability import agreement, by_year
from mf_etl.research.validation.stored import read_sums, stored
from mf_etl.research.validation.verdict import Cell, Findings, verdict
from mf_etl.synth.market import REGIMES, market_moves, simulate_bars
from mf_etl.synth.trading_days import trading_days

TICKERS, WRONG = 100, 0.1
DAYS = trading_days(date(2015, 1, 2), date(2022, 12, 30))
FOLDS = (2020, 2021, 2022)
STATES = len(REGIMES)
DEMAND, SUPPLY = 1, 2
ASKED = ValidationOptions(horizons=(1, 5, 10), replications=500)
TRADING = Trading(is_stock=True, min_adv=1e6, eps=1e-12)


def dataset_of(pays, seed):
    """Rows of a dataset with the label of each, and the market."""
    moves = market_moves(DAYS, seed, DAYS[0].item())
    listed = []
    for number in range(TICKERS):
        random = np.random.default_rng([seed, number])
        # A tenth of the names end before the others: an archive of survivors would be told so.
        days = DAYS[: len(DAYS) - int(random.integers(30, 400))] if number % 10 == 9 else DAYS
        bars = simulate_bars(
            days, random, thin=False, first_close=40.0, first_volume=1e6, pays=pays,
            market=moves[: len(days)],
        )  # fmt: skip
        wrong = random.random(len(bars)) < WRONG
        state = np.where(wrong, random.integers(0, STATES, len(bars)), bars.regime)
        frame = pl.DataFrame(
            {
                "ticker": f"T{number:03d}.US", "exchange": "NYSE",
                "trade_date": pl.Series(bars.date).cast(pl.Date), "segment_no": 1,
                "close": bars.close, "volume": bars.volume, "quality_warn_count": 0,
                "state": state.astype(np.int16),
            }
        )  # fmt: skip
        listed.append((frame, pl.DataFrame({n: getattr(bars, n) for n in ("open", "high", "low")})))
    added = MarketSums()
    for frame, prices in listed:
        for part in market_parts(Bars.of(frame, prices), TRADING):
            added.add(part)
    table = added.table(ASKED.min_names)
    market = market_of(table)
    rows = [with_outcomes(frame, prices, market, TRADING) for frame, prices in listed]
    return pl.concat(rows), table


def sums_of(rows, fold, period, days):
    """Sums of the rows of some days, and of their half spreads."""
    part = rows.filter(pl.col("trade_date").to_physical().is_in(days.tolist()))
    numbers = {
        n: part[n].fill_null(np.nan).to_numpy() for n in part.columns if n.startswith("fwd_")
    }
    entered, excess = ({h: numbers[f"fwd_{k}_{h}"] for h in ASKED.horizons} for k in ("oo", "xs"))
    eligible = part["eligible"].to_numpy()
    bounds = {h: tuple(np.nanquantile(x[eligible], (0.005, 0.995))) for h, x in excess.items()}
    added = DateSums(days, STATES, measure_names(ASKED.horizons))
    day, state = part["trade_date"].to_physical().to_numpy(), part["state"].to_numpy()
    added.add(day, state, measured(entered, excess, eligible, bounds))
    spread = DateSums(days, STATES, ["half_spread"])
    own = half_spread(part["spread_60"].fill_null(np.nan).to_numpy())
    spread.add(day, state, {"half_spread": np.where(eligible, own, np.nan)})
    found = state_sums(added, ASKED.horizons) | {("half_spread", 0): spread.of("half_spread")}
    return stored(found, fold, period)


def validated(pays, seed, folder):
    """The findings of a validation of a market's regimes, and its tables."""
    rows, market = dataset_of(pays, seed)
    folder.mkdir()
    rows.drop("state").write_parquet(folder / "dataset.parquet")
    market.write_parquet(folder / "market.parquet")
    year = pl.col("trade_date").dt.year()
    labels = rows.filter(year.is_in(FOLDS)).select(
        "ticker", "exchange", "trade_date", year.cast(pl.Int16).alias("fold"), "state", "eligible"
    )
    labels.write_parquet(folder / "labels.parquet")
    day = DAYS.astype("datetime64[D]").astype(np.int32)
    years = DAYS.astype("datetime64[Y]").astype(int) + 1970
    tables = []
    for fold in FOLDS:
        tables.append(sums_of(rows, fold, "train", day[years < fold][:-21]))
        tables.append(sums_of(rows, fold, "test", day[years == fold]))
    every = pl.concat(tables)
    test = read_sums(every.filter(period="test"), STATES)
    outcomes, _, tests = outcome_tables(test, np.full(STATES, TICKERS), ASKED)
    (folder / "tests.json").write_text(json.dumps(tests))
    draws = stored_draws(folder / "tests.json", ASKED)
    files = (folder / "dataset.parquet", folder / "labels.parquet")
    days = {
        h: MarketDays.read(folder / "market.parquet", [h], ASKED.min_names) for h in (1, ASKED.h)
    }
    placebo = placebo_table(*files, days[ASKED.h], test, draws, ASKED)
    _, events = event_tables(*files, days[1], STATES, draws, ASKED)
    held = held_states(every, h=ASKED.h, replications=ASKED.replications)
    labelled = read_labelled_days(*files)
    positions, daily = portfolio_of(labelled, held_of(held, ASKED))
    trials = trial_grid_of(labelled, ASKED, "planted")
    performance = performance_table(daily, positions, counted(trials, 0), h=ASKED.h)
    xs = outcomes.filter(measure="xs")
    cells = [
        Cell(row["state"], row["h"], row["mean"], row["min_detectable"], {
            m: outcomes.filter(measure=m, state=row["state"], h=row["h"])["mean"][0]
            for m in ("winsor_xs", "log_xs")
        })
        for row in xs.filter(pl.col("p_stepdown") < 0.05).to_dicts()
    ]  # fmt: skip
    chosen = held_by_side(held)
    own = performance.filter(pl.col("strategy").is_in([side for side in chosen if chosen[side]]))
    by = by_year(test.of["xs", ASKED.h], ASKED.h, block=draws.block, replications=200, seed=0)
    differ = (pl.col("p_stepdown") < 0.05) & (pl.col("alpha") * pl.col("car_1_10") < 0)
    findings = Findings(
        market_known=True,
        folds=len(FOLDS),
        tested_cells=xs.drop_nulls("p_stepdown").height,
        least_p_stepdown=xs["p_stepdown"].min(),
        placebo_p=placebo_p(placebo),
        fits_not_converged=0,
        datasets=1,
        cells=cells,
        survivors_only=False,
        holds_anything=any(chosen.values()),
        dsr=own["dsr"].min(),
        spa_consistent_p=spa_of(trials, draws, ASKED)["consistent"],
        pbo=pbo_of(trials)["pbo"],
        tau=agreement(by).tau,
        event_signs_differ=events.filter(differ).height,
    )
    return findings, chosen, performance, outcomes


def test_regimes_that_pay_pass(tmp_path):
    findings, held, performance, outcomes = validated(4.0, 0, tmp_path / "market")
    told = verdict(findings)
    assert (told.verdict, told.lines) == ("pass", [])
    # What is held is what was planted, in every year.
    assert held == {"long": {f: [DEMAND] for f in FOLDS}, "short": {f: [SUPPLY] for f in FOLDS}}
    for state, sign in ((DEMAND, 1), (SUPPLY, -1)):
        found = outcomes.filter(measure="xs", state=state, h=10).row(0, named=True)
        assert sign * found["mean"] > 0.01 and found["p_stepdown"] < 0.01
    assert (performance["mean_active"] > 0).all() and (performance["dsr"] > 0.95).all()


def test_regimes_that_look_different_and_pay_nothing_fail(tmp_path):
    findings, held, performance, _ = validated(0.0, 1, tmp_path / "market")
    told = verdict(findings)
    assert told.verdict == "fail"
    assert held == {"long": {}, "short": {}}
    assert (performance["psr"] < 0.95).all()
