"""Scaler parameters from the rows a model is fitted on, for each scaler and scope."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.streaming import in_order
from mf_etl.research.preparation.scaling import (
    PARAMETERS,
    Scaling,
    robust_parameters,
    standard_parameters,
)
from mf_etl.research.preparation.source import Source, arrays
from mf_etl.research.preparation.spec import PreparationSpec
from mf_etl.research.preparation.survey import Survey

WHOLE_COLUMNS = 4
"""Columns held whole at a time at most, whatever the number of threads."""


def fitted(survey: Survey, threads: int) -> Scaling:
    """The scaling of the specification, exact, from complete fit rows only."""
    spec = survey.source.spec
    if spec.scaling_scope == "per_ticker":
        return _per_ticker(survey, threads)
    if spec.scaler == "standard":
        return Scaling.stacked(spec.features, None, [standard_parameters(survey.moments)])
    return _global_robust(survey, threads)


def _global_robust(survey: Survey, threads: int) -> Scaling:
    """Exact quartiles need a whole column: 8 bytes a fit row for each that is under way."""
    features = survey.source.spec.features
    one_feature = partial(_quartiles, survey)
    found = list(in_order(one_feature, features, min(threads, WHOLE_COLUMNS)))
    centre, spread = (np.concatenate(part) for part in zip(*found, strict=True))
    return Scaling.stacked(features, None, [(centre, spread)])


def _quartiles(survey: Survey, feature: str) -> tuple[np.ndarray, np.ndarray]:
    column = np.empty(sum(int(mask.sum()) for mask in survey.fit_masks))
    filled = 0
    for shard, mask in zip(survey.source.shards, survey.fit_masks, strict=True):
        rows = survey.source.columns(shard, [feature]).filter(pl.Series(mask))
        column[filled : filled + rows.height] = arrays(rows, [feature])[0]
        filled += rows.height
    return robust_parameters([column])


def _per_ticker(survey: Survey, threads: int) -> Scaling:
    spec = survey.source.spec
    blocks = in_order(partial(_fit_rows, survey.source), survey.source.shards, threads)
    one_block = partial(_parameters_by_ticker, spec)
    tickers: list[str] = []
    parameters: list[tuple[np.ndarray, np.ndarray]] = []
    for found in in_order(one_block, _whole_tickers(blocks), threads):
        for ticker, of_ticker in found:
            tickers.append(ticker)
            parameters.append(of_ticker)
    if not tickers:
        raise ResearchError(
            f"no ticker has the {spec.scaling_min_rows} rows to fit on that a scale of its own needs "
            "(scaling_min_rows); lower it, or use scaling_scope global or other dates"
        )
    return Scaling.stacked(spec.features, tuple(tickers), parameters)


def _fit_rows(source: Source, shard: int) -> pl.DataFrame:
    rows = source.complete(source.shard(shard, source.spec.features))
    return rows.filter("is_fit").select("ticker", *source.spec.features)


def _whole_tickers(blocks: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in blocks that end where a ticker ends."""
    rest: pl.DataFrame | None = None
    for block in blocks:
        joined = block if rest is None else pl.concat([rest, block])
        if joined.is_empty():
            continue
        last = pl.col("ticker") == joined.get_column("ticker")[-1]
        yield joined.filter(~last)
        rest = joined.filter(last)
    if rest is not None:
        yield rest


def _parameters_by_ticker(
    spec: PreparationSpec, rows: pl.DataFrame
) -> list[tuple[str, tuple[np.ndarray, np.ndarray]]]:
    """Of the tickers that have enough rows."""
    groups = rows.partition_by("ticker", maintain_order=True, as_dict=True)
    return [
        (str(ticker), PARAMETERS[spec.scaler](arrays(group, spec.features)))
        for (ticker,), group in groups.items()
        if group.height >= spec.scaling_min_rows
    ]
