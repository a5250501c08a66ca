"""The pages on 127.0.0.1: what is served, what is not, and what becomes of a ticker in the making."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from mf_etl.catalog import catalog
from mf_etl.errors import MfEtlError
from mf_etl.io import ParquetOptions, write_json
from mf_etl.report import site as site_module
from mf_etl.report.open import site_of
from mf_etl.report.server import PageServer
from mf_etl.schemas.bronze_ohlcv import BRONZE_OHLCV, BRONZE_REJECTS
from mf_etl.schemas.gold_events import GOLD_EVENTS
from mf_etl.settings.model import Settings
from tests.conftest import bronze_of, raw_file, raw_row
from tests.mf_etl.report.cases import called, events_of

LISTED = {("NYSE", "T.US"), ("NYSE", "UNBUILT.US")}
CHART = "/report/tickers/exchange=NYSE/prefix=T/ticker=T.US.js"


def build_ticker(paths, days: int) -> None:
    """The files of a ticker that a chart is made from."""
    rows = [raw_row(f"2024{month:02d}{day:02d}") for month in (1, 2, 3) for day in range(1, 29)]
    found = bronze_of(raw_file(*rows[:days]))
    data, options = catalog(paths), ParquetOptions()
    where = {"exchange": "NYSE", "ticker": "T.US"}
    BRONZE_OHLCV.write(found.bars, Path(data.bronze_ohlcv.path(**where)), options)
    BRONZE_REJECTS.write(found.rejects, Path(data.bronze_rejects.path(**where)), options)
    write_json(found.quality, Path(data.bronze_quality.path(**where)))
    GOLD_EVENTS.write(events_of(found.bars), Path(data.gold_events.path(**where)), options)


@pytest.fixture
def settings(tmp_path) -> Settings:
    """A build of one ticker and some pages."""
    roots = {f"{name}_root": str(tmp_path / name) for name in ("raw", "data", "results", "logs")}
    made = Settings(paths=roots)
    build_ticker(made.paths, 40)
    pages = tmp_path / "results" / "report"
    (pages / "assets").mkdir(parents=True)
    (pages / "index.html").write_text("<!doctype html><title>The market</title>")
    (pages / "assets" / "style.css").write_text("body {}")
    (tmp_path / "results" / "qa").mkdir()
    (tmp_path / "results" / "qa" / "verdict.json").write_text("{}")
    (tmp_path / "results" / "secret.json").write_text('{"secret": 1}')
    (tmp_path / "secret.html").write_text("secret")
    return made


@contextmanager
def serving(settings, listed=LISTED):
    """A server of these pages; gives its port."""
    with PageServer(site_of(settings, listed), 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def asked(port, path, *, method="GET", **headers):
    """Status, headers and text of an answer; the path is sent as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest(method, path, skip_host=True)
    for name, value in ({"Host": f"127.0.0.1:{port}"} | headers).items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, dict(answer.headers), text


def test_pages_scripts_and_files_of_the_catalogue(settings):
    with serving(settings) as port:
        status, headers, text = asked(port, "/report/index.html?x=1")
        assert status == 200 and "The market" in text and "text/html" in headers["Content-Type"]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert asked(port, "/")[1]["Location"] == "/report/index.html"
        assert asked(port, "/report/assets/style.css")[1]["Content-Type"].startswith("text/css")
        assert asked(port, "/qa/verdict.json")[0] == 200
        status, headers, text = asked(port, "/report/index.html", method="HEAD")
        assert status == 200 and int(headers["Content-Length"]) > 0 and not text
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            assert asked(port, "/report/index.html", method=method)[0] == 501


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.html",
        "/report/../../secret.html",
        "/report/%2e%2e/%2e%2e/secret.html",
        "/report/..%2f..%2fsecret.html",
        "/report/..\\..\\secret.html",
        "//etc/passwd",
        "/report//index.html",
        "/report/./index.html",
        "/report/index.html%00.html",
        "/secret.json",
        "/report/.hidden.html",
        "/data/bronze/x.parquet",
        "http://127.0.0.1/report/index.html",
        "report/index.html",
        "/report/none.html",
        "/report/tickers/exchange=NYSE/prefix=X/ticker=T.US.js",
        "/report/tickers/exchange=NYSE/prefix=O/ticker=OTHER.US.js",
        "/report/tickers/exchange=NYSE/prefix=U/ticker=UNBUILT.US.js",
        "/report/tickers/exchange=NYSE/prefix=T/ticker=..%2f..%2fT.US.js",
        "/report/runs/hmm/none_hmm_market.html",
    ],
)
def test_nothing_else_is_served(settings, path):
    (Path(settings.paths.results_root) / "report" / ".hidden.html").write_text("secret")
    with serving(settings) as port:
        status, _, text = asked(port, path)
        assert status == 404 and "secret" not in text


