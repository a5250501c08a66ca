"""The page of a validation: its verdict line by line, estimates, events, placebo, portfolio, costs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from markupsafe import Markup

from mf_etl.report import marks
from mf_etl.report.runs import flat
from mf_etl.report.words import basis_points, number
from mf_etl.research.validation.catalog import VALIDATION

PATHS_SHOWN = 6
"""Changes of state whose paths are drawn: those with most to tell."""

DAYS_DRAWN = 300
"""Points of a line of days at most."""

READ = ("state_outcomes", "pairs", "placebo", "event_paths", "event_summary", "by_year", "dwell",
        "daily", "performance", "capacity", "costs", "folds")  # fmt: skip
"""Tables of a validation that its page reads, by the name that the catalogue has for them."""

SUMMARY = "validation_summary"


def files_read() -> dict[str, str]:
    """Name of each file that the page reads."""
    named = {name: file for own in VALIDATION.values() for name, file in own.items()}
    return {name: named[name] for name in (*READ, SUMMARY)}


def validation_values(folder: Path) -> dict[str, Any]:
    """What the template takes, from the files of a finished validation."""
    files = {name: folder / file for name, file in files_read().items()}
    summary: dict[str, Any] = json.loads(files[SUMMARY].read_text(encoding="utf-8"))
    table = {name: pl.read_parquet(files[name], glob=False) for name in READ}
    h = int(summary["options"].get("h", 10))
    outcomes = table["state_outcomes"]
    horizons = sorted(outcomes.filter(measure="xs")["h"].unique().to_list())
    return {
        "title": folder.name,
        "run": folder.name,
        "summary": summary,
        "lines": summary["lines"],
        "notes": summary["notes"],
        "h": h,
        "estimates": [
            _estimates(outcomes.filter(measure="xs", h=each), each)
            for each in sorted(horizons, key=lambda each: (each != h, each))
        ],
        "measures": _measures(outcomes.filter(h=h)),
        "years": _years(table["by_year"]),
        "events": _events(table["event_summary"]),
        "paths": _paths(table["event_summary"], table["event_paths"]),
        "placebo": _placebo(table["placebo"]),
        "performance": table["performance"].to_dicts(),
        "equity": _equity(table["daily"]),
        "costs": table["costs"].to_dicts(),
        "capacity": table["capacity"].to_dicts(),
        "capacity_curve": _capacity(table["capacity"]),
        "break_even": [
            (name, break_even(table["capacity"].to_dicts(), name))
            for name in table["capacity"]["strategy"].unique(maintain_order=True)
        ],
        "dwell": table["dwell"].to_dicts(),
        "folds": table["folds"].to_dicts(),
        "pairs": table["pairs"].filter(h=h).to_dicts(),
        "asked": flat(summary["options"]),
        "figures": [
            (name, f"../../{folder.parent.name}/{folder.name}/{file}")
            for name, file in VALIDATION["validation_figures"].items()
            if (folder / file).exists()
        ],
    }


def _estimates(rows: pl.DataFrame, h: int) -> dict[str, Any]:
    found = rows.sort("state").to_dicts()
    reach = marks.reach_of([row[name] for row in found for name in ("mean", "lo", "hi")])
    return {
        "h": h,
        "rows": [
            row | {"interval": marks.interval(row["lo"], row["mean"], row["hi"], reach)}
            for row in found
        ],
    }


def _measures(rows: pl.DataFrame) -> dict[str, Any]:
    """Mean of each state by each measure."""
    names = rows["measure"].unique(maintain_order=True).to_list()
    found = {
        (row["state"], row["measure"]): row["mean"]
        for row in rows.select("state", "measure", "mean").to_dicts()
    }
    states = sorted({state for state, _ in found})
    return {
        "head": [name.replace("_", " ") for name in names],
        "rows": [(state, [found.get((state, name)) for name in names]) for state in states],
    }


def _years(by_year: pl.DataFrame) -> dict[str, Any]:
    """Mean of each state in each year, shaded by size and sign."""
    years = sorted(by_year["year"].unique().to_list())
    rows = {(row["state"], row["year"]): row for row in by_year.to_dicts()}
    means = [abs(row["mean_xs"]) for row in rows.values() if row["mean_xs"] is not None]
    most = max(means, default=0.0)
    states = sorted({state for state, _ in rows})
    return {
        "head": years,
        "rows": [
            (
                state,
                [
                    marks.shade(_of(rows, state, year), most, basis_points(_of(rows, state, year)))
                    for year in years
                ],
            )
            for state in states
        ],
    }


def _of(rows: Mapping[tuple[int, int], Mapping[str, Any]], state: int, year: int) -> float | None:
    value = rows.get((state, year), {}).get("mean_xs")
    return None if value is None else float(value)


def _events(events: pl.DataFrame) -> list[dict[str, Any]]:
    return events.sort("events", descending=True).to_dicts()


def _paths(events: pl.DataFrame, paths: pl.DataFrame) -> list[dict[str, Any]]:
    """Paths of the changes that were tested first, then of the most frequent."""
    chosen = events.with_columns(tested=pl.col("p_stepdown").is_not_null()).sort(
        "tested", "events", descending=True
    )
    found = []
    for row in chosen.head(PATHS_SHOWN).to_dicts():
        own = paths.filter(prev=row["prev"], next=row["next"]).sort("r")
        days = own["r"].cast(pl.Float64).to_list()
        lines: list[tuple[str, Sequence[float | None], Sequence[float | None]]] = [
            (kind, days, [None if v is None else 1e4 * v for v in own[name].to_list()])
            for kind, name in (("second", "lo"), ("second", "hi"), ("first", "caar"))
        ]
        counts = f"{row['events']:,} changes on {row['dates']:,} days"
        title = f"State {row['prev']} to {row['next']}: {counts}"
        drawn = marks.curve(lines, title=title, x_label="days from the change", y_label="")
        found.append({"title": title, "curve": drawn})
    return found


def _placebo(placebo: pl.DataFrame) -> dict[str, Any]:
    data = placebo.filter(draw=0)["separation"].to_list()
    draws = placebo.filter(pl.col("draw") > 0)["separation"].drop_nulls().to_list()
    own = data[0] if data else None
    picture = marks.histogram(
        [1e4 * value for value in draws],
        None if own is None else 1e4 * own,
        title="Separation by chance, and that of the data",
        x_label="highest less lowest mean, basis points",
    )
    return {"draws": len(draws), "own": own, "picture": picture,
            "beyond": sum(value >= own for value in draws) if own is not None else 0}  # fmt: skip


def _equity(daily: pl.DataFrame) -> list[dict[str, Any]]:
    """Growth of one unit by strategy, and that of the market by the same rule, after costs."""
    found = []
    for part in daily.filter(pl.col("net").is_not_null()).partition_by("strategy"):
        grown = part.select(
            year=pl.col("trade_date").dt.year() + pl.col("trade_date").dt.ordinal_day() / 366,
            own=(1 + pl.col("net")).cum_prod(),
            market=(1 + pl.col("market_net").fill_null(0)).cum_prod(),
        ).gather_every(max(1, part.height // DAYS_DRAWN))
        days = grown["year"].to_list()
        title = f"{part['strategy'][0]}: growth of 1, and of the market"
        curve = marks.curve(
            [("second", days, grown["market"].to_list()), ("third", days, grown["own"].to_list())],
            title=title, x_label="year", y_label="", x_form=".0f", whole=True,
        )  # fmt: skip
        found.append({"title": title, "curve": curve})
    return found


def _capacity(capacity: pl.DataFrame) -> list[tuple[str, Markup]]:
    found = []
    for part in capacity.sort("aum").partition_by("strategy", maintain_order=True):
        title = f"{part['strategy'][0]}: over the market a day, by size"
        earned = [None if v is None else 1e4 * v for v in part["net_active"].to_list()]
        line = ("first", part["aum"].log10().to_list(), earned)
        curve = marks.curve(
            [line], title=title, x_label="size, power of ten", y_label="", whole=True
        )
        found.append((title, curve))
    return found


def break_even(rows: Sequence[Mapping[str, Any]], strategy: str) -> str:
    """The size at which nothing is left, in words."""
    sizes = [row["break_even_aum"] for row in rows if row["strategy"] == strategy]
    return "none of these sizes" if not sizes or sizes[0] is None else number(sizes[0], 3)
