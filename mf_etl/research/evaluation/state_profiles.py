"""Tables about states, from decoded rows: profiles of both views, dwell, frequency, confidence.

Sums run over rows in their order in float64, so a table has the same bytes on any machine load.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from mf_etl.research.datasets.columns import OUTCOMES
from mf_etl.research.labels.decoding import PROFILE_FEATURES

VIEWS = {"viterbi": "hmm_state", "filtered": "hmm_state_filtered"}
"""Views of a profile and their columns. Outcomes by Viterbi state have seen the future."""

SEPARATION_OUTCOME = "fwd_ret_10"
LARGEST_SHARE = 0.70
LEAST_SEPARATION = 0.002
LEAST_MEAN_ARI = 0.50


def state_profile(
    decoded: pl.LazyFrame, states: int, *, periods: tuple[str, ...] | None = None
) -> pl.DataFrame:
    """One row a view and state: rows, share, tickers, days, features and outcomes.

    `decoded` is a scan of the decoded rows; `periods` keeps rows of these only. Features: mean and
    population std. Outcomes: n, mean, median, std, p10, p90 and hit rate (share above 0), each over
    finite values; outcomes of purged rows are left out. Null where there is nothing to average.
    """
    if periods is not None:
        decoded = decoded.filter(pl.col("period").is_in(periods))
    names = decoded.collect_schema().names()
    views = decoded.select(VIEWS.values()).collect()
    members = {
        view: _members(codes, states)
        for view, codes in ((v, views.get_column(c).to_numpy()) for v, c in VIEWS.items())
    }
    columns: dict[str, list[Any]] = {
        "view": [view for view in VIEWS for _ in range(states)],
        "hmm_state": [state for _ in VIEWS for state in range(states)],
    }
    parts = [rows for view in VIEWS for rows in members[view]]
    columns["rows"] = [len(rows) for rows in parts]
    columns["share"] = [len(rows) / views.height if views.height else None for rows in parts]
    for name, values in _tickers_and_days(decoded, states).items():
        columns[name] = values
    for name in (n for n in PROFILE_FEATURES if n in names):
        values = _values(decoded, name)
        found = [_mean_and_std(values[rows]) for rows in parts]
        columns[f"{name}_mean"] = [mean for mean, _ in found]
        columns[f"{name}_std"] = [std for _, std in found]
    purged = decoded.select("outcome_purged").collect().to_series().to_numpy()
    for name in (n for n in OUTCOMES if n in names):
        values = np.where(purged, np.nan, _values(decoded, name))
        told = [outcome_summary(values[rows]) for rows in parts]
        for statistic in told[0]:
            columns[f"{name}_{statistic}"] = [one[statistic] for one in told]
    schema = {"hmm_state": pl.Int8, "first_day": pl.Date, "last_day": pl.Date}
    floats = (name for name in columns if name.startswith((*PROFILE_FEATURES, "fwd_", "share")))
    schema |= {name: pl.Float64 for name in floats if not name.endswith("_n")}
    return pl.DataFrame(columns, schema_overrides=schema)


def outcome_summary(values: np.ndarray) -> dict[str, float | int | None]:
    """n, mean, median, population std, p10, p90 and share above 0 of the finite values."""
    finite = values[np.isfinite(values)].astype(np.float64)
    if not len(finite):
        nothing = dict.fromkeys(("mean", "median", "std", "p10", "p90", "hit_rate"))
        return {"n": 0, **nothing}
    mean, std = _mean_and_std(finite)
    p10, median, p90 = np.percentile(finite, (10, 50, 90)).tolist()
    return {
        "n": len(finite),
        "mean": mean,
        "median": median,
        "std": std,
        "p10": p10,
        "p90": p90,
        "hit_rate": float((finite > 0).mean()),
    }


def transition_counts(decoded: pl.LazyFrame, states: int) -> np.ndarray:
    """Steps from Viterbi state (row) to Viterbi state (column) within sequences, counted."""
    steps = decoded.select("hmm_state_prev", "hmm_state").drop_nulls().collect()
    codes = steps.get_column("hmm_state_prev").to_numpy().astype(np.int64) * states
    codes += steps.get_column("hmm_state").to_numpy()
    return np.bincount(codes, minlength=states * states).reshape(states, states)


def square_table(values: np.ndarray) -> pl.DataFrame:
    """A matrix from state to state as a table with a column for each target state."""
    columns = {f"to_{state}": values[:, state] for state in range(values.shape[1])}
    return pl.DataFrame({"from_state": np.arange(len(values), dtype=np.int8), **columns})


def dwell_stats(decoded: pl.LazyFrame, states: int) -> pl.DataFrame:
    """Lengths in rows of the runs of each Viterbi state.

    The last run of a sequence ends because the data do: it is counted in `cut_off` and its length
    is no part of count, mean, median, p10, p90 and max, which are of runs seen to their end.
    """
    runs = _runs(decoded)
    state, cut_off = (runs.get_column(n).to_numpy() for n in ("hmm_state", "_last_of_sequence"))
    length = runs.get_column("hmm_state_run_length").to_numpy()
    table = []
    for number in range(states):
        whole = length[(state == number) & ~cut_off]
        quantiles = np.percentile(whole, (10, 50, 90)).tolist() if len(whole) else [None] * 3
        table.append(
            {
                "hmm_state": number,
                "count": len(whole),
                "mean": float(whole.mean()) if len(whole) else None,
                "median": quantiles[1],
                "p10": quantiles[0],
                "p90": quantiles[2],
                "max": int(whole.max()) if len(whole) else None,
                "cut_off": int(((state == number) & cut_off).sum()),
            }
        )
    floats = dict.fromkeys(("mean", "median", "p10", "p90"), pl.Float64)
    return pl.DataFrame(table, schema_overrides={"hmm_state": pl.Int8, "max": pl.Int32, **floats})


def finished_runs(decoded: pl.LazyFrame) -> pl.DataFrame:
    """`hmm_state` and `days` (rows) of each run that ended before its sequence did."""
    runs = _runs(decoded).filter(~pl.col("_last_of_sequence"))
    return runs.select("hmm_state", days="hmm_state_run_length")


def _runs(decoded: pl.LazyFrame) -> pl.DataFrame:
    """The last row of each run of one Viterbi state, and whether its sequence ends there."""
    return (
        decoded.select("hmm_sequence", "hmm_state", "hmm_state_run_length")
        .with_columns(
            _last_of_run=(pl.col("hmm_state_run_length").shift(-1) == 1).fill_null(True),
            _last_of_sequence=(
                pl.col("hmm_sequence") != pl.col("hmm_sequence").shift(-1)
            ).fill_null(True),
        )
        .filter("_last_of_run")
        .collect()
    )


def state_frequency(decoded: pl.LazyFrame, states: int) -> pl.DataFrame:
    """Rows and share of each state in both views."""
    table: dict[str, Any] = {"hmm_state": np.arange(states, dtype=np.int8)}
    for view, column in VIEWS.items():
        count = _counts(decoded, column, states)
        table[f"rows_{view}"] = count
        table[f"share_{view}"] = count / max(count.sum(), 1)
    return pl.DataFrame(table)


def initial_state_distribution(decoded: pl.LazyFrame, startprob: np.ndarray) -> pl.DataFrame:
    """What sequences begin in: the model's probability, and Viterbi states counted."""
    states = len(startprob)
    count = _counts(decoded.filter(pl.col("hmm_state_prev").is_null()), "hmm_state", states)
    return pl.DataFrame(
        {
            "hmm_state": np.arange(states, dtype=np.int8),
            "start_probability": startprob,
            "sequences": count,
            "share": count / max(count.sum(), 1),
        }
    )


