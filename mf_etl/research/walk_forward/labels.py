"""Labels out of sample, from the runs of the folds, and what is told of each fold."""

from __future__ import annotations

import datetime
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.errors import ResearchError
from mf_etl.io import ParquetOptions, replacing
from mf_etl.research.datasets.streaming import RowGroupWriter
from mf_etl.research.evaluation.agreement import adjusted_rand_index, ticker_ranges
from mf_etl.research.preparation.source import KEYS, SEGMENT
from mf_etl.research.runs.catalog import RUN, SPEC
from mf_etl.research.runs.requests import Request, read_spec
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.walk_forward.folds import COLUMNS, Fold, read_folds
from mf_etl.research.walk_forward.matching import (
    Matched,
    first_states,
    match_states,
    renumbered,
)
from mf_etl.schemas.ml_dataset import arrow_schema
from mf_etl.schemas.validation_tables import FOLDS, LABELS, MATCHING

MAX_GAP_DAYS = 30
"""A longer gap, in calendar days, begins a run anew; of a hidden Markov model it is its own."""

_PROBABILITY = {"hmm": "hmm_prob_max", "clustering": "probability"}


@dataclass(frozen=True)
class FoldRun:
    """A fold and the folder of its run. `column` is None for the label known on the day."""

    fold: Fold
    folder: Path
    column: str | None = None
    in_sample: bool = False

    @cached_property
    def request(self) -> Request:
        """What the run was asked to do."""
        return read_spec(self.folder / SPEC)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The run's ``run_summary.json``."""
        return self._json("run_summary")

    @property
    def states(self) -> int:
        """Labels of the fit."""
        return int(self.summary["states"])

    @property
    def label(self) -> str:
        """The column of labels."""
        return self.column or COLUMNS[self.request.research]

    @property
    def max_gap_days(self) -> int:
        """Calendar days that a sequence goes across."""
        return int(getattr(self.request.spec, "max_gap_days", MAX_GAP_DAYS))

    @cached_property
    def train_profile(self) -> pl.DataFrame:
        """The rows of the profile that are of train, by label."""
        profile = pl.read_parquet(self._file("profile"), glob=False)
        view = "cluster" if self.request.research == "clustering" else "filtered"
        label = COLUMNS[self.request.research]
        return profile.filter(
            pl.col("view") == view, pl.col("period") == "train", pl.col(label) >= 0
        )

    @property
    def train_steps(self) -> NDArray[np.float64]:
        """Steps from state (row) to state (column) over train rows, shape (states, states)."""
        counts = pl.read_csv(self._file("transition_counts"), glob=False)
        view = "cluster" if self.request.research == "clustering" else "filtered"
        own = counts.filter(
            pl.col("view") == view, pl.col("period") == "train", pl.col("from_state") >= 0
        )
        columns = [f"to_{state}" for state in range(self.states)]
        found = np.zeros((self.states, self.states))
        found[own.get_column("from_state").to_numpy()] = own.select(columns).to_numpy()
        return found

    @property
    def means(self) -> NDArray[np.float64]:
        """Unscaled means of the features over train rows, shape (states, features); NaN without."""
        label, features = COLUMNS[self.request.research], self.request.preparation.features
        found = np.full((self.states, len(features)), np.nan)
        rows = self.train_profile.filter(pl.col("rows") > 0)
        columns = [f"{name}_mean" for name in features]
        found[rows.get_column(label).to_numpy()] = rows.select(columns).to_numpy()
        return found

    @property
    def spread(self) -> NDArray[np.float64]:
        """The run's scaling, shape (features,); of scales per ticker the median one."""
        scaler = pl.read_parquet(self._file("scaler_params"), glob=False)
        by_feature = scaler.group_by("feature").agg(pl.col("spread").median())
        order = pl.DataFrame({"feature": self.request.preparation.features})
        return order.join(by_feature, on="feature", how="left").get_column("spread").to_numpy()

    def rows(self) -> pl.LazyFrame:
        """Keys, segment, `period` (train or test), `label` and `p_max` of every row of the fold."""
        probability = _PROBABILITY[self.request.research]
        found = pl.scan_parquet(self._file("labelled"), glob=False)
        schema = found.collect_schema().names()
        if self.label not in schema:
            raise ResearchError(f"{self.folder} has no labels {self.label}")
        p_max = pl.col(probability) if probability in schema else pl.lit(None)
        segment = pl.col(SEGMENT) if SEGMENT in schema else pl.lit(1)
        period = pl.lit("test") if self.in_sample else pl.col("period")
        return found.select(
            *KEYS,
            segment.cast(pl.Int16).alias(SEGMENT),
            period.alias("period"),
            pl.col(self.label).cast(pl.Int16).alias("label"),
            p_max.cast(pl.Float32).alias("p_max"),
        ).filter(pl.col("period").is_in(["train", "test"]))

    def split(self) -> dict[str, Any]:
        """The run's ``split_summary.json``."""
        return self._json("split_summary")

    def _json(self, name: str) -> dict[str, Any]:
        path = self._file(name)
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ResearchError(f"{path}: {str(error).splitlines()[0]}; do the run again") from None
        return found

    def _file(self, name: str) -> Path:
        return self.folder / RUN[self.request.research][name]


