"""Gold features of many tickers to one dataset file and its metadata, as a stream."""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from mf_etl.errors import ResearchError, SchemaError
from mf_etl.io import ParquetOptions, replacing, write_json
from mf_etl.processes import in_processes
from mf_etl.research.datasets.market import Market
from mf_etl.research.datasets.reading import LISTINGS_A_PIECE, read_features, read_prices
from mf_etl.research.datasets.request import DatasetRequest
from mf_etl.research.datasets.rows import Trading, with_outcomes
from mf_etl.research.datasets.sampling import row_sample
from mf_etl.research.datasets.selection import Listing
from mf_etl.research.datasets.streaming import RowGroupWriter, as_arrow
from mf_etl.research.datasets.survival import Survival
from mf_etl.schemas import gold_features
from mf_etl.schemas.declaration import HELPER_DTYPES
from mf_etl.schemas.ml_dataset import (
    CALC_VERSION,
    ML_DATASET,
    SCHEMA_VERSION,
    arrow_schema,
    stored,
)

EPOCH = datetime.date(1970, 1, 1)
DROPPED = ("outside_dates", "null_required_feature", "not_sampled")


class _Symbol(NamedTuple):
    """What one ticker gives: its rows, and what is told about them."""

    rows: pa.Table
    days: list[datetime.date]
    """The first and the last; empty without rows."""
    read: int
    dropped: dict[str, int]
    inputs: list[tuple[str, str, str | None, int]]
    survival: Survival


@dataclass
class _Account:
    """Adds up what is told about the tickers, in their order."""

    read: int = 0
    symbols: int = 0
    symbols_without_rows: int = 0
    dropped: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(DROPPED, 0)))
    days: list[Any] = field(default_factory=list)
    files: int = 0
    survival: Survival = field(default_factory=Survival)
    digest: Any = field(default_factory=lambda: hashlib.blake2b(digest_size=16))

    def add(self, symbol: _Symbol) -> None:
        self.read += symbol.read
        self.dropped.update(symbol.dropped)
        self.files += len(symbol.inputs)
        self.survival.merge(symbol.survival)
        for described in symbol.inputs:
            self.digest.update(repr(described).encode())
        if not symbol.days:
            self.symbols_without_rows += 1
            return
        self.symbols += 1
        found = [*self.days, *symbol.days]
        self.days = [min(found), max(found)]


def export_dataset(
    listings: Iterable[Listing],
    request: DatasetRequest,
    market: Market,
    dataset: Path,
    metadata: Path,
    *,
    options: ParquetOptions,
    eps: float,
    threads: int = 1,
) -> dict[str, Any]:
    """Write the rows of `listings`, as `selected` gives them, to `dataset` and tell about it.

    The dataset is an `ML_DATASET` file, ordered by ticker, trade_date and exchange; helper floats
    are stored as `options.helper_dtype`. Outcomes are computed on each listing's whole series, and
    over `market`, before dates, required features and a row sample drop rows. Tickers are read in
    up to `threads` processes and written in order, so memory does not grow with their number and the
    bytes do not depend on `threads`. Gives what `metadata` holds. Raises `ResearchError` for a file
    that cannot be used and for a dataset without rows; then nothing is written.
    """
    symbols = [list(group) for _, group in itertools.groupby(listings, lambda one: one.ticker)]
    schema = ML_DATASET.schema(HELPER_DTYPES[options.helper_dtype])
    stored_as = arrow_schema(schema)
    one_symbol = partial(
        _symbol, request=request, market=market, options=options, schema=stored_as, eps=eps
    )
    account = _Account()
    with replacing(dataset) as temporary:
        with RowGroupWriter(temporary, stored_as, options) as writer:
            # Threads would share the interpreter, and for frames this small that is most of the work.
            for symbol in in_processes(one_symbol, symbols, threads, at_a_time=LISTINGS_A_PIECE):
                account.add(symbol)
                writer.add(symbol.rows)
        if not writer.rows:
            raise ResearchError(_empty(account, request))
        told = _told(account, writer.rows, request, schema)
        write_json(told, metadata)
    return told


