"""Fits on some of the tickers: how many states they bear, how far labels hang on which there are."""

from __future__ import annotations

import datetime
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mf_etl.io import ParquetOptions
from mf_etl.research.datasets.streaming import RowGroupWriter
from mf_etl.research.evaluation.agreement import ticker_ranges
from mf_etl.research.inference.shifted import seeded_tickers
from mf_etl.research.labels.labelled import write_labelled
from mf_etl.research.models.clusters import ClusterModel
from mf_etl.research.models.hmm.markov import MarkovModel
from mf_etl.research.models.hmm.report import evaluate
from mf_etl.research.models.interface import Model, Spec
from mf_etl.research.preparation.blocks import MatrixRows
from mf_etl.research.preparation.files import SCALER
from mf_etl.research.preparation.prepare import prepare
from mf_etl.research.preparation.prepared import Prepared
from mf_etl.research.preparation.spec import PreparationSpec
from mf_etl.research.runs.catalog import RUN
from mf_etl.research.runs.requests import Request
from mf_etl.research.walk_forward.folds import COLUMNS, Fold
from mf_etl.research.walk_forward.labels import agreement
from mf_etl.schemas.ml_dataset import arrow_schema

GROUPS = 5
GROUPED_TICKERS = 500


def number_told(
    request: Request, fold: Fold, states: int, dataset: Path, *, seed: int, threads: int = 1
) -> dict[str, Any]:
    """What the fold's train rows say to so many states: log-likelihood a row of held-out tickers.

    At most 500 seeded tickers in five groups; each group is told by the model of the other four.
    `request` is that of the fold. Nothing after the fold's last train day is read.
    """
    chosen = seeded_tickers(_tickers(dataset, fold.train_last), GROUPED_TICKERS, seed)
    groups = [chosen[group::GROUPS] for group in range(GROUPS)]
    found = []
    for group, held_out in enumerate(groups):
        others = [ticker for ticker in chosen if ticker not in set(held_out)]
        with (
            _resampled(dataset, others, fold.train_last) as own,
            _resampled(dataset, held_out, fold.train_last) as test,
        ):
            model, scaler = _fitted(own, request, threads)
            if not held_out:
                continue
            folder = test.with_name("held_out")
            spec = _every_row(request.preparation)
            prepare(
                test, None, spec, folder, options=ParquetOptions(), scaler=scaler, threads=threads
            )
            told = _likelihood(model, Prepared(folder, test), threads)
        found.append({"group": group, "tickers": len(held_out), "ll_per_row": told})
    values = np.array([one["ll_per_row"] for one in found])
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    return {"states": states, "mean": float(values.mean()), "se": error, "groups": found}


def chosen_number(tried: Sequence[dict[str, Any]]) -> int:
    """The fewest states within one standard error of the best (Breiman et al. 1984, section 3.4.3)."""
    best = max(tried, key=lambda one: (one["mean"], -one["states"]))
    least = best["mean"] - best["se"]
    return min(int(one["states"]) for one in tried if one["mean"] >= least)


def refit(
    run: Path,
    request: Request,
    train_end: datetime.date,
    dataset: Path,
    *,
    draw: int,
    seed: int,
    threads: int = 1,
) -> tuple[Any, ...]:
    """A row of `REFITS`: the run's model fitted to its tickers drawn with replacement.

    Its labels of all rows, drawn or not, are held against those of the run, by what was known on the
    day.
    """  # fmt: skip
    every = _tickers(dataset, train_end)
    random = np.random.default_rng([seed, draw])
    drawn = [every[place] for place in np.sort(random.integers(0, len(every), len(every)))]
    with _resampled(dataset, drawn, train_end) as own:
        model, scaler, converged = _fitted_and_told(own, request, threads)
        folder, options = own.with_name("all"), ParquetOptions()
        spec = _every_row(request.preparation)
        prepare(dataset, None, spec, folder, options=options, scaler=scaler, threads=threads)
        path = own.with_name("labels.parquet")
        prepared = Prepared(folder, dataset)
        write_labelled(model, prepared, path, passed_on=(), options=options, threads=threads)
        label = COLUMNS[request.research]
        before = _Labelled(run / RUN[request.research]["labelled"], label)
        ari = agreement(before, _Labelled(path, label))
    return draw, len(set(drawn)), converged, ari


@dataclass(frozen=True)
class _Labelled:
    """A file of labelled rows."""

    path: Path
    label: str

    def rows(self) -> pl.LazyFrame:
        """Keys and label of every row."""
        names = ["ticker", "exchange", "trade_date", pl.col(self.label).alias("label")]
        return pl.scan_parquet(self.path, glob=False).select(names)


def _tickers(dataset: Path, last: datetime.date) -> list[str]:
    """Tickers with a row up to that day, in order."""
    rows = pl.scan_parquet(dataset, glob=False).filter(pl.col("trade_date") <= last)
    return rows.select(pl.col("ticker").unique().sort()).collect().to_series().to_list()


@contextmanager
def _resampled(dataset: Path, tickers: Sequence[str], last: datetime.date) -> Iterator[Path]:
    """A dataset of the rows of these tickers up to that day; what is drawn again has a name of its own.

    Lies in a folder that is gone afterwards.
    """
    counts = Counter(tickers)
    rows = pl.scan_parquet(dataset, glob=False).filter(
        pl.col("trade_date") <= last, pl.col("ticker").is_in(list(counts))
    )
    with tempfile.TemporaryDirectory(prefix="mf_etl-resampled-") as temporary:
        path = Path(temporary) / "dataset.parquet"
        schema = arrow_schema(rows.collect_schema())
        with RowGroupWriter(path, schema, ParquetOptions()) as writer:
            for first, end in ticker_ranges(rows):
                inside = pl.col("ticker").is_between(pl.lit(first), pl.lit(end))
                for own in (
                    rows.filter(inside).collect().partition_by("ticker", maintain_order=True)
                ):
                    writer.add(own)
                    for again in range(2, counts[own.item(0, "ticker")] + 1):
                        writer.add(own.with_columns(pl.col("ticker") + f"#{again:05}"))
        yield path


def _every_row(spec: PreparationSpec) -> PreparationSpec:
    values = {"split_mode": "none", "train_end": None, "test_start": None, "test_end": None}
    return spec.model_copy(update=values)


def _fitted(dataset: Path, request: Request, threads: int) -> tuple[Model, Path]:
    model, scaler, _ = _fitted_and_told(dataset, request, threads)
    return model, scaler


def _fitted_and_told(
    dataset: Path, request: Request, threads: int
) -> tuple[Model, Path, bool | None]:
    """The model fitted to every row of `dataset`, its scaler, and whether it has converged."""
    folder = dataset.with_name("fitted")
    spec = _every_row(request.preparation)
    prepare(dataset, None, spec, folder, options=ParquetOptions(), threads=threads)
    asked: Spec = request.spec
    fitted = asked.model().fitted(Prepared(folder, dataset), asked, threads)
    return fitted.model, folder / SCALER, fitted.report.get("converged")


def _likelihood(model: Model, prepared: Prepared, threads: int) -> float:
    if isinstance(model, MarkovModel):
        cut = prepared.sequences(prepared.is_predict, max_gap_days=model.max_gap_days)
        told = evaluate(model.estimator, prepared.matrix, cut.sequences)
        return told.log_likelihood / told.rows
    assert isinstance(model, ClusterModel)
    told_of_rows = model.log_likelihood_per_row(MatrixRows(prepared.matrix), threads)
    assert told_of_rows is not None, "methods without a likelihood are refused"
    return told_of_rows
