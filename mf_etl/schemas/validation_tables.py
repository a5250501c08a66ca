"""What a validation of states writes: labels out of sample, sums, tests, events, portfolio."""

from __future__ import annotations

import polars as pl

from mf_etl.schemas.common import EXCHANGE, TICKER, TRADE_DATE, flag
from mf_etl.schemas.declaration import Column, Table

FOLD = Column("fold", pl.Int16, "year of test", "", False)
STATE = Column("state", pl.Int16, "label, matched across folds", "", False)
HORIZON = Column("h", pl.Int8, "horizon, from the next open", "bars", False)


def _float(name: str, meaning: str, unit: str = "fraction") -> Column:
    return Column(name, pl.Float64, meaning, unit)


def _count(name: str, meaning: str, unit: str = "rows") -> Column:
    return Column(name, pl.Int64, meaning, unit, False)


FOLDS = Table(
    name="folds",
    meaning="A row a fold: a calendar year of test, and the fit on all before it.",
    sorted_by="fold",
    columns=(
        FOLD,
        Column("train_first", pl.Date, "first day of the train rows", "", False),
        Column("train_last", pl.Date, "last day of the train rows: 21 dates before the test"),
        Column("test_first", pl.Date, "first day of the test", "", False),
        Column("test_last", pl.Date, "last day of the test", "", False),
        _count("train_rows", "rows fitted on"),
        _count("test_rows", "rows of the test that have a label"),
        Column("n_components", pl.Int16, "states of the fit", "states", False),
        _float("ll_train", "log-likelihood a train row; null for a method without one", "nats"),
        _float("ll_test", "log-likelihood a test row, given the days before", "nats"),
        flag(
            "converged", "the fit has converged; null for a method that cannot tell", nullable=True
        ),
        _float(
            "ari_with_previous",
            "adjusted Rand index with the fold before, on rows that both have labelled",
            "index",
        ),
        Column(
            "matched_by", pl.String, "how states got their numbers: first or hungarian", "", False
        ),
        _float(
            "largest_match_distance",
            "largest root mean square distance, a feature, of matched states' train means",
            "deviations",
        ),
    ),
)

MATCHING = Table(
    name="matching",
    meaning="Which state of each fold's fit has which number: a row a fold and state.",
    unique=False,
    sorted_by="fold",
    columns=(
        FOLD,
        Column("label", pl.Int16, "state of the fold's own fit", "", False),
        Column("state", pl.Int16, "its number across folds; one that is new is in no fold before", "",
               False),
        _float("distance", "root mean square, a feature, from the same number one fold before; null "
               "for a new one", "deviations"),
    ),
)  # fmt: skip

LABELS = Table(
    name="labels",
    meaning=(
        "Labels out of sample, by ticker, exchange and date: each row by the fit on the years before "
        "its own, and by what was known on the day."
    ),
    unique=False,
    sorted_by="ticker",
    columns=(
        TICKER,
        EXCHANGE,
        TRADE_DATE,
        FOLD,
        Column("state", pl.Int16, "label, matched across folds; −1 is none", "", False),
        Column("p_max", pl.Float32, "probability of the label; null for methods without one"),
        flag(
            "changed",
            "another label than the row before; null on a fold's first day",
            nullable=True,
        ),
        Column("prev", pl.Int16, "label of the row before; null on a fold's first day"),
        Column("run_length", pl.Int32, "rows in the label so far, within the fold", "rows", False),
        flag("eligible", "the row may be held: see the dataset"),
    ),
)

STATE_SUMS = Table(
    name="state_sums",
    meaning=(
        "Sums of outcomes of eligible rows by day, fold, period and state: all that inference reads. "
        "Measures: xs (over the market), oo (bare), log_xs and hit_xs (log(1 + oo) and xs > 0, less "
        "the day's mean), winsor_xs (xs between the 0.5 and 99.5 % quantiles of the fold's train "
        "rows), xs_shumway (xs with a delisted series' loss of 30 %), half_spread (with h 0)."
    ),
    unique=False,
    sorted_by="fold",
    columns=(
        TRADE_DATE,
        FOLD,
        Column("period", pl.String, "train (fitted on) or test", "", False),
        STATE,
        HORIZON,
        Column("measure", pl.String, "what is added up", "", False),
        _count("n", "rows with a value"),
        Column("s", pl.Float64, "sum of the values", "fraction", False),
        Column("ss", pl.Float64, "sum of their squares", "", False),
    ),
)

