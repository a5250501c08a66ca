"""A finished validation of two states, written by hand."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from mf_etl.report.validations import files_read
from mf_etl.schemas.validation_tables import VALIDATION_TABLES

SUMMARY = {
    "labels": "regimes_hmm_market", "column": "hmm_state", "in_sample": False, "verdict": "warn",
    "account": "warn: survivors only",
    "lines": [{"verdict": "warn", "finding": "survivors <only>", "value": True, "threshold": False},
              {"verdict": "warn", "finding": "DSR", "value": 0.5, "threshold": 0.95}],
    "findings": {"placebo_p": 0.01}, "folds": 2, "first_test_day": "2012-01-03",
    "last_test_day": "2013-03-01", "rows": 4_000, "states": 2, "days": 290, "block": 22.0,
    "drift": {"tau": 0.4}, "notes": ["This is research, not advice."],
    "options": {"labels": "regimes_hmm_market", "h": 10},
}  # fmt: skip
DAYS = [date(2012, 1, 3) + timedelta(n) for n in range(400)]


def frame(name: str, rows: list[dict]) -> pl.DataFrame:
    """Rows of a table; what is not named is null, or something of the kind."""
    table, _ = VALIDATION_TABLES[name]
    plain = {"Boolean": True, "String": "x", "Date": DAYS[0]}
    filled = [
        {c.name: None if c.nullable else plain.get(str(c.stored_dtype(pl.Float64)), 1)
         for c in table.columns} | row
        for row in rows
    ]  # fmt: skip
    return pl.DataFrame(filled, schema=table.schema(), strict=False)


def written(root: Path) -> Path:
    """The folder of a finished validation of two states, below `root`."""
    place = root / "validation_runs" / "v_regimes_hmm_market"
    place.mkdir(parents=True)
    cells = [
        {"state": state, "h": h, "measure": measure, "rows": 100, "dates": 50,
         "mean": (state - 0.5) * h / 1e4, "lo": -0.002, "hi": 0.003, "p_stepdown": 0.2}
        for state in (0, 1) for h in (1, 10) for measure in ("xs", "oo")
    ]  # fmt: skip
    tables = {
        "state_outcomes": cells,
        "pairs": [{"state_a": 0, "state_b": 1, "h": 10, "diff": -0.001}],
        "placebo": [{"draw": n, "shift": n, "separation": n / 1e4} for n in (*range(1, 9), 0)],
        "event_paths": [
            {"prev": 0, "next": 1, "r": r, "caar": r / 1e4, "lo": -1e-3, "hi": 1e-3}
            for r in range(-10, 21)
        ],
        "event_summary": [{"prev": 0, "next": 1, "events": 300, "dates": 120, "p_stepdown": 0.3}],
        "by_year": [
            {"year": year, "state": state, "mean_xs": None if year == 2013 else state / 1e3}
            for year in (2012, 2013)
            for state in (0, 1)
        ],
        "dwell": [{"state": state, "runs": 40, "km_median": 7.0} for state in (0, 1)],
        "daily": [
            {"strategy": "long", "trade_date": day, "net": 0.001, "market_net": 0.0005}
            for day in DAYS
        ],
        "performance": [{"strategy": "long", "days": 400, "mean_active": 0.0005}],
        "capacity": [
            {"strategy": "long", "aum": aum, "net_active": 1e-4 * (8.5 - n)}
            for n, aum in enumerate((1e6, 1e7, 1e8, 1e9))
        ],
        "costs": [{"strategy": "long", "case": "spreads × 2", "net_active": -1e-4}],
        "folds": [{"fold": 2012}, {"fold": 2013, "converged": None}],
    }
    files = files_read()
    for name, rows in tables.items():
        frame(name, rows).write_parquet(place / files[name])
    (place / files["validation_summary"]).write_text(json.dumps(SUMMARY))
    return place
