"""`report`, `view` and `chart`: the doors to the pages."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess

import pytest
from PIL import Image

from tests.cli.conftest import EXECUTABLE

pytestmark = pytest.mark.xdist_group("cli_pages")


def test_the_report_is_built_and_named(built):
    assert built("report").out.strip().splitlines()[-1] == "results/report/index.html"


@pytest.mark.commands
def test_a_chart_is_built_opened_and_drawn(built, tmp_path):
    told = built("chart", "fb.us", "--no-browser").out
    assert re.search(r"file:///\S+/tickers/index\.html#NASDAQ/FB\.US", told)
    assert built.path(
        "results", "report", "tickers", "exchange=NASDAQ", "prefix=F", "ticker=FB.US.js"
    ).exists()
    built("chart", "FB.US", "--png", str(tmp_path / "fb.png"))
    with Image.open(tmp_path / "fb.png") as image:
        assert image.width > 1_000 and len(image.getcolors(2**24) or []) > 20
    assert (
        "no valid bar" in built("chart", "ZEMPTY.US", "--png", str(tmp_path / "e.png"), code=2).err
    )
    assert "near matches: FB.US" in built("chart", "FBB.US", "--no-browser", code=2).err


def test_view_serves_until_it_is_interrupted(built):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MF_ETL_")}
    environment |= {"MF_ETL_PATHS__RAW_ROOT": "raw", "PYTHONPATH": str(built.project.folder)}
    server = subprocess.Popen(
        [*EXECUTABLE, "view", "--port", "0", "--no-browser"], cwd=built.project.folder,
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    found = re.match(r"http://127\.0\.0\.1:(\d+)/report/index\.html", server.stdout.readline())
    assert found
    connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=20)
    connection.request("GET", "/report/index.html")
    assert connection.getresponse().status == 200
    connection.close()
    taken = built("view", "--port", found[1], "--no-browser", code=2)
    assert "--port 0" in taken.err
    server.send_signal(signal.SIGINT)
    _, err = server.communicate(timeout=30)
    assert server.returncode == 130 and err.strip() == "Interrupted."


def test_view_without_pages_says_what_to_do(mf_etl):
    assert "mf-etl report" in mf_etl("view", "--no-browser", code=2).err
