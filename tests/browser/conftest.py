"""The pages of a built project in a real browser, from files and through `mf-etl view`.

A suite of its own (`make test-browser`). Without a browser the tests are skipped and say so.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mf_etl.report.run_pages import validation_page
from tests.conftest import ROOT, SAMPLE, once_a_run
from tests.mf_etl.report.validated import written
from tests.workflow.conftest import Project, new_project

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
)
SETTINGS = """
research_clustering:
  runs: {regimes: {clustering: {method: kmeans, n_clusters: 5}}}
  sweeps: {few: {n_clusters: [2, 3]}}
  stability: {few: {clustering: {method: kmeans, n_clusters: 3}, seeds: 3}}
research_hmm:
  runs: {regimes: {hmm: {n_components: 4, n_restarts: 1}}}
report:
  tickers: [AAPL.US, GOOG.US, ZVALUES.US, ZEMPTY.US]
"""


def executable() -> str:
    """The browser of this machine; skips the test where there is none."""
    named = os.environ.get("MF_ETL_TEST_BROWSER")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.skip(
            f"no browser: none of {', '.join(NAMES)} is on the path, and MF_ETL_TEST_BROWSER names none"
        )
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """The browser, headless."""
    path = executable()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=[*FLAGS])
        yield started
        started.close()


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Project:
    """A project of some tickers of the sample, with its models and its report."""
    executable()

    def build(folder: Path) -> None:
        made = new_project(folder)
        shutil.rmtree(folder / "raw")
        for exchange, number, name in (
            ("nasdaq", 1, "aapl"), ("nasdaq", 1, "goog"), ("nasdaq", 2, "msft"), ("nyse", 1, "ibm"),
            ("nasdaq", 3, "zvalues"), ("nasdaq", 3, "zempty"),
        ):  # fmt: skip
            place = f"{exchange} stocks/{number}/{name}.us.txt"
            target = folder / "raw" / place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SAMPLE / "data" / "daily" / "us" / place, target)
        (folder / "config" / "config.yaml").write_text(SETTINGS, encoding="utf-8")
        shutil.rmtree(folder / "mf_etl")
        (folder / "mf_etl").symlink_to(ROOT / "mf_etl")
        made.snakemake("--cores", "2")
        page = folder / "results" / "report" / "validation" / "by_hand.html"
        page.parent.mkdir()
        page.write_text(validation_page(written(folder / "results")), encoding="utf-8")

    return Project(once_a_run(tmp_path_factory, "browser", build))


@pytest.fixture(scope="session")
def pages(project) -> Path:
    """Folder of the report."""
    return project.folder / "results" / "report"


@pytest.fixture(scope="session")
def served(project) -> Iterator[str]:
    """Address of the report as `mf-etl view` serves it."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MF_ETL_")}
    environment |= {"MF_ETL_PATHS__RAW_ROOT": "raw", "PYTHONPATH": str(project.folder)}
    server = subprocess.Popen(
        [sys.executable, "-m", "mf_etl.cli", "view", "--port", "0", "--no-browser"],
        cwd=project.folder, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    line = server.stdout.readline()
    found = re.match(r"(http://127\.0\.0\.1:\d+/report)/index\.html", line)
    assert found, line
    yield found[1]
    server.terminate()
    server.wait(timeout=20)


@pytest.fixture(params=["file", "view"])
def root(request) -> str:
    """Where the report is: its folder, then its server."""
    if request.param == "file":
        folder: Path = request.getfixturevalue("pages")
        return folder.as_uri()
    address: str = request.getfixturevalue("served")
    return address


@dataclass
class Seen:
    """What a page has said and asked for that it should not."""

    problems: list[str] = field(default_factory=list)


@pytest.fixture
def open_page(browser) -> Iterator[Callable[..., object]]:
    """Opens a page; the test fails on an error of the console or a request off the machine."""
    seen, contexts = Seen(), []

    def opened(address: str, **options: object) -> object:
        options = {"viewport": {"width": 1240, "height": 900}} | options
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: seen.problems.append(f"error: {error}"))
        page.on(
            "console",
            lambda said: (
                seen.problems.append(f"{said.type}: {said.text}")
                if said.type in ("error", "warning")
                else None
            ),
        )
        page.on("request", lambda asked: _elsewhere(asked.url, seen))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert seen.problems == []


def _elsewhere(url: str, seen: Seen) -> None:
    if not url.startswith(("file:///", "http://127.0.0.1:", "data:", "blob:")):
        seen.problems.append(f"request off the machine: {url}")
