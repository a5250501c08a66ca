"""A dataset to the folder that clustering and HMM read: matrix, rows, scaler and summaries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.io import ParquetOptions, replacing, write_json, write_parquet
from mf_etl.research.datasets.streaming import RowGroupWriter, in_order
from mf_etl.research.preparation.files import (
    MATRIX,
    PREPROCESS_SUMMARY,
    ROWS,
    SCALER,
    SPLIT_SUMMARY,
)
from mf_etl.research.preparation.fitting import fitted
from mf_etl.research.preparation.scaling import Scaling, read_scaling
from mf_etl.research.preparation.source import DATASET_ROW, KEYS, SEGMENT, Source, arrays
from mf_etl.research.preparation.spec import PreparationSpec
from mf_etl.research.preparation.splits import SPLIT_COLUMNS
from mf_etl.research.preparation.summaries import preprocess_summary, split_summary
from mf_etl.research.preparation.survey import survey
from mf_etl.schemas.ml_dataset import arrow_schema


class _Piece(NamedTuple):
    """One shard, prepared."""

    matrix: np.ndarray
    rows: pl.DataFrame
    clipped: np.ndarray


def prepare(
    dataset: Path,
    metadata: Path | None,
    spec: PreparationSpec,
    folder: Path,
    *,
    options: ParquetOptions,
    scaler: Path | None = None,
    threads: int = 1,
) -> dict[str, Any]:
    """Write `FILES` into `folder` and give what the preprocess summary holds.

    ``matrix.npy`` is float32, C order, shape (rows, features), finite everywhere; ``rows.parquet``
    has one row for each of its rows: ticker, exchange, trade_date, segment, the split columns (see
    `with_split`) and its row number in the dataset, which has all else. Rows neither fitted on nor
    predicted, rows with a null feature and, with per-ticker scaling, tickers without rows to fit on
    are left out and counted.

    With `scaler`, the ``scaler_params.parquet`` of an earlier run, nothing is learnt from `dataset`:
    with scaling per ticker, tickers that it does not know are left out and counted.

    The dataset is read a row group at a time on up to `threads` threads: memory does not grow with
    its length (a robust global scaler holds one column for each thread), and the bytes do not
    depend on `threads`. Raises `ResearchError` for a dataset or specification that cannot be used.
    """
    about = _metadata(metadata)
    surveyed = survey(Source(dataset, spec, is_learnt_from=scaler is None), threads)
    scaling = read_scaling(scaler, spec.features) if scaler else fitted(surveyed, threads)
    source, spec = surveyed.source, surveyed.source.spec
    used = surveyed.by_ticker
    if scaling.tickers is not None:
        known = pl.DataFrame({"ticker": scaling.tickers})
        used = used.join(known, on="ticker", how="semi", maintain_order="left")
    if not used.get_column("predict").sum():
        raise ResearchError(
            f"no ticker to predict has {spec.scaling_min_rows} rows to fit on, so per-ticker scaling "
            "leaves nothing; use scaling_scope global or other dates, or lower scaling_min_rows"
        )
    shape = (int(used.get_column("rows").sum()), len(spec.features))
    pieces = in_order(partial(_piece, source, scaling), source.shards, threads)
    clipped = _write_rows(pieces, source, shape, folder, options)
    write_parquet(scaling.frame(), folder / SCALER, options)
    write_json(split_summary(spec, used), folder / SPLIT_SUMMARY)
    summary = preprocess_summary(about, surveyed, used, scaling, clipped)
    write_json(summary, folder / PREPROCESS_SUMMARY)
    return summary


def _write_rows(
    pieces: Iterator[_Piece],
    source: Source,
    shape: tuple[int, int],
    folder: Path,
    options: ParquetOptions,
) -> np.ndarray:
    """Write matrix and rows; gives the number of clipped values of each feature."""
    clipped = np.zeros(shape[1], dtype=np.int64)
    names = [*KEYS, *(name for name in [SEGMENT] if name in source.schema), *SPLIT_COLUMNS]
    names.append(DATASET_ROW)
    schema = arrow_schema(source.shard(0).clear().select(names).schema)
    with (
        replacing(folder / MATRIX) as matrix_file,
        replacing(folder / ROWS) as rows_file,
        matrix_file.open("wb") as matrix,
        RowGroupWriter(rows_file, schema, options, ascending=("trade_date", DATASET_ROW)) as rows,
    ):
        _write_header(matrix, shape)
        for piece in pieces:
            matrix.write(piece.matrix.data)
            rows.add(piece.rows.select(names))
            clipped += piece.clipped
    return clipped


def _piece(source: Source, scaling: Scaling, shard: int) -> _Piece:
    """The rows of a shard that are used, and their part of the matrix."""
    spec = source.spec
    rows = source.complete(source.shard(shard))
    if scaling.tickers is None:
        scaler = np.zeros(rows.height, dtype=np.intp)
    else:
        known = pl.DataFrame({"ticker": scaling.tickers}).with_row_index("_scaler")
        rows = rows.join(known, on="ticker", how="inner", maintain_order="left")
        scaler = rows.get_column("_scaler").to_numpy().astype(np.intp)
    matrix, clipped = scaling.scaled(arrays(rows, spec.features), scaler, spec.clip_zscore)
    finite = np.isfinite(matrix).all(axis=0)
    if not finite.all():
        raise ResearchError(
            f"feature {spec.features[int(np.argmin(finite))]} is too large once scaled; "
            "set clip_zscore"
        )
    return _Piece(matrix, rows, clipped)


def _write_header(file: BinaryIO, shape: tuple[int, int]) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _metadata(path: Path | None) -> dict[str, Any]:
    """What is told of the dataset; nothing is known of a file that stands alone."""
    if path is None:
        return {}
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResearchError(f"dataset metadata {path}: {error}; export the dataset again") from None
    return found