_TESTED = (
    _float("se_block", "standard error by draws of whole dates"),
    _float("lo", "lower end of the 95 % interval"),
    _float("hi", "upper end of the 95 % interval"),
)

STATE_OUTCOMES = Table(
    name="state_outcomes",
    meaning="What followed each state out of sample, a row a state, horizon and measure.",
    unique=False,
    sorted_by="h",
    columns=(
        STATE,
        HORIZON,
        Column("measure", pl.String, "see state_sums", "", False),
        _count("rows", "eligible rows of the state"),
        _count("dates", "days with such rows", "days"),
        _count("tickers", "tickers with such rows", "tickers"),
        _float("mean", "of all rows"),
        _float("mean_by_date", "mean of the days' means, days with at least 5 rows"),
        _float("se_naive", "standard deviation/√rows, as if rows were independent; they are not"),
        _float("se_hac", "standard error by Newey and West, h + block lags"),
        *_TESTED,
        _float("t", "mean/se_block", "ratio"),
        _float("p", "two-sided p value of the state alone", "probability"),
        _float("p_stepdown", "p value adjusted for all states and horizons of xs", "probability"),
        _float("q_by", "q value of Benjamini and Yekutieli", "probability"),
        _float("design_effect", "(se_block/se_naive)²", "ratio"),
        _float("n_effective", "rows/design_effect", "rows"),
        _float("min_detectable", "2.8·se_block: found with 80 % power"),
        _float("cost_break_even_bps", "cost of one trade at which nothing is left", "basis points"),
    ),
)

PAIRS = Table(
    name="pairs",
    meaning="Differences of mean xs between two states, a row a pair and horizon.",
    unique=False,
    sorted_by="h",
    columns=(
        Column("state_a", pl.Int16, "one state", "", False),
        Column("state_b", pl.Int16, "the other", "", False),
        HORIZON,
        _float("diff", "mean of state_a less that of state_b"),
        *_TESTED,
        _float("p_stepdown", "p value adjusted for all pairs and horizons", "probability"),
    ),
)

PLACEBO = Table(
    name="placebo",
    meaning=(
        "Separation of the labels rolled by a common shift: what labels of the same persistence give "
        "by chance. Draw 0 is the data, not shifted."
    ),
    sorted_by="draw",
    columns=(
        Column("draw", pl.Int32, "number of the draw; 0 is the data", "", False),
        Column("shift", pl.Int32, "rows that every ticker's labels are rolled by", "rows", False),
        _float("separation", "largest less smallest mean xs of the states"),
        _float("w", "Wald statistic that all states are equal", "statistic"),
    ),
)

_PREV = Column("prev", pl.Int16, "state before", "", False)
_NEXT = Column("next", pl.Int16, "state after", "", False)

EVENT_PATHS = Table(
    name="event_paths",
    meaning="Mean return over the market around changes of state, a row a pair of states and day.",
    unique=False,
    sorted_by="prev",
    columns=(
        _PREV,
        _NEXT,
        Column("r", pl.Int16, "day: 1 is the first that could be traded; up to 0 is context", "bars",
               False),
        _count("events", "events with a return on that day", "events"),
        _count("dates", "days with such events", "days"),
        _float("aar", "mean return over the market of that day"),
        _float("caar", "sum of aar from day 1 on, and back from day 0"),
        _float("lo", "lower end of the 95 % interval of caar"),
        _float("hi", "upper end of the 95 % interval of caar"),
    ),
)  # fmt: skip

EVENT_SUMMARY = Table(
    name="event_summary",
    meaning="What followed changes of state, a row a pair of states.",
    unique=False,
    sorted_by="prev",
    columns=(
        _PREV,
        _NEXT,
        _count("events", "changes after a run of at least 3 rows", "events"),
        _count("dates", "days with such changes", "days"),
        _count("tickers", "tickers with such changes", "tickers"),
        _float("car_1_5", "mean return over the market, days 1 to 5"),
        _float("car_1_10", "days 1 to 10"),
        _float("car_1_20", "days 1 to 20"),
        _float("se_block", "standard error of car_1_10 by draws of whole dates"),
        _float(
            "p_stepdown", "of car_1_10, adjusted for all pairs with enough events", "probability"
        ),
        _float("alpha", "a day, of the names with an event in the last h days, over the market's"),
        _float("t_alpha", "alpha over its standard error (Newey and West, h lags)", "ratio"),
        _float("events_per_year", "events/years of 252 days", "events"),
    ),
)