def test_an_address_that_cannot_be_read(settings):
    with serving(settings) as port:
        assert asked(port, "/report/%ff.html")[0] == 400


def test_a_link_out_is_not_followed(settings, tmp_path):
    pages = Path(settings.paths.results_root) / "report"
    (pages / "out.html").symlink_to(tmp_path / "secret.html")
    (pages / "folder").symlink_to(tmp_path)
    (pages / "in.html").symlink_to(pages / "index.html")
    with serving(settings) as port:
        assert asked(port, "/report/out.html")[0] == 404
        assert asked(port, "/report/folder/secret.html")[0] == 404
        assert asked(port, "/report/in.html")[0] == 200


def test_only_this_machine_by_its_own_name(settings):
    with serving(settings) as port:
        for host in (f"localhost:{port}", f"LOCALHOST:{port}"):
            assert asked(port, "/report/index.html", Host=host)[0] == 200
        for host in (
            "evil.example",
            f"evil.example:{port}",
            "127.0.0.1",
            f"127.0.0.1:{port + 1}",
            "",
        ):
            assert asked(port, "/report/index.html", Host=host)[0] == 421
        assert asked(port, CHART, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403
        link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
        assert asked(port, "/report/index.html", **link)[0] == 200
        with socket.socket() as other:  # another address of this machine: nobody listens there
            assert other.connect_ex(("127.0.0.2", port)) != 0


def test_a_port_that_is_taken_is_told(settings):
    with serving(settings) as port, pytest.raises(MfEtlError, match="--port"):
        PageServer(site_of(settings, LISTED), port)


def test_a_chart_is_made_from_the_layers_and_made_anew_when_they_change(settings):
    with serving(settings) as port:
        status, headers, text = asked(port, CHART)
        assert status == 200 and headers["Content-Type"].startswith("text/javascript")
        assert called(text)[1]["rows"] == 40
        assert asked(port, CHART)[2] == text
        build_ticker(settings.paths, 50)
        assert called(asked(port, CHART)[2])[1]["rows"] == 50


def test_tickers_without_a_list_are_those_that_are_built(settings):
    with serving(settings, listed=None) as port:
        assert asked(port, CHART)[0] == 200
        assert asked(port, CHART.replace("T.US", "NO.US").replace("=T", "=N"))[0] == 404


def test_a_ticker_that_is_being_rebuilt_comes_whole_or_says_so(settings, monkeypatch):
    """Bronze is there anew and the events are not yet: never days of one with states of the other."""
    monkeypatch.setattr(site_module, "PAUSE_SECONDS", 0.02)
    events = Path(catalog(settings.paths).gold_events.path(exchange="NYSE", ticker="T.US"))
    before = events.read_bytes()
    with serving(settings) as port:
        build_ticker(settings.paths, 60)
        after = events.read_bytes()
        events.write_bytes(before)
        told = called(asked(port, CHART)[2])[1]
        assert told["rows"] == 0 and "being rebuilt" in told["quality"]["message"]
        events.unlink()
        assert "being rebuilt" in called(asked(port, CHART)[2])[1]["quality"]["message"]
        timer = threading.Timer(0.15, lambda: events.write_bytes(after))
        timer.start()
        assert called(asked(port, CHART)[2])[1]["rows"] == 60
        timer.join()


def test_two_hundred_requests_at_a_time(settings):
    targets = [CHART, "/report/index.html", "/qa/verdict.json", "/report/none.html"] * 50
    ready = threading.Barrier(len(targets))

    def ask(target: str) -> int:
        ready.wait(timeout=60)
        return asked(port, target)[0]

    with serving(settings) as port, ThreadPoolExecutor(len(targets)) as pool:
        found = list(pool.map(ask, targets))
        assert found == [200, 200, 200, 404] * 50
        assert json.loads(asked(port, "/qa/verdict.json")[2]) == {}
