"""The page of the market: what was built from what, states by day, events, coverage, problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mf_etl.report.packed import packed, packed_days, script
from mf_etl.report.views import FITTED_PERIODS, ShownView
from mf_etl.report.words import count, day, plural
from mf_etl.schemas.bronze_ohlcv import HARD_FLAGS, WARNING_FLAGS
from mf_etl.schemas.gold_events import EVENTS

PROBLEMS_SHOWN = 150
EXAMPLES_SHOWN = 6


def market_script(views: Sequence[tuple[ShownView, pl.DataFrame, str]]) -> str:
    """The data file of the market: a view with its tickers by day and state, and what to note."""
    days = (
        pl.concat([table.select("trade_date") for _, table, _ in views])
        .unique()
        .sort("trade_date")["trade_date"]
    )
    told = []
    for view, table, note in views:
        states = [state for state in view.states if state.code >= 0]
        told.append(
            view.as_data()
            | {
                "states": [[s.code, s.name, s.light, s.dark] for s in states],
                "counts": [packed(_on(days, table, s.code), "<u2") for s in states],
                "note": note,
            }
        )
    return script("market", {"rows": len(days), "days": packed_days(days), "views": told})


def _on(days: pl.Series, table: pl.DataFrame, code: int) -> np.ndarray[Any, Any]:
    """Tickers in a state on each of `days`."""
    own = table.filter(pl.col("state") == code)
    found = np.zeros(len(days), dtype=np.int64)
    found[days.search_sorted(own["trade_date"])] = own["tickers"].to_numpy()
    return found


def tickers_script(master: pl.DataFrame, charted: Sequence[tuple[str, str]]) -> str:
    """The list of tickers that the search of every page reads; `charted` have a chart file."""
    exchanges = [
        {
            "exchange": part["exchange"][0],
            "tickers": " ".join(part["ticker"]),
            "rows": part["rows_valid"].fill_null(0).to_list(),
            "last": [str(value or "") for value in part["last_trade_date"]],
        }
        for part in master.sort("exchange", "ticker").partition_by("exchange")
    ]
    return script("tickers", {"exchanges": exchanges, "charted": [f"{e}/{t}" for e, t in charted]})


def fitted_note(labelled: Path) -> str:
    """Which of a run's days its model was fitted on, in a sentence."""
    last = (
        pl.scan_parquet(labelled, glob=False)
        .filter(pl.col("period").is_in(FITTED_PERIODS))
        .select(pl.col("trade_date").max())
        .collect()
        .item()
    )
    return f"The model was fitted on days up to {last}: in-sample up to there." if last else ""


def market_values(
    summary: Mapping[str, Any],
    verdict: Mapping[str, Any],
    events: Mapping[str, Any],
    years: pl.DataFrame,
    problems: pl.DataFrame,
    manifest: pl.DataFrame,
) -> dict[str, Any]:
    """What the template of the market page takes."""
    statuses = dict(manifest.group_by("status").len().rows())
    bad = [check for check in verdict["checks"] if check["result"] != "ok"]
    left_out = statuses.get("IGNORED", 0) + statuses.get("SHADOWED", 0)
    span = [day(summary["first_trade_date"]), day(summary["last_trade_date"])]
    return {
        "title": "The market",
        "sub": f"{plural(manifest.height, 'raw file')}, {count(left_out)} of them left out; "
        f"{span[0]} to {span[1]}",
        "tickers": summary["tickers"],
        "empty": len(summary["files_empty"]) + len(summary["files_unreadable"]),
        "rows": summary["rows_valid"],
        "rejected": summary["rows_rejected"],
        "verdict": verdict["verdict"],
        "checks": len(verdict["checks"]),
        "bad": [_check(check) for check in bad],
        "steps": summary["coverage_steps"],
        "events": _events(events),
        "ticker_days": events["rows"],
        "years": _years(years),
        "exchanges": sorted(years["exchange"].unique()) if years.height else [],
        "flags": _flags(summary["flags"]),
        "problems": [_problem(row) for row in problems.head(PROBLEMS_SHOWN).to_dicts()],
        "problems_total": problems.height,
    }


def _check(check: Mapping[str, Any]) -> dict[str, Any]:
    examples = check["examples"][:EXAMPLES_SHOWN]
    more = check["affected"] - len(examples)
    return {
        "result": check["result"],
        "name": f"{check['layer']}: {check['check'].replace('_', ' ')}",
        "value": check["value"],
        "threshold": check["threshold"],
        "examples": ", ".join(examples) + (f" and {more:,} more" if more > 0 else ""),
    }


def _events(events: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each event with its number and how often it is in 1,000 days of a ticker."""
    counts, rows = events["rows_by_flag"], max(events["rows"], 1)
    most = max((counts.get(name, 0) for name in EVENTS), default=0) or 1
    return [
        {
            "name": name.removeprefix("ev_").replace("_", " "),
            "meaning": meaning,
            "count": counts.get(name, 0),
            "rate": 1000 * counts.get(name, 0) / rows,
            "bar": counts.get(name, 0) / most,
        }
        for name, meaning in EVENTS.items()
    ]


def _years(years: pl.DataFrame) -> list[dict[str, Any]]:
    """Tickers with a bar by year, the latest first: in all, and on each exchange."""
    table = years.pivot("exchange", index="year", values="tickers") if years.height else years
    rows = years.group_by("year").agg(pl.col("rows").sum(), pl.col("tickers").sum())
    most = max(rows["tickers"].max() or 1, 1) if rows.height else 1
    found = {row["year"]: row for row in rows.to_dicts()}
    return [
        row | found[row["year"]] | {"bar": found[row["year"]]["tickers"] / most}
        for row in table.sort("year", descending=True).to_dicts()
    ]


def _flags(flags: Mapping[str, int]) -> list[dict[str, Any]]:
    known = {**HARD_FLAGS, **WARNING_FLAGS}
    return [
        {
            "name": name.removeprefix("q_").replace("_", " "),
            "meaning": known[name],
            "is_hard": name in HARD_FLAGS,
            "count": flags.get(name, 0),
        }
        for name in known
    ]


def _problem(row: Mapping[str, Any]) -> dict[str, Any]:
    counts = {name: row[name] or 0 for name in (*HARD_FLAGS, *WARNING_FLAGS)}
    counts["price_spikes"] = row["price_spikes"] or 0
    worst = sorted((pair for pair in counts.items() if pair[1]), key=lambda pair: -pair[1])
    reasons = [f"{name.removeprefix('q_').replace('_', ' ')} {n:,}" for name, n in worst[:4]]
    message = [row["message"]] if row["message"] else []
    return {
        "ticker": row["ticker"],
        "exchange": row["exchange"],
        "status": row["status"],
        "rejected": row["rows_rejected"] or 0,
        "warnings": row["warnings"] or 0,
        "why": ", ".join([*message, *reasons]),
    }
