"""Damaged files are told, whole ones are not."""

from __future__ import annotations

import polars as pl
import pytest

from mf_etl.catalog import catalog
from mf_etl.damage import damage, damage_within, damaged_files
from mf_etl.settings.sections import Paths


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "it's [1].parquet"
    pl.DataFrame({"a": range(1000), "b": [f"text {i}" for i in range(1000)]}).write_parquet(path)
    return path


def test_a_whole_file(table):
    assert damage(str(table)) == damage_within(str(table)) == ""


@pytest.mark.parametrize("length", [1, 4, 8, 12, 100, -1])
def test_a_file_cut_anywhere(table, length):
    table.write_bytes(table.read_bytes()[:length])
    assert damage(str(table)) == (
        "is cut short (no Parquet footer)" if length != 1 else "is no Parquet file"
    )


def test_empty_no_parquet_and_gone(table):
    table.write_bytes(b"")
    assert damage(str(table)) == "has 0 bytes"
    table.write_bytes(b"some text that is longer than a footer")
    assert damage(str(table)) == "is no Parquet file"
    table.write_bytes(bytes(1000))
    assert damage(str(table)) == "is no Parquet file"
    table.write_bytes(b"PAR1" + b"\xff" * 8 + b"PAR1")
    assert damage(str(table)) == "is cut short (no Parquet footer)"
    table.unlink()
    assert damage(str(table)) == "is missing"
    table.mkdir()
    assert damage(str(table)) == "cannot be read (Is a directory)"


def test_bytes_that_are_wrong_within(table):
    content = bytearray(table.read_bytes())
    content[4:400] = bytes(396)
    table.write_bytes(content)
    assert damage(str(table)) == ""
    assert damage_within(str(table)).startswith("is damaged (")


@pytest.mark.parametrize(
    ("text", "told"),
    [("{}", ""), ("[1]\n", ""), ("", "has 0 bytes"), ('{"a": ', "is cut short or no JSON")],
)
def test_json(tmp_path, text, told):
    path = tmp_path / "a.json"
    path.write_text(text)
    assert damage(str(path)) == told


def test_files_of_tickers(tmp_path):
    data = catalog(Paths(data_root=str(tmp_path)))
    pairs = [("NYSE", "A.US"), ("NYSE", "B.US")]
    for dataset in data.per_ticker():
        for exchange, ticker in pairs:
            path = tmp_path / dataset.path(exchange=exchange, ticker=ticker)
            path.parent.mkdir(parents=True)
            if path.suffix == ".json":
                path.write_text("{}")
            else:
                pl.DataFrame({"a": [1]}).write_parquet(path)
    assert list(damaged_files(data, pairs)) == []
    gone = tmp_path / data.silver_base.path(exchange="NYSE", ticker="B.US")
    gone.unlink()
    (tmp_path / data.bronze_quality.path(exchange="NYSE", ticker="A.US")).write_text("")
    (report, other), (dataset, found) = damaged_files(data, pairs)
    assert report == data.bronze_quality and other.reason == "has 0 bytes"
    assert dataset.name == "silver_base" and found.is_missing and not other.is_missing
    assert str(found) == (f"{gone} is missing; make it anew: snakemake --cores 1 --force {gone}")