BY_YEAR = Table(
    name="by_year",
    meaning="Each state in each year of test.",
    unique=False,
    sorted_by="year",
    columns=(
        Column("year", pl.Int16, "calendar year", "", False),
        STATE,
        _float("share", "of the labelled rows of the year"),
        _count("rows", "labelled rows of the year"),
        _float("mean_xs", "mean xs of horizon h, without the year's last h dates"),
        _float("se_block", "its standard error by draws of whole dates"),
        Column("rank", pl.Int16, "rank of mean_xs in the year, 1 is the lowest"),
        _float("stay_probability", "share of steps that stay in the state", "probability"),
        _float("ll_per_row", "log-likelihood a row of the year's fit; the same for all", "nats"),
    ),
)

DWELL = Table(
    name="dwell",
    meaning="How long states last out of sample: runs of rows, the last of a fold cut off.",
    sorted_by="state",
    columns=(
        STATE,
        _count("runs", "runs of the state", "runs"),
        _count("cut_off", "of them, ended by the end of the fold or of the data", "runs"),
        _count("left_truncated", "of them, begun at a fold's or a sequence's first row", "runs"),
        _float("km_mean", "Kaplan–Meier mean", "rows"),
        _float("km_median", "Kaplan–Meier median", "rows"),
        _float("lo", "lower end of the median's 95 % interval", "rows"),
        _float("hi", "upper end of the median's 95 % interval", "rows"),
        _float("geometric_mean", "1/(1 − stay probability)", "rows"),
        _float("p", "p that runs last as the model says: simulated, filtered", "probability"),
        Column("p_of", pl.String, "simulated and filtered, or geometric", "", False),
    ),
)

STRATEGY = Column("strategy", pl.String, "long, short or market", "", False)

HELD_STATES = Table(
    name="held_states",
    meaning=(
        "Which states the portfolio of each fold holds: those whose train outcome pays both ways' half "
        "spread beyond doubt, by the fold's train rows alone. A row a fold, side and state."
    ),
    unique=False,
    sorted_by="fold",
    columns=(
        FOLD,
        STRATEGY,
        STATE,
        _count("rows", "eligible train rows"),
        _float("mean", "mean xs of horizon h over train rows"),
        _float("bound", "its 95 % bound nearest to 0: lower for long, upper for short"),
        _float("needed", "twice the mean half spread of train rows; below 0 for short"),
        flag("held", "the bound is beyond what is needed"),
    ),
)

POSITIONS = Table(
    name="positions",
    meaning="Names held by the long and the short portfolio, rows by strategy, day and name.",
    unique=False,
    sorted_by="strategy",
    columns=(
        STRATEGY,
        TRADE_DATE,
        TICKER,
        EXCHANGE,
        Column("weight", pl.Float64, "share of equity after the day's trade", "fraction", False),
        Column("trade", pl.Float64, "traded at the day's open", "fraction", False),
        Column("state", pl.Int16, "label on the close before; null for none"),
        _float("profit", "weight times what was earned to the next open; null on the last day"),
    ),
)

DAILY = Table(
    name="daily",
    meaning=(
        "What each day brought, from its open to the next, rows by strategy and day: the last day's is "
        "not known yet. Research, not advice."
    ),
    unique=False,
    sorted_by="strategy",
    columns=(
        STRATEGY,
        TRADE_DATE,
        FOLD,
        _float("gross", "return of the positions"),
        _float("cost", "half spread and impact of the day's trades"),
        _float("borrow", "fee of shorts"),
        _float("net", "gross − cost − borrow"),
        _float("market_net", "the equal-weight market by the same rule, after its costs"),
        _float("active", "net − market_net"),
        _float("turnover", "Σ|trade|"),
        Column("names", pl.Int32, "names held", "names", False),
        _float("gross_exposure", "Σ|weight|"),
        _float("unfilled", "Σ of what could not be traded"),
    ),
)

