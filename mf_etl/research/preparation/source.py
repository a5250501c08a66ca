"""A dataset file read one row group at a time; row groups are the shards of every sum."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.columns import OUTCOME_END, REQUIRED
from mf_etl.research.preparation.spec import PreparationSpec
from mf_etl.research.preparation.splits import settled, with_split

KEYS = ("ticker", "exchange", "trade_date")
SEGMENT = "segment_no"
DATASET_ROW = "dataset_row"


class Source:
    """A dataset seen through a specification. Reading is safe from several threads."""

    def __init__(self, path: Path, spec: PreparationSpec, *, is_learnt_from: bool = True) -> None:
        """Raises `ResearchError` if `path` is no dataset or lacks a column that is needed.

        A dataset that nothing is learnt from needs no day before or after the train period.
        """
        self.path = path
        try:
            with pq.ParquetFile(path) as file:
                self._metadata = file.metadata
                self.schema = pl.DataFrame(pl.from_arrow(file.schema_arrow.empty_table())).schema
        except (OSError, pa.ArrowInvalid) as error:
            reason = str(error).splitlines()[0]
            raise ResearchError(f"dataset {path}: {reason}; export the dataset again") from None
        self.rows = self._metadata.num_rows
        self.shards = range(self._metadata.num_row_groups)
        starts = np.cumsum(
            [0, *(self._metadata.row_group(shard).num_rows for shard in self.shards)]
        )
        self._starts = [int(start) for start in starts]
        self.spec = spec
        self.is_learnt_from = is_learnt_from
        self._refuse_missing()
        if self.rows and is_learnt_from:
            self.spec = settled(spec, self.trading_days())

    def columns(self, shard: int, names: Sequence[str]) -> pl.DataFrame:
        """These columns of every row of a shard."""
        with pq.ParquetFile(self.path, metadata=self._metadata) as file:
            # Decoded on the calling thread: how many run at once is the caller's to say.
            table = file.read_row_group(shard, list(names), use_threads=False)
        return pl.DataFrame(pl.from_arrow(table))

    def shard(self, shard: int, names: Sequence[str] | None = None) -> pl.DataFrame:
        """A shard with its split columns and `DATASET_ROW`; of the others the keys and `names`.

        `names` are by default the features, and the number of the segment where there is one.
        """
        if names is None:
            names = [*self.spec.features, *(name for name in [SEGMENT] if name in self.schema)]
        wanted = list(dict.fromkeys((*KEYS, OUTCOME_END, *names)))
        rows = self.columns(shard, wanted).with_row_index(DATASET_ROW, self._starts[shard])
        return with_split(rows, self.spec)

    def complete(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows to be fitted on or predicted in which no feature is null."""
        return rows.filter(
            pl.col("is_fit") | pl.col("is_predict"),
            *(pl.col(name).is_not_null() for name in self.spec.features),
        )

    def trading_days(self) -> list[datetime.date]:
        """The days of the dataset, ascending."""
        days = (self.columns(shard, ["trade_date"]).unique() for shard in self.shards)
        return pl.concat(days).to_series().unique().sort().to_list()

    def _refuse_missing(self) -> None:
        names = list(self.schema)
        if lost := [name for name in REQUIRED if name not in names]:
            raise ResearchError(
                f"dataset {self.path}: no column {', '.join(lost)}; export the dataset again"
            )
        if missing := [name for name in self.spec.features if name not in names]:
            nearest = difflib.get_close_matches(missing[0], names, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            raise ResearchError(f"features not in dataset {self.path}: {', '.join(missing)}{hint}")
        for name in self.spec.features:
            if not (self.schema[name].is_numeric() or self.schema[name] == pl.Boolean):
                raise ResearchError(f"feature {name} is {self.schema[name]}, not a number")


def arrays(rows: pl.DataFrame, names: Sequence[str]) -> list[np.ndarray]:
    """Columns without nulls as float64 arrays that may be written to."""
    return [
        np.array(rows.get_column(name).cast(pl.Float64).to_numpy(), dtype=np.float64)
        for name in names
    ]
