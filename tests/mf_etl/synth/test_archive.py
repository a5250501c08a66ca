"""Archives as files: the same bytes for the same arguments, and no foreign folder touched."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from mf_etl.ingest.fast import read_fast
from mf_etl.settings.sections import Universe as UniverseSettings
from mf_etl.synth import write_archive
from mf_etl.synth.__main__ import main
from mf_etl.synth.listings import ODD_NAMES, listings
from mf_etl.universe import Universe


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_same_arguments_same_bytes_at_any_number_of_processes(tmp_path):
    def written(name: str, processes: int, seed: int = 3) -> dict[str, bytes]:
        write_archive(
            tmp_path / name, tickers=60, years=0.3, seed=seed, processes=processes, truth=True
        )
        return contents(tmp_path / name)

    alone = written("alone", 1)
    assert alone == written("again", 1)
    assert alone == written("together", 2)
    assert alone != written("other", 1, seed=4)


def test_bytes_are_those_of_every_machine(tmp_path):
    """Fails if a release of numpy or polars, or a change of the code, alters the bytes."""
    write_archive(tmp_path, tickers=40, years=5, seed=11)
    digest = hashlib.blake2b(digest_size=8)
    for name, content in contents(tmp_path / "data").items():
        digest.update(name.encode() + b"\0" + content)
    assert digest.hexdigest() == "2ef104eb4fffbcf3"


def test_first_tickers_are_those_of_a_larger_archive(tmp_path):
    write_archive(tmp_path / "small", tickers=25, years=0.3, seed=5)
    write_archive(tmp_path / "large", tickers=50, years=0.3, seed=5)
    small, large = contents(tmp_path / "small/data"), contents(tmp_path / "large/data")
    assert small.items() <= large.items() and len(small) < len(large)


def test_an_archive_without_anomalies_is_well_formed_and_all_of_it_is_built(tmp_path):
    summary = write_archive(tmp_path, tickers=80, years=1, seed=1, anomalies=False)
    files = sorted(tmp_path.rglob("*.txt"))
    rows = [read_fast(path.read_bytes()).rows for path in files]
    assert summary.anomalies == ()
    assert summary.files == len(files) == 80
    assert summary.rows == sum(len(frame) for frame in rows)
    assert summary.size_bytes == sum(path.stat().st_size for path in files)
    assert {entry.name for entry in tmp_path.iterdir()} == {"data", "synthetic_archive.json"}
    universe = Universe(tmp_path, UniverseSettings())
    assert len(universe.tickers) == 80
    assert {"PRN.US", "NA.US", "TRUE.US"} <= {ticker for _, ticker in universe.tickers}


def test_names_are_unique_and_hold_the_odd_ones():
    listed = listings(3000, 0, anomalies=False)
    tickers = [listing.ticker for listing in listed]
    names = {ticker.removesuffix(".US") for ticker in tickers}
    assert len(set(tickers)) == 3000
    assert set(ODD_NAMES) <= names
    for suffix in ("-WS", "-U", "-A", "_B", "_"):
        assert any(name.endswith(suffix) for name in names)
    folders = {listing.source_file.rpartition("/")[0] for listing in listed}
    assert len(folders) == 5
    assert any(listing.source_file.endswith("/_prn.us.txt") for listing in listed)
    share = np.mean([listing.exchange == "NASDAQ" for listing in listed])
    assert 0.55 < share < 0.65


def test_histories_differ_in_length(tmp_path):
    write_archive(tmp_path, tickers=400, years=1, seed=2, anomalies=False)
    lines = np.array([path.read_bytes().count(b"\n") - 1 for path in tmp_path.rglob("*.txt")])
    last = [path.read_bytes().split(b"\r\n")[-2].split(b",")[2] for path in tmp_path.rglob("*.txt")]
    assert lines.min() == 1 and lines.max() > 245
    assert 0.03 < np.mean([day < b"20250601" for day in last]) < 0.2


def test_truth_has_the_regime_of_every_row_of_every_file_without_anomaly(tmp_path):
    summary = write_archive(tmp_path, tickers=40, years=2, seed=9, truth=True)
    truth = pl.read_parquet(tmp_path / "truth" / "regimes.parquet")
    planted = {anomaly.ticker for anomaly in summary.anomalies}
    listed = [entry for entry in listings(40, 9, anomalies=True) if entry.ticker not in planted]
    assert truth.schema == {"ticker": pl.String, "date": pl.Date, "regime": pl.Int8}
    assert truth["ticker"].n_unique() == len(listed) == 38
    for entry in listed:
        rows = read_fast((tmp_path / entry.source_file).read_bytes()).rows
        own = truth.filter(pl.col("ticker") == entry.ticker)
        assert own["date"].to_list() == rows["trade_dt"].dt.date().to_list()
    # Turbulent days must stand out in the files by the truth's own labels, or the two are not aligned.
    closes = pl.concat(
        read_fast((tmp_path / entry.source_file).read_bytes()).rows.select(
            "ticker",
            date=pl.col("trade_dt").dt.date(),
            spread=(pl.col("high") / pl.col("low") - 1),
        )
        for entry in listed
    )
    spread = truth.join(closes, on=["ticker", "date"]).group_by("regime").agg(pl.median("spread"))
    by_regime = dict(spread.iter_rows())
    assert by_regime[3] > 1.7 * max(by_regime[1], by_regime[2]) > 1.7 * by_regime[0]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"tickers": 0}, "tickers is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"processes": 0}, "processes is 0"),
        ({"years": 0}, "years is 0"),
        ({"years": float("nan")}, "years is nan"),
        ({"years": 100}, "at most 63"),
        ({"years": 0.1}, "anomalies need 40"),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path, change, text):
    arguments = {"tickers": 1, "years": 1, "seed": 0} | change
    with pytest.raises(ValueError, match=text):
        write_archive(tmp_path / "new", **arguments)
    assert not (tmp_path / "new").exists()


def test_command_writes_an_archive_and_says_what(tmp_path):
    arguments = ["--tickers", "20", "--years", "0.3", "--seed", "1", "--out", str(tmp_path / "new")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "20 files of 20 tickers" in result.output
    assert "1 anomalies: zero_bytes 1" in result.output
    assert len(list(tmp_path.rglob("*.txt"))) == 20


def test_command_refuses_in_one_line(tmp_path):
    (tmp_path / "notes.md").write_text("mine")
    arguments = ["--tickers", "2", "--years", "1", "--seed", "1", "--out", str(tmp_path)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.output.startswith("Error: ") and result.output.count("\n") == 1
    assert "notes.md" in result.output


def test_an_archive_whose_regimes_pay_has_the_tickers_of_any_other(tmp_path):
    plain = write_archive(tmp_path / "plain", tickers=8, years=0.5, seed=3, anomalies=False)
    paid = write_archive(tmp_path / "paid", tickers=8, years=0.5, seed=3, anomalies=False, pays=2.0)
    nothing = write_archive(
        tmp_path / "none", tickers=8, years=0.5, seed=3, anomalies=False, pays=0
    )
    assert (plain.files, plain.rows) == (paid.files, paid.rows) == (nothing.files, nothing.rows)
    told = [contents(one.out) for one in (plain, paid, nothing)]
    assert told[0].keys() == told[1].keys() == told[2].keys()
    raw = [name for name in told[0] if name.startswith("data/")]
    assert all(len({one[name] for one in told}) == 3 for name in raw)
    again = write_archive(
        tmp_path / "paid", tickers=8, years=0.5, seed=3, anomalies=False, pays=2.0
    )
    assert contents(again.out) == told[1]