def matched_folds(runs: Sequence[FoldRun]) -> list[Matched]:
    """The numbers of the states of each fold, from the first on."""
    found: list[Matched] = []
    free = 0
    for run in runs:
        if not found:
            one = first_states(run.states)
        else:
            before = runs[len(found) - 1]
            one = match_states(found[-1], before.means, run.means, run.spread, free)
        free = max(free, int(one.numbers.max(initial=-1)) + 1)
        found.append(one)
    return found


def write_labels(
    runs: Sequence[FoldRun],
    dataset: Path,
    labels: Path,
    folds: Path,
    matching: Path,
    *,
    options: ParquetOptions,
) -> None:
    """Write the tables `LABELS`, `FOLDS` and `MATCHING` of the `runs` of folds, in order of year.

    Read and written about a million rows at a time. Raises `ResearchError` for a run of another
    dataset, and for rows of a test that were fitted on.
    """
    _refuse(runs, dataset)
    matches = matched_folds(runs)
    schema = arrow_schema(LABELS.schema())
    test_rows: dict[int, int] = dict.fromkeys((run.fold.fold for run in runs), 0)
    with (
        replacing(labels) as temporary,
        RowGroupWriter(temporary, schema, options, ascending=("trade_date",)) as writer,
    ):
        for frame in _pieces(runs, matches, dataset):
            writer.add(frame)
            for fold, count in frame.group_by("fold").len().rows():
                test_rows[fold] += count
    rows = [
        _fold_row(run, match, test_rows[run.fold.fold], previous)
        for run, match, previous in zip(runs, matches, [None, *runs[:-1]], strict=False)
    ]
    FOLDS.write(pl.DataFrame(rows, schema=FOLDS.schema(), orient="row"), folds, options)
    MATCHING.write(_matching(runs, matches), matching, options)


def _pieces(runs: Sequence[FoldRun], matches: Sequence[Matched], dataset: Path) -> Any:
    if not runs:
        return
    source = pl.scan_parquet(dataset, glob=False).select(*KEYS, "eligible")
    for first, last in ticker_ranges(source):
        inside = pl.col("ticker").is_between(pl.lit(first), pl.lit(last))
        parts = []
        for run, match in zip(runs, matches, strict=True):
            rows = run.rows().filter(inside, pl.col("period") == "test").collect()
            numbers = renumbered(rows.get_column("label").to_numpy(), match.numbers)
            parts.append(
                rows.with_columns(
                    pl.Series("state", numbers), pl.lit(run.fold.fold, pl.Int16).alias("fold")
                )
            )
        labelled = pl.concat(parts).sort(KEYS)
        known = source.filter(inside).collect()
        rows = labelled.join(known, on=KEYS, how="left", maintain_order="left")
        if rows.get_column("eligible").null_count():
            raise ResearchError(f"labelled rows are not in {dataset}; do the run again")
        yield with_runs(rows, max(run.max_gap_days for run in runs)).select(LABELS.names)


def with_runs(rows: pl.DataFrame, max_gap_days: int) -> pl.DataFrame:
    """`rows` by name and date with `changed`, `prev` and `run_length`.

    A run begins anew with a fold, a segment, and after a gap of more than `max_gap_days`.
    """
    same = pl.lit(True)
    for name in ("ticker", "exchange", "fold", SEGMENT):
        same = same & (pl.col(name) == pl.col(name).shift(1))
    gap = (pl.col("trade_date") - pl.col("trade_date").shift(1)).dt.total_days()
    follows = (same & (gap <= max_gap_days)).fill_null(False)
    prev = pl.when(follows).then(pl.col("state").shift(1))
    changed = prev != pl.col("state")
    return rows.with_columns(prev.alias("prev"), changed.alias("changed")).with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int32)
        .over(pl.col("changed").fill_null(True).cum_sum())
        .alias("run_length")
    )


