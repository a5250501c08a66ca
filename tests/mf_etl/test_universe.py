"""Discovery: which raw file is which ticker."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mf_etl.catalog import catalog
from mf_etl.errors import UniverseError
from mf_etl.settings.sections import Paths
from mf_etl.settings.sections import Universe as UniverseSettings
from mf_etl.tickers import ticker_of
from mf_etl.universe import Universe
from tests.conftest import raw_file, raw_row


def universe(root, *paths, **settings) -> Universe:
    for path in paths:
        path, _, text = path.partition("=")
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return Universe(root, UniverseSettings(**settings))


@pytest.mark.parametrize(
    ("name", "ticker"),
    [
        ("aapl.us.txt", "AAPL.US"),
        ("brk-b.us.TXT", "BRK-B.US"),
        ("abr_d.us.txt", "ABR_D.US"),
        ("xyz_.us.txt", "XYZ_.US"),
        ("na.us.txt", "NA.US"),
        ("true.us.txt", "TRUE.US"),
        ("_prn.us.txt", "PRN.US"),
        ("_con.us.txt", "CON.US"),
        ("prn.us.txt", "PRN.US"),
        ("_abc.us.txt", None),
        ("..txt", None),
        ("a b.us.txt", None),
        ("x" * 300 + ".txt", None),
        ("aapl.us.csv", None),
        ("ａapl.us.txt", None),
        ("ß.us.txt", None),
        (".hidden.txt", None),
    ],
)
def test_ticker_of_a_file_name(name, ticker):
    assert ticker_of(name) == ticker


def test_exchange_is_the_nearest_known_folder_in_any_case(tmp_path):
    found = universe(
        tmp_path,
        "us/NASDAQ Stocks/1/a.us.txt",
        "us/nyse stocks/b.us.txt",
        "us/nyse stocks/nasdaq stocks/c.us.txt",
        "us/otc stocks/d.us.txt",
    )
    assert found.tickers == [("NASDAQ", "A.US"), ("NASDAQ", "C.US"), ("NYSE", "B.US")]
    ignored = [file for file in found.files if file.role == "ignored"]
    assert [(f.exchange, f.ticker, f.reason) for f in ignored] == [
        ("UNKNOWN", "D.US", "under no known folder")
    ]
    assert found.file("NASDAQ", "A.US").source_file == "us/NASDAQ Stocks/1/a.us.txt"


def test_a_whole_archive_is_known_and_its_folders_tell_the_instrument(tmp_path):
    found = universe(
        tmp_path,
        "NASDAQ ETFs/a.us.txt",
        "nasdaq stocks/b.us.txt",
        "nyse etfs/1/c.us.txt",
        "nyse stocks/d.us.txt",
        "nysemkt etfs/e.us.txt",
        "nysemkt stocks/f.us.txt",
        "otc stocks/g.us.txt",
    )
    assert {(f.exchange, f.ticker[0], f.instrument) for f in found.files} == {
        ("NASDAQ", "A", "etf"), ("NASDAQ", "B", "stock"), ("NYSE", "C", "etf"),
        ("NYSE", "D", "stock"), ("NYSEMKT", "E", "etf"), ("NYSEMKT", "F", "stock"),
        ("UNKNOWN", "G", ""),
    }  # fmt: skip
    named = universe(
        tmp_path, folders={"otc stocks": "OTC", "nyse stocks": "NYSE", "NYSE ETFs": "X"}
    )
    kinds = {(f.exchange, f.ticker[0], f.instrument) for f in named.files if f.role == "build"}
    assert kinds == {("OTC", "G", "stock"), ("NYSE", "D", "stock"), ("X", "C", "etf")}


def test_unknown_is_built_when_asked_for(tmp_path):
    found = universe(tmp_path, "else/d.us.txt", "nyse stocks/a.us.txt", exchanges=("UNKNOWN",))
    assert found.tickers == [("UNKNOWN", "D.US")]


def test_the_larger_of_two_files_is_built_ties_by_path(tmp_path):
    found = universe(
        tmp_path,
        "nyse stocks/1/a.us.txt=x",
        "nyse stocks/2/a.us.txt=xx",
        "nyse stocks/2/b.us.txt=xx",
        "nyse stocks/1/b.us.txt=xx",
        "nasdaq stocks/1/a.us.txt=",
    )
    assert {pair: file.source_file for pair, file in found.listed.items()} == {
        ("NASDAQ", "A.US"): "nasdaq stocks/1/a.us.txt",
        ("NYSE", "A.US"): "nyse stocks/2/a.us.txt",
        ("NYSE", "B.US"): "nyse stocks/1/b.us.txt",
    }
    assert [f.source_file for f in found.files if f.role == "shadowed"] == [
        "nyse stocks/1/a.us.txt",
        "nyse stocks/2/b.us.txt",
    ]


def test_selection(tmp_path):
    paths = [f"nyse stocks/{name}.us.txt" for name in "abcd"]
    assert len(universe(tmp_path, *paths, limit=3).tickers) == 3
    chosen = universe(tmp_path, tickers=("C.US", "A.US"))
    assert chosen.tickers == [("NYSE", "A.US"), ("NYSE", "C.US")]
    assert chosen.file("NYSE", "D.US"), "can still be asked for by its file name"


def test_what_is_not_there_is_named_with_what_comes_near(tmp_path):
    found = universe(tmp_path, "nasdaq stocks/aapl.us.txt", "nyse stocks/ibm.us.txt")
    with pytest.raises(UniverseError, match=r"AAPLE\.US is in no raw file.*near.*AAPL\.US"):
        found.raw_path("NASDAQ", "AAPLE.US")
    with pytest.raises(UniverseError, match=r"AAPL\.US is not listed on NYSE but on NASDAQ"):
        found.raw_path("NYSE", "AAPL.US")
    with pytest.raises(UniverseError, match=r"prefix of AAPL\.US is A, not B"):
        found.raw_path("NASDAQ", "AAPL.US", "B")
    with pytest.raises(UniverseError, match=r"universe\.tickers: IBN\.US"):
        _ = universe(tmp_path, tickers=("IBN.US",)).tickers
    with pytest.raises(UniverseError, match=r"raw root .* is not a folder; set paths\.raw_root"):
        _ = universe(tmp_path / "nowhere").tickers


def reasons(found: Universe) -> dict[str, str]:
    return {file.source_file: file.reason for file in found.files}


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_to_folders_and_broken_links_are_left_out_and_named(tmp_path):
    found = universe(tmp_path, "nyse stocks/a.us.txt")
    (tmp_path / "nyse stocks" / "loop").symlink_to(tmp_path)
    (tmp_path / "nyse stocks" / "b.us.txt").symlink_to(tmp_path / "gone")
    (tmp_path / "nyse stocks" / "c.us.txt").symlink_to(tmp_path / "nyse stocks" / "c.us.txt")
    (tmp_path / "nyse stocks" / "d.us.txt").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "nyse stocks" / "e.us.txt")
    assert found.tickers == [("NYSE", "A.US")]
    assert reasons(found) == {
        "nyse stocks/a.us.txt": "",
        "nyse stocks/b.us.txt": "a broken link",
        "nyse stocks/c.us.txt": "a broken link",
        "nyse stocks/d.us.txt/": "a link to a folder",
        "nyse stocks/e.us.txt": "neither a file nor a folder",
        "nyse stocks/loop/": "a link to a folder",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes there")
def test_names_that_are_not_utf8_are_left_out_and_named(tmp_path):
    found = universe(tmp_path, "nyse stocks/a.us.txt")
    odd = os.fsdecode(b"caf\xe9")
    for name in (f"{odd}.us.txt", f"{odd}/b.us.txt", f"{odd}.csv"):
        path = tmp_path / "nyse stocks" / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert found.tickers == [("NYSE", "A.US")]
    assert reasons(found) == {
        "nyse stocks/a.us.txt": "",
        r"nyse stocks/caf\xe9.us.txt": "a name that is not UTF-8",
        r"nyse stocks/caf\xe9/": "a name that is not UTF-8",
    }


def test_paths_longer_than_the_system_takes_are_left_out_and_named(tmp_path):
    """They come into being from within."""
    found = universe(tmp_path, "nyse stocks/a.us.txt")
    long_name = "x" * 200
    here = os.open(tmp_path / "nyse stocks", os.O_RDONLY)
    try:
        for _ in range(25):
            os.mkdir(long_name, dir_fd=here)
            below = os.open(long_name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
            os.close(os.open("b.us.txt", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        (left_out,) = [file for file in found.files if file.source_file.endswith("/")]
        assert left_out.reason == "a folder that cannot be listed: File name too long"
        assert set(reasons(found).values()) >= {"", left_out.reason}
        for file in found.files:
            if file.role in ("build", "shadowed"):
                os.stat(tmp_path / file.source_file)
    finally:
        os.close(here)
        subprocess.run(["rm", "-rf", tmp_path / "nyse stocks"], check=True)


def test_a_folder_that_cannot_be_listed_is_left_out_and_named(tmp_path, monkeypatch):
    found = universe(tmp_path, "nyse stocks/a.us.txt", "nyse stocks/locked/b.us.txt")
    listed = os.scandir

    def scandir(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr("os.scandir", scandir)
    assert reasons(found) == {
        "nyse stocks/a.us.txt": "",
        "nyse stocks/locked/": "a folder that cannot be listed: Permission denied",
    }


@pytest.mark.parametrize("below", ["", "1", "1/2"])
def test_the_raw_root_may_be_a_folder_of_an_exchange(tmp_path, below):
    universe(tmp_path, "NYSE stocks/1/2/a.us.txt", "NYSE stocks/1/2/nasdaq etfs/b.us.txt")
    found = Universe(tmp_path / "NYSE stocks" / below, UniverseSettings())
    assert found.tickers == [("NASDAQ", "B.US"), ("NYSE", "A.US")]
    assert found.file("NYSE", "A.US").instrument == "stock"


def test_one_line_says_what_is_left_out(tmp_path):
    found = universe(
        tmp_path,
        *(f"otc stocks/{n}/{ticker}.us.txt" for n in (1, 2) for ticker in "abc"),
        "world/d.us.txt",
        "nyse stocks/readme.txt",
        "nyse stocks/read me.txt",
        "nasdaq stocks/e.us.txt",
        exchanges=("NYSE",),
    )
    assert found.left_out() == (
        f"Left out below {tmp_path}: 7 under no known folder (otc stocks 6, world 1; see "
        "universe.folders), 1 the file name is no ticker (nyse stocks/read me.txt)"
    )
    assert universe(tmp_path / "other", "nyse stocks/a.us.txt").left_out() == ""


def test_a_file_is_only_asked_whether_it_is_one_of_many_tickers(tmp_path, monkeypatch):
    universe(tmp_path, "nasdaq stocks/a.us.txt", "nyse stocks/a.us.txt", "else/b.us.txt")
    asked: list[str] = []

    def is_of_many(path: str) -> bool:
        asked.append(os.path.relpath(path, tmp_path))
        return False

    found = Universe(tmp_path, UniverseSettings(), is_of_many)

    def forbidden(*args, **kwargs):
        raise AssertionError("discovery touched a file")

    monkeypatch.setattr("builtins.open", forbidden)
    monkeypatch.setattr("os.path.getsize", forbidden)
    assert len(found.tickers) == 2
    assert sorted(asked) == ["nasdaq stocks/a.us.txt", "nyse stocks/a.us.txt"]


def test_a_file_of_many_tickers_is_no_ticker(tmp_path):
    of_many = raw_file(*(raw_row("20240102", ticker=f"{name}.US") for name in "ABC"))
    found = universe(tmp_path, "nyse stocks/1/b.us.txt=x", "nasdaq stocks/a.us.txt")
    (tmp_path / "nyse stocks" / "20240102_d.txt").write_bytes(of_many)
    (tmp_path / "nyse stocks" / "b.us.txt").write_bytes(
        raw_file(*[*["x"], *of_many.decode().split()])
    )
    assert found.tickers == [("NASDAQ", "A.US"), ("NYSE", "B.US")]
    assert found.file("NYSE", "B.US").source_file == "nyse stocks/1/b.us.txt", "the larger is none"
    ignored = {f.source_file: f.reason for f in found.files if f.role == "ignored"}
    assert ignored == {
        "nyse stocks/20240102_d.txt": "many_tickers", "nyse stocks/b.us.txt": "many_tickers",
    }  # fmt: skip
    assert "2 files of many tickers" in found.left_out() and "20240102_d.txt" in found.left_out()
    with pytest.raises(UniverseError, match=r"20240102_D is no ticker: .* of many tickers"):
        found.file("NYSE", "20240102_D")


HOSTILE_NAMES = [
    "..us.txt", ".txt", "a b.us.txt", "a;rm -rf.us.txt", "a\nb.us.txt", "a\x01.us.txt",
    "\uff41\uff41pl.us.txt", "\u0430apl.us.txt", "%2e%2e%2f.us.txt", "a" * 240 + ".us.txt",
    "-.us.txt", "~root.us.txt", "$(id).us.txt", "a\\..\\b.us.txt",
]  # fmt: skip


def test_no_name_leads_out_of_the_data_folder(tmp_path):
    folder = tmp_path / "nyse stocks"
    folder.mkdir()
    for name in HOSTILE_NAMES:
        (folder / name).write_text("x")
    os.mkfifo(folder / "pipe.us.txt")
    (folder / "folder.us.txt").mkdir()
    (folder / "device.us.txt").symlink_to("/dev/zero")
    (folder / "loop.us.txt").symlink_to(folder / "loop.us.txt")
    (folder / "a..b.us.txt").write_text("x")
    found = {
        file.source_file.split("/")[1]: file
        for file in Universe(tmp_path, UniverseSettings()).files
    }
    assert {name for name, file in found.items() if file.role == "build"} == {"a..b.us.txt"}
    assert all(file.reason for file in found.values() if file.role != "build")
    data = catalog(Paths(data_root=(tmp_path / "data").as_posix()))
    path = data.gold_features.path(exchange="NYSE", ticker=found["a..b.us.txt"].ticker)
    assert os.path.realpath(path).startswith(f"{os.path.realpath(tmp_path)}/data/gold/")


def test_twins_by_case_are_one_ticker(tmp_path):
    folder = tmp_path / "nyse stocks"
    folder.mkdir()
    (folder / "ibm.us.txt").write_text("x")
    (folder / "IBM.us.txt").write_text("longer")
    files = Universe(tmp_path, UniverseSettings()).files
    assert [(file.source_file, file.role) for file in files] == [
        ("nyse stocks/IBM.us.txt", "build"),
        ("nyse stocks/ibm.us.txt", "shadowed"),
    ]
