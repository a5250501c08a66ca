"""Weights and times of the pages at the size of a market: 8,600 tickers, 40 years; printed.

    python -m bench.report --browser /usr/bin/chromium

Pages are written as the build writes them, from made-up tables; times are of a headless browser without
a graphics card, from the opening of the page to its chart being drawn, median of five.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from mf_etl.report.assets import asset
from mf_etl.report.contents import ASSETS
from mf_etl.report.market import market_script, market_values, tickers_script
from mf_etl.report.pages import page, write
from mf_etl.report.ticker import ticker_script
from mf_etl.report.views import FLOW, run_views
from mf_etl.schemas.bronze_ohlcv import HARD_FLAGS, WARNING_FLAGS

TICKERS, YEARS, TIMES = 8_600, 40, 5


def trading_days() -> pl.Series:
    """Weekdays of 40 years."""
    days = pl.date_range(date(1985, 1, 1), date(2024, 12, 31), "1d", eager=True)
    return days.filter(days.dt.weekday() <= 5)


def write_market(root: Path) -> None:
    """The page of the market and the list of tickers."""
    days = trading_days()
    random = np.random.default_rng(0)
    profile = pl.DataFrame(
        {"view": ["filtered"] * 4, "period": ["train"] * 4, "hmm_state": range(4), "rows": [9] * 4}
    )
    shown = [FLOW, *(view for _, view in run_views("hmm", "regimes", profile)[:1])]
    views = []
    for view in [*shown, shown[-1]]:
        codes = [-1, *(state.code for state in view.states)]
        tables = [
            pl.DataFrame(
                {
                    "trade_date": days,
                    "state": code,
                    "tickers": random.integers(0, 2_000, len(days)),
                },
                schema={"trade_date": pl.Date, "state": pl.Int8, "tickers": pl.Int32},
            )
            for code in codes
        ]
        views.append((view, pl.concat(tables).sort("trade_date", "state"), ""))
    write(market_script(views), root / "index.js")
    names = [f"T{n:04d}.US" for n in range(TICKERS)]
    flags = {name: [7] * TICKERS for name in (*HARD_FLAGS, *WARNING_FLAGS)}
    master = pl.DataFrame(
        {
            "exchange": ["NASDAQ" if n % 2 else "NYSE" for n in range(TICKERS)],
            "ticker": names,
            "status": "ok",
            "message": None,
            "rows_valid": random.integers(100, 10_000, TICKERS),
            "rows_rejected": 3,
            "warnings": 9,
            "price_spikes": 1,
            "last_trade_date": date(2024, 12, 31),
            **flags,
        },
        schema_overrides={"message": pl.String},
    )
    write(tickers_script(master, []), root / "tickers" / "index.js")
    years = pl.DataFrame(
        [
            {"exchange": exchange, "year": year, "tickers": 4_300, "rows": 1_000_000}
            for exchange in ("NASDAQ", "NYSE", "NYSEMKT")
            for year in range(1962, 2025)
        ]
    )
    summary = {
        "tickers": TICKERS, "files_empty": [], "files_unreadable": [], "rows_valid": 20_300_000,
        "rows_rejected": 92, "coverage_steps": [], "flags": {}, "first_trade_date": "1962-01-02",
        "last_trade_date": "2024-12-31",
    }  # fmt: skip
    events = {"rows": 20_300_000, "rows_by_flag": {}}
    manifest = pl.DataFrame({"status": ["UNCHANGED"] * TICKERS})
    verdict = {"verdict": "ok", "checks": []}
    values = market_values(summary, verdict, events, years, master, manifest)
    write(page("market.html", here="Market", **values), root / "index.html")


def write_ticker(root: Path) -> None:
    """A ticker of 40 years, through the same files as one of a build."""
    from tests.conftest import bronze_of, raw_file, raw_row
    from tests.mf_etl.report.cases import data_of

    days = trading_days().head(10_080)
    random = np.random.default_rng(1)
    close = 50 * np.exp(np.cumsum(random.normal(0, 0.01, len(days))))
    rows = [
        raw_row(f"{day:%Y%m%d}", f"{c:.4f}", f"{1.02 * c:.4f}", f"{0.98 * c:.4f}", f"{c:.4f}", 1000)
        for day, c in zip(days, close, strict=True)
    ]
    text = ticker_script(data_of(bronze_of(raw_file(*rows))))
    write(text, root / "tickers" / "exchange=NYSE" / "prefix=T" / "ticker=T.US.js")
    write(
        page("tickers.html", here="Tickers", depth=1, title="Tickers"), root / "tickers/index.html"
    )


def drawn_after(browser: object, address: str) -> float:
    """Seconds from the opening of a page to its chart being drawn."""
    page_ = browser.new_page(viewport={"width": 1240, "height": 900})  # type: ignore[attr-defined]
    started = time.perf_counter()
    page_.goto(address)
    page_.wait_for_selector("#chart[data-drawn=yes]")
    seconds = time.perf_counter() - started
    page_.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--browser", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = Path(folder)
        for name in ASSETS:
            write(asset(name), root / "assets" / name)
        write_market(root)
        write_ticker(root)
        for path in sorted(root.rglob("*")):
            if path.is_file() and "assets" not in path.parts:
                print(f"{path.relative_to(root).as_posix():60} {path.stat().st_size / 1e3:8.0f} KB")
        browser = playwright.chromium.launch(
            executable_path=arguments.browser, args=["--no-sandbox", "--disable-gpu"]
        )
        for name in ("index.html", "tickers/index.html#NYSE/T.US"):
            times = [drawn_after(browser, f"{root.as_uri()}/{name}") for _ in range(TIMES)]
            print(f"{name:60} drawn after {statistics.median(times):.2f} s")
        browser.close()


if __name__ == "__main__":
    main()