PERFORMANCE = Table(
    name="performance",
    meaning="What the daily results of a strategy come to, against the equal-weight market.",
    sorted_by="strategy",
    columns=(
        STRATEGY,
        _count("days", "days", "days"),
        _float("mean_active", "a day, over the market, after costs"),
        _float("ann_vol", "standard deviation of active, a year"),
        _float("sharpe_active", "Sharpe ratio of active, a year", "ratio"),
        _float("se_sharpe", "its standard error (Lo 2002)", "ratio"),
        _float("psr", "probability that it is above 0", "probability"),
        _float("dsr", "probability that it is above the best of so many trials", "probability"),
        _float("alpha", "a day, of net on market_net"),
        _float("beta", "of net on market_net", "ratio"),
        _float("t_alpha", "alpha over its standard error (Newey and West)", "ratio"),
        _float("max_drawdown", "deepest fall of compounded net"),
        _float("turnover_year", "turnover a year", "ratio"),
        _float("cost_drag", "cost a year"),
        _float("hit_days", "share of days over the market"),
        _float("worst_day", "lowest net"),
        _float("share_of_profit_of_top_10_days", "10 best days' part of the sum of active"),
        _float("share_of_profit_of_top_10_tickers", "10 best tickers' part of the profit"),
    ),
)

TRIALS = Table(
    name="trials",
    meaning="Daily returns of every trial: each state, long and short, held for each horizon.",
    unique=False,
    sorted_by="trade_date",
    columns=(
        TRADE_DATE,
        Column("run", pl.String, "validation that the trial is of", "", False),
        STATE,
        Column("side", pl.String, "long or short", "", False),
        HORIZON,
        _float("net", "after costs"),
        _float("market_net", "the market by the same rule"),
        _float("active", "net − market_net"),
    ),
)

_AT_OTHER_COSTS = (
    _float("net_active", "mean a day, over the market, after costs"),
    _float("sharpe_active", "Sharpe ratio of active, a year", "ratio"),
    _float("unfilled", "mean a day of what could not be traded"),
    _float("max_participation", "largest trade over adv_20", "ratio"),
)

CAPACITY = Table(
    name="capacity",
    meaning="The portfolio at other sizes, beside the market at that size.",
    unique=False,
    sorted_by="strategy",
    columns=(
        STRATEGY,
        Column("aum", pl.Float64, "size", "currency", False),
        *_AT_OTHER_COSTS,
        _float(
            "break_even_aum",
            "size at which net_active is 0, between two of these on a logarithmic scale; null if it is "
            "nowhere above 0, or still so at the largest; the same on all rows of a strategy",
            "currency",
        ),
    ),
)

COSTS = Table(
    name="costs",
    meaning=(
        "The portfolio, beside the market, at other costs, a day late, and with a loss of 30 % where a "
        "series has ended (Shumway 1997)."
    ),
    unique=False,
    sorted_by="strategy",
    columns=(
        STRATEGY,
        Column("case", pl.String, "what differs", "", False),
        Column("spread_factor", pl.Float64, "spreads times this", "ratio", False),
        Column("delay", pl.Int16, "days that entries come late", "days", False),
        Column("borrow", pl.Float64, "fee of shorts, a year; null for longs", "fraction"),
        *_AT_OTHER_COSTS,
        _float("cost_drag", "cost a year"),
    ),
)

REFITS = Table(
    name="refits",
    meaning="Refits on tickers drawn with replacement: how far labels hang on which tickers there are.",
    sorted_by="draw",
    columns=(
        Column("draw", pl.Int16, "number of the refit", "", False),
        Column("tickers", pl.Int32, "different tickers drawn", "tickers", False),
        flag("converged", "the fit has converged; null where a method cannot tell", nullable=True),
        _float("ari", "adjusted Rand index with the fit on all tickers, on common rows", "index"),
    ),
)

VALIDATION_TABLES: dict[str, tuple[Table, str]] = {
    name: (table, rule)
    for rule, tables in {
        "validation_labels": {"labels": LABELS, "folds": FOLDS, "matching": MATCHING},
        "validation_sums": {"state_sums": STATE_SUMS},
        "validation_outcomes": {"state_outcomes": STATE_OUTCOMES, "pairs": PAIRS},
        "validation_placebo": {"placebo": PLACEBO},
        "validation_events": {"event_paths": EVENT_PATHS, "event_summary": EVENT_SUMMARY},
        "validation_stability": {"by_year": BY_YEAR},
        "validation_dwell": {"dwell": DWELL},
        "validation_held": {"held": HELD_STATES},
        "validation_portfolio": {"positions": POSITIONS, "daily": DAILY},
        "validation_trials": {"trials": TRIALS},
        "validation_performance": {"performance": PERFORMANCE},
        "validation_capacity": {"capacity": CAPACITY},
        "validation_costs": {"costs": COSTS},
        "validation_refits": {"refits": REFITS},
    }.items()
    for name, table in tables.items()
}
"""Each table with the rule that makes it, by the name of its file in the catalogue."""