def state_confidence(decoded: pl.LazyFrame, states: int) -> pl.DataFrame:
    """How sure the model is, by Viterbi state: mean, p10 and median of each measure.

    ``same_in_both_views`` is the share of its rows whose filtered state is the same one.
    """
    views = decoded.select(VIEWS.values()).collect()
    viterbi, known = (views.get_column(column).to_numpy() for column in VIEWS.values())
    members = _members(viterbi, states)
    table: dict[str, Any] = {
        "hmm_state": np.arange(states, dtype=np.int8),
        "rows": [len(rows) for rows in members],
        "same_in_both_views": [
            float((known[rows] == state).mean()) if len(rows) else None
            for state, rows in enumerate(members)
        ],
    }
    for name in ("hmm_state_prob_max", "hmm_state_entropy", "hmm_filtered_prob_max"):
        values = _values(decoded, name)
        told = [outcome_summary(values[rows]) for rows in members]
        for statistic in ("mean", "p10", "median"):
            table[f"{name}_{statistic}"] = [one[statistic] for one in told]
    floats = {name: pl.Float64 for name in table if name not in ("hmm_state", "rows")}
    return pl.DataFrame(table, schema_overrides=floats)


def _tickers_and_days(decoded: pl.LazyFrame, states: int) -> dict[str, list[Any]]:
    """Number of tickers, first and last day of each view and state."""
    day = pl.col("trade_date")
    told = {"tickers": pl.col("ticker").n_unique(), "first_day": day.min(), "last_day": day.max()}
    every = pl.LazyFrame({"state": np.arange(states, dtype=np.int8)})
    views = [
        every.join(decoded.group_by(state=column).agg(**told), on="state", how="left").sort("state")
        for column in VIEWS.values()
    ]
    found = pl.concat(views).with_columns(pl.col("tickers").fill_null(0)).collect()
    return found.select(*told).to_dict(as_series=False)


def _members(codes: np.ndarray, states: int) -> list[np.ndarray]:
    """Row numbers of each state, in four bytes each: there are as many as rows."""
    return [np.flatnonzero(codes == state).astype(np.uint32) for state in range(states)]


def _values(decoded: pl.LazyFrame, name: str) -> np.ndarray:
    """One column with NaN for null; what is float32 stays so until a state's rows are taken."""
    column = decoded.select(name).collect().to_series()
    return column.cast(pl.Float32 if column.dtype == pl.Float32 else pl.Float64).to_numpy()


def _mean_and_std(values: np.ndarray) -> tuple[float | None, float | None]:
    finite = values[np.isfinite(values)].astype(np.float64)
    return (float(finite.mean()), float(finite.std())) if len(finite) else (None, None)


def _counts(decoded: pl.LazyFrame, column: str, states: int) -> np.ndarray:
    codes = decoded.select(column).collect().to_series().to_numpy()
    return np.bincount(codes, minlength=states)