def _symbol(
    listings: list[Listing],
    *,
    request: DatasetRequest,
    market: Market,
    options: ParquetOptions,
    schema: pa.Schema,
    eps: float,
) -> _Symbol:
    """The rows of one ticker, of all its exchanges."""
    kept: list[pl.DataFrame] = []
    dropped: Counter[str] = Counter()
    inputs, survival = [], Survival()
    for listing in listings:
        features = read_features(listing)
        prices = read_prices(listing, features)
        run_id = features.get_column("run_id")[0] if features.height else None
        inputs.append((listing.exchange, listing.ticker, run_id, features.height))
        is_stock = listing.instrument == "stock"
        rows = with_outcomes(features, prices, market, Trading(is_stock, request.min_adv, eps))
        survival.add(rows, is_stock)
        instrument = [listing.instrument or None] * rows.height
        rows = rows.hstack([pl.Series("instrument", instrument, pl.String)])
        try:
            kept.append(stored(_filtered(rows, listing, request, dropped), options.helper_dtype))
        except SchemaError as error:
            raise ResearchError(
                f"gold features {listing.features}: {error}; build the gold features again"
            ) from None
    rows = pl.concat(kept)
    if len(kept) > 1:
        rows = rows.sort("trade_date", "exchange")
    days = rows.get_column("trade_date")
    read = sum(height for *_, height in inputs)
    ends = [days[0], days[-1]] if rows.height else []
    return _Symbol(as_arrow(rows, schema), ends, read, dict(dropped), inputs, survival)


def _filtered(
    rows: pl.DataFrame, listing: Listing, request: DatasetRequest, dropped: Counter[str]
) -> pl.DataFrame:
    """`rows` without what `request` leaves out; adds to `dropped` how many went for what."""
    days = rows.get_column("trade_date").to_numpy().astype("datetime64[D]").astype(np.int64)
    # Masks in place of polars filters: for a frame this small, setting up a query takes longer.
    keep = np.ones(rows.height, dtype=bool)
    for reason, wanted in (
        ("outside_dates", _inside_dates(days, request)),
        ("null_required_feature", _complete(rows, request.required_features)),
        ("not_sampled", row_sample(listing, days, request) if request.samples_rows else keep),
    ):
        left = keep & wanted
        dropped[reason] += int(keep.sum() - left.sum())
        keep = left
    return rows if keep.all() else rows.filter(keep)


def _inside_dates(days: np.ndarray, request: DatasetRequest) -> np.ndarray:
    """Which of `days`, in days since 1970, are asked for."""
    inside = np.ones(len(days), dtype=bool)
    if request.start_date is not None:
        inside &= days >= (request.start_date - EPOCH).days
    if request.end_date is not None:
        inside &= days <= (request.end_date - EPOCH).days
    return inside


def _complete(rows: pl.DataFrame, names: Iterable[str]) -> np.ndarray:
    """Which rows have no null in these columns."""
    complete = np.ones(rows.height, dtype=bool)
    for name in names:
        column = rows.get_column(name)
        if column.null_count():
            complete &= column.is_not_null().to_numpy()
    return complete


def _empty(account: _Account, request: DatasetRequest) -> str:
    reasons = ", ".join(f"{n} {reason}" for reason, n in account.dropped.items())
    return (
        f"the dataset would have no rows: of {account.read} rows read from {account.files} files "
        f"({reasons}) none is left between {request.start_date or 'the first day'} and "
        f"{request.end_date or 'the last'}; ask for other dates, more tickers or a larger sample"
    )


def _told(
    account: _Account, rows: int, request: DatasetRequest, schema: pl.Schema
) -> dict[str, Any]:
    """What the metadata file holds."""
    return {
        "table": ML_DATASET.name,
        "rows": rows,
        "symbols": account.symbols,
        "symbols_without_rows": account.symbols_without_rows,
        "date_range": {"first": str(account.days[0]), "last": str(account.days[1])},
        "rows_read": account.read,
        "rows_dropped": dict(account.dropped),
        "delisting": account.survival.told(),
        "filters": request.options(),
        "rows_are_sampled": request.samples_rows,
        "columns": [{"name": name, "dtype": str(dtype)} for name, dtype in schema.items()],
        "input_files": account.files,
        "inputs_digest": account.digest.hexdigest(),
        "versions": {
            "dataset_schema": SCHEMA_VERSION,
            "dataset_calc": CALC_VERSION,
            "feature_schema": gold_features.SCHEMA_VERSION,
            "feature_calc": gold_features.CALC_VERSION,
            **{name: importlib.metadata.version(name) for name in ("mf_etl", "polars", "pyarrow")},
        },
    }
