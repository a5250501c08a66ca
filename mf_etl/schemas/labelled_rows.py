"""Rows with the labels of a model, and profiles of labels: what runs write."""

from __future__ import annotations

import polars as pl

from mf_etl.research.datasets.columns import OUTCOME_STATISTICS, OUTCOMES
from mf_etl.schemas.common import EXCHANGE, SEGMENT_NO, TICKER, TRADE_DATE
from mf_etl.schemas.declaration import Column, Table
from mf_etl.schemas.ml_dataset import ML_DATASET

PERIOD = Column(
    "period",
    pl.String,
    "train (in-sample: fitted on), between, test or after; all without a split (in-sample too)",
    nullable=False,
)
_KEYS = (TICKER, EXCHANGE, TRADE_DATE, PERIOD, SEGMENT_NO)
_OF_DATASET = {column.name: column for column in ML_DATASET.columns}
_PASSED_ON = tuple(_OF_DATASET[name] for name in ("flow_state_code", *OUTCOMES))

CLUSTERED_ROWS = Table(
    name="clustered_dataset",
    meaning="The cluster of every row to predict, known on the day; by ticker, exchange and date.",
    columns=(
        *_KEYS,
        Column(
            "cluster_id", pl.Int16, "0 is the most supply-like; −1 is noise", "", nullable=False
        ),
        Column("probability", pl.Float32, "of the cluster; only of methods that have one"),
    ),
)


def _of_states(kind: str, prefix: str = "") -> tuple[Column, ...]:
    """What follows from the states alone."""
    first = "null on the first row of a sequence"
    return (
        Column(f"{prefix}hmm_changed", pl.Boolean, f"the {kind} state is another than before"),
        Column(f"{prefix}hmm_prev", pl.Int8, f"{kind} state of the row before; {first}"),
        Column(f"{prefix}hmm_transition_code", pl.Int32, f"100·hmm_prev + hmm_state; {first}"),
        Column(f"{prefix}hmm_run_length", pl.Int32, f"rows in the {kind} state so far", "rows"),
        Column(
            f"{prefix}bs_hmm_change",
            pl.Int32,
            f"rows since the {kind} state changed; null before it did",
            "rows",
        ),
    )


def state_columns(states: int) -> tuple[Column, ...]:
    """What a hidden Markov model of so many states tells of a row."""
    return (
        Column("hmm_state", pl.Int8, "likeliest state given the days so far: known on the day"),
        *(
            Column(
                f"hmm_p_{state}", pl.Float32, f"probability of state {state} given the days so far"
            )
            for state in range(states)
        ),
        Column("hmm_prob_max", pl.Float32, "largest of these probabilities"),
        Column("hmm_entropy", pl.Float32, "entropy of these probabilities", "nats"),
        *_of_states("filtered"),
        Column("hindsight_hmm_state", pl.Int8, "state of the likeliest path of the whole sequence"),
        Column(
            "hindsight_hmm_prob_max", pl.Float32, "largest probability given the whole sequence"
        ),
        *_of_states("hindsight", "hindsight_"),
    )


def decoded_rows(states: int) -> Table:
    """The rows that a hidden Markov model of so many states has decoded."""
    return Table(
        name="decoded_rows",
        meaning=(
            "States of every row to predict, by ticker, exchange and date. Plain names are what was "
            "known on the day; `hindsight_` names come from the whole sequence, which looks ahead. "
            "There is a column `hmm_p_k` for each state k."
        ),
        columns=(*_KEYS, *state_columns(states), *_PASSED_ON),
    )


def _profile(name: str, label: str) -> Table:
    means = {
        "n": "rows with a finite value",
        "mean": "mean",
        "median": "median",
        "std": "population standard deviation, of rows: no error of the mean",
        "p10": "10th percentile",
        "p90": "90th percentile",
        "hit_rate": "share above 0",
    }
    return Table(
        name=name,
        meaning=(
            "What rows of a label are like and what came after them, one row a view, period and label. "
            "Besides the columns here: `{feature}_mean` and `{feature}_std` of each feature, unscaled."
        ),
        columns=(
            Column("view", pl.String, "how rows were labelled", nullable=False),
            PERIOD,
            Column("in_sample", pl.Boolean, "the period was fitted on", nullable=False),
            Column(label, pl.Int16, "label in canonical order; −1 is noise", nullable=False),
            Column("rows", pl.Int64, "rows with the label", "rows", nullable=False),
            Column("share", pl.Float64, "of the rows of the view and period", "fraction", False),
            Column("tickers", pl.Int64, "tickers that have such rows", "tickers", nullable=False),
            Column("first_date", pl.Date, "first day of such rows"),
            Column("last_date", pl.Date, "last day of such rows"),
            *(
                Column(
                    f"{outcome}_{what}",
                    pl.Int64 if what == "n" else pl.Float64,
                    f"{means[what]} of {outcome}; outcomes that reach into the test count nowhere",
                    "rows" if what == "n" else "fraction",
                )
                for outcome in OUTCOMES
                for what in OUTCOME_STATISTICS
            ),
        ),
    )


CLUSTER_PROFILE = _profile("cluster_profile", "cluster_id")
STATE_PROFILE = _profile("hmm_state_profile", "hmm_state")
