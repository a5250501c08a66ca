"""Results in order, errors where they belong, and row groups that do not depend on the cuts."""

from __future__ import annotations

import threading
import time

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_etl.io import ParquetOptions
from mf_etl.research.datasets import streaming
from mf_etl.research.datasets.streaming import RowGroupWriter, in_order
from mf_etl.schemas.ml_dataset import arrow_schema

SCHEMA = pl.Schema({"name": pl.String, "x": pl.Float32, "n": pl.Int32})


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_order(threads):
    def slow_first(n: int) -> int:
        time.sleep(0.002 * (n % 3 == 0))
        return n

    assert list(in_order(slow_first, range(50), threads)) == list(range(50))


def test_items_under_way_are_bounded():
    taken = []
    lock = threading.Lock()

    def items():
        for n in range(100):
            with lock:
                taken.append(n)
            yield n

    for done, _ in enumerate(in_order(lambda n: n, items(), 3)):
        assert len(taken) <= done + 2 * 3


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_comes_in_its_place(threads):
    def fails(n: int) -> float:
        return 1 / (n - 4)

    results = in_order(fails, range(100), threads)
    assert [next(results) for _ in range(4)] == [fails(n) for n in range(4)]
    with pytest.raises(ZeroDivisionError):
        next(results)


@given(st.lists(st.integers(0, 25), max_size=8))
def test_bytes_do_not_depend_on_the_cuts(tmp_path_factory, heights):
    folder = tmp_path_factory.mktemp("cuts")
    rows = sum(heights)
    whole = pl.DataFrame(
        {
            "name": [f"n{i}" for i in range(rows)],
            "x": [i / 7 for i in range(rows)],
            "n": range(rows),
        },
        schema=SCHEMA,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "ROW_GROUP_ROWS", 10)
        cuts, start = [], 0
        for height in heights:
            cuts.append(whole.slice(start, height))
            start += height
        for name, frames in (("one", [whole]), ("many", cuts)):
            with RowGroupWriter(folder / name, arrow_schema(SCHEMA), ParquetOptions()) as writer:
                for frame in frames:
                    writer.add(frame)
            assert writer.rows == rows
    assert (folder / "one").read_bytes() == (folder / "many").read_bytes()
    assert pl.read_parquet(folder / "many").equals(whole)
    metadata = pq.read_metadata(folder / "many")
    groups = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert groups == [10] * (rows // 10) + [rows % 10] * (rows % 10 > 0)


@pytest.mark.parametrize("codec", ["zstd", "snappy", "lz4", "gzip", "brotli", "uncompressed"])
def test_every_codec_of_the_settings(tmp_path, codec):
    frame = pl.DataFrame({"name": ["a", None], "x": [1.0, None], "n": [1, 2]}, schema=SCHEMA)
    options = ParquetOptions(compression=codec, compression_level=1)
    with RowGroupWriter(tmp_path / "x", arrow_schema(SCHEMA), options) as writer:
        writer.add(frame)
    assert pl.read_parquet(tmp_path / "x").equals(frame)