def _fold_row(
    run: FoldRun, match: Matched, test_rows: int, previous: FoldRun | None
) -> tuple[Any, ...]:
    fold, summary = run.fold, run.summary
    likelihood = summary.get("log_likelihood_per_row")
    told = likelihood if isinstance(likelihood, dict) else {"train": likelihood, "test": None}
    fit = run.split()["fit"]
    return (
        fold.fold, fold.train_first, fold.train_last, fold.test_first, fold.test_last,
        fit["rows"], test_rows, run.states, told["train"], told["test"], summary.get("converged"),
        None if previous is None else agreement(previous, run), match.by, match.largest,
    )  # fmt: skip


class Labelled(Protocol):
    """What has labelled rows."""

    def rows(self) -> pl.LazyFrame:
        """Keys and `label` of every row."""


def agreement(one: Labelled, other: Labelled) -> float | None:
    """Adjusted Rand index of two labellings on the rows that both have, by their own fits."""
    counts: list[pl.DataFrame] = []
    for first, last in ticker_ranges(one.rows()):
        inside = pl.col("ticker").is_between(pl.lit(first), pl.lit(last))
        mine, theirs = (
            run.rows().filter(inside).select(*KEYS, pl.col("label").alias(name)).collect()
            for run, name in ((one, "one"), (other, "other"))
        )
        both = mine.join(theirs, on=KEYS, how="inner")
        counts.append(both.group_by("one", "other").agg(pl.len().alias("rows")))
    table = pl.concat(counts).group_by("one", "other").agg(pl.col("rows").sum()) if counts else None
    if table is None or table.is_empty():
        return None
    wide = table.sort("one", "other").pivot("other", index="one", values="rows").fill_null(0)
    return adjusted_rand_index(wide.drop("one").to_numpy())


def _matching(runs: Sequence[FoldRun], matches: Sequence[Matched]) -> pl.DataFrame:
    rows = [
        (run.fold.fold, label, number, None if np.isnan(distance) else distance)
        for run, match in zip(runs, matches, strict=True)
        for label, (number, distance) in enumerate(
            zip(match.numbers.tolist(), match.distances.tolist(), strict=True)
        )
    ]
    return pl.DataFrame(rows, schema=MATCHING.schema(), orient="row")


def _refuse(runs: Sequence[FoldRun], dataset: Path) -> None:
    digests = {run.summary["dataset"].get("inputs_digest") for run in runs}
    metadata = dataset.with_name("metadata.json")
    if metadata.exists():
        now = json.loads(metadata.read_text(encoding="utf-8")).get("inputs_digest")
        for run in runs:
            if run.summary["dataset"].get("inputs_digest") != now:
                raise ResearchError(
                    f"{run.folder} was fitted on another dataset than {dataset} holds; do the run "
                    "again"
                )
    if len(digests) > 1:
        raise ResearchError(f"the folds are of {len(digests)} datasets; do their runs again")
    for run in runs:
        if run.in_sample:
            continue
        fit = run.split()["fit"]
        if str(fit["last_day"]) >= run.fold.test_first.isoformat():
            raise ResearchError(
                f"{run.folder} was fitted on rows to {fit['last_day']}, its test begins on "
                f"{run.fold.test_first}: train and test overlap"
            )
    for one, other in itertools.pairwise(runs):
        if one.request.research != other.request.research:
            raise ResearchError(f"{one.folder} and {other.folder} are runs of two kinds")


def runs_in_order(borders: Path, specs: Sequence[Path], asked: ValidationRequest) -> list[FoldRun]:
    """The runs of the folds in ``borders.json`` by the `specs` of their folders, in order of year.

    In-sample it is one, the run that is validated itself: its fold, 0, is of every day there is.
    """
    if asked.in_sample:
        told = json.loads(borders.read_text(encoding="utf-8"))
        first, last = (datetime.date.fromisoformat(told[side]) for side in ("first", "last"))
        folds = [Fold(0, first, last, first, last)]
    else:
        folds = read_folds(borders)
    return [
        FoldRun(fold, spec.parent, asked.column, asked.in_sample)
        for fold, spec in zip(folds, specs, strict=True)
    ]
