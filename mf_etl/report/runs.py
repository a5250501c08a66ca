"""The page of a run: what was asked, how the fit went, states with intervals, transitions, lengths."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from markupsafe import Markup

from mf_etl.report import marks
from mf_etl.report.views import LABELS, State, run_views
from mf_etl.report.words import number, percent, plainly, short
from mf_etl.research.models.views import VIEWS, View
from mf_etl.research.runs.catalog import RUN, SPEC

Row = dict[str, Any]
NOT_TOLD = ("dataset", "notes", "versions", "account", "features", "periods", "forward_separation",
            "log_likelihood_per_row", "label_sequences", "fit_sample")  # fmt: skip
"""Parts of a run summary that have a place of their own."""


def run_values(folder: Path, research: str) -> dict[str, Any]:
    """What the template of a single run takes, from the files in its folder."""
    files = {name: folder / file for name, file in RUN[research].items()}
    summary = _json(files["run_summary"])
    robustness = _json(files["robustness_summary"])
    profile = pl.read_parquet(files["profile"], glob=False)
    tables = {
        name: pl.read_csv(files[name], infer_schema_length=None, glob=False)
        for name in ("transition_counts", "dwell_stats", "dwell_lengths", "intervals")
    }
    if research == "hmm":
        tables["stay"] = pl.read_csv(
            files["transition_matrix"], infer_schema_length=None, glob=False
        )
    asked = yaml.safe_load((folder / SPEC).read_text(encoding="utf-8"))
    shown = dict(run_views(research, folder.name, profile))
    states = next(iter(shown.values())).states if shown else ()
    sides = [
        _side(view, period, LABELS[research], states, profile, robustness, tables)
        for view in VIEWS[research]
        for period in profile["period"].unique(maintain_order=True)
    ]
    return {
        "title": folder.name,
        "run": folder.name,
        "kind": {"clustering": "clustering", "hmm": "hidden Markov model"}[research],
        "summary": summary,
        "notes": suspicious(summary),
        "tiles": _tiles(summary),
        "dataset": asked["dataset"],
        "asked": flat(asked),
        "told": flat({name: value for name, value in summary.items() if name not in NOT_TOLD}),
        "periods": summary["periods"],
        "sides": sorted(sides, key=lambda side: (side["hindsight"], side["in_sample"])),
        "figures": [
            (name, f"../../../{folder.parent.name}/{folder.name}/{files[name].name}")
            for name in files
            if name.startswith("figure_")
        ],
    }


def suspicious(summary: Mapping[str, Any]) -> list[str]:
    """What is missing or suspicious in a run, the worst first; views' own warnings are told there."""
    warnings = {view.warning for views in VIEWS.values() for view in views if view.warning}
    found = []
    if summary.get("converged") is False:
        found.append("The fit has not converged: nothing here should be believed.")
    if degenerate := summary.get("degenerate_states"):
        found.append(f"Degenerate states: {', '.join(map(str, degenerate))}.")
    return [*found, *(note for note in summary.get("notes", []) if note not in warnings)]


def flat(values: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Nested plain values as rows of name and text."""
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping):
            found += flat(value, f"{key}.")
        elif isinstance(value, list):
            found.append((key, ", ".join(map(plainly, value)) or "none"))
        else:
            found.append((key, plainly(value)))
    return found


def _tiles(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    converged = summary.get("converged")
    found = [
        (short(summary["rows"]), "rows labelled"),
        (f"{summary['tickers']:,}", "tickers"),
        (str(summary["states"]), "states"),
    ]
    if converged is not None:
        iterations = summary.get("iterations")
        what = "converged" if iterations is None else f"converged, {iterations:,} iterations"
        found.append(("yes" if converged else "no", what))
    likelihood = summary.get("log_likelihood_per_row")
    if isinstance(likelihood, Mapping):
        found += [
            (number(value), f"log-likelihood a row, {period}")
            for period, value in likelihood.items()
            if value is not None
        ]
    if summary.get("silhouette") is not None:
        found.append((number(summary["silhouette"], 3), "silhouette, −1 to 1"))
    return found


def _side(
    view: View,
    period: str,
    label: str,
    states: Sequence[State],
    profile: pl.DataFrame,
    robustness: Mapping[str, Any],
    tables: Mapping[str, pl.DataFrame],
) -> dict[str, Any]:
    """Tables of one view and period."""

    def part(table: pl.DataFrame) -> pl.DataFrame:
        return table.filter((pl.col("view") == view.name) & (pl.col("period") == period))

    own = part(profile)
    intervals = {row[label]: row for row in part(tables["intervals"]).to_dicts()}
    dwell = {row[label]: row for row in part(tables["dwell_stats"]).to_dicts()}
    lengths = part(tables["dwell_lengths"])
    reach = marks.reach_of([row[n] for row in intervals.values() for n in ("mean", "lo", "hi")])
    stays = _stays(part(tables["transition_counts"]), tables.get("stay"))
    names = {state.code: state for state in states}
    rows = []
    for row in own.to_dicts():
        state = names.get(row[label])
        found = intervals.get(row[label], {})
        rows.append(
            {
                "state": state,
                "name": state.name if state else str(row[label]),
                "rows": row["rows"],
                "share": row["share"],
                "tickers": row["tickers"],
                "tmf": row.get("tmf_21_mean"),
                "flow": row.get("delta_flow_20_mean"),
                "n": found.get("rows"),
                **{name: found.get(name) for name in ("mean", "lo", "hi")},
                "interval": marks.interval(
                    found.get("lo"), found.get("mean"), found.get("hi"), reach
                ),
                "dwell": dwell.get(row[label]),
                "curve": dwell_curve(lengths.filter(pl.col(label) == row[label]),
                                     stays.get(row[label])),
            }
        )  # fmt: skip
    told = robustness["views"][view.name][period]
    outcome = next((row["outcome"] for row in intervals.values()), "")
    return {
        "view": view.name,
        "period": period,
        "in_sample": bool(own["in_sample"][0]) if own.height else False,
        "hindsight": view.seen != "past",
        "warning": view.warning or "",
        "rows": rows,
        "n": int(own["rows"].sum()),
        "first": own["first_date"].min(),
        "last": own["last_date"].max(),
        "outcome": outcome_told(outcome),
        "apart": told["forward_separation"],
        "apart_words": apart_words(told["forward_separation"]),
        "matrix": transitions(part(tables["transition_counts"]), names),
    }


def outcome_told(outcome: str) -> str:
    """An outcome's column in words."""
    kind, _, bars = outcome.removeprefix("fwd_").partition("_")
    what = {"xs": "over the market, from the next open", "ret": "from the close"}.get(kind, kind)
    return f"mean return of the next {bars} days {what}" if bars else outcome


def apart_words(apart: Mapping[str, Any]) -> str:
    """How far apart the states' mean outcomes are, and whether that is more than chance."""
    if apart["value"] is None:
        return "How far apart the states are cannot be told: no outcome of two states."
    text = f"Highest less lowest mean: {1e4 * apart['value']:.1f} basis points"
    if apart["lo"] is not None:
        text += (
            f" (95 % interval by whole dates {1e4 * apart['lo']:.1f} to {1e4 * apart['hi']:.1f})"
        )
    if apart["p_shifted"] is None:
        return f"{text}; too few rows to tell it from chance."
    shifts, p = apart["shifts"], apart["p_shifted"]
    verdict = "more than chance gives" if p <= 0.05 else "what chance gives, too"
    return f"{text}; {shifts} shifts of the labels give p = {p:.2f}: {verdict}."


def transitions(counts: pl.DataFrame, names: Mapping[int, State]) -> dict[str, Any]:
    """Shares of steps from state to state; shades are of leaving, since to stay outweighs all."""
    columns = [name for name in counts.columns if name.startswith("to_")]
    rows: list[Row] = []
    most = 0.0
    for row in counts.to_dicts():
        total = sum(row[name] for name in columns)
        shares = [row[name] / total if total else None for name in columns]
        leaving = [s for k, s in enumerate(shares) if s is not None and k != row["from_state"]]
        most = max([most, *leaving])
        rows.append({"from": row["from_state"], "shares": shares, "steps": total})
    cells = [
        {
            "from": _name(row["from"], names),
            "steps": row["steps"],
            "cells": [
                Markup('<td class="diagonal">{}</td>').format(percent(share))
                if k == row["from"]
                else marks.shade(share, most, percent(share, 2 if (share or 0) < 0.01 else 1))
                for k, share in enumerate(row["shares"])
            ],
        }
        for row in rows
    ]
    return {"head": [str(k) for k in range(len(columns))], "rows": cells}


def dwell_curve(lengths: pl.DataFrame, stay: float | None) -> Markup:
    """Share of runs that last so many days or longer, and what a constant chance to stay gives.

    Runs that were cut off count as long as they were seen (Kaplan and Meier 1958).
    """
    if not lengths.height:
        return Markup("")
    days: list[float | None] = []
    shares: list[float | None] = []
    at_risk = int(lengths["count"].sum()) + int(lengths["cut_off"].sum())
    survival = 1.0
    for length, ended, cut in lengths.select("length", "count", "cut_off").iter_rows():
        days.append(float(length))
        shares.append(survival)
        survival *= 1.0 - ended / at_risk if at_risk else 1.0
        at_risk -= ended + cut
    lines = [("first", days, shares)]
    if stay is not None and 0.0 < stay < 1.0:
        model: list[float | None] = [stay ** ((day or 1.0) - 1.0) for day in days]
        lines.append(("second", days, model))
    return marks.curve(
        [(kind, xs, ys) for kind, xs, ys in lines],
        title="Share of runs that last so long, by days",
        x_label="days or longer",
        y_label="",
        log_x=True,
        low=0.0,
        high=1.0,
    )


def _stays(counts: pl.DataFrame, matrix: pl.DataFrame | None) -> dict[int, float]:
    """Probability to stay by state: the model's own, or else the one that was counted."""
    if matrix is not None:
        values = matrix.select(pl.col("^to_.*$")).to_numpy()
        return {k: float(values[k, k]) for k in range(len(values))}
    found = {}
    for row in counts.to_dicts():
        total = sum(value for name, value in row.items() if name.startswith("to_"))
        if total:
            found[row["from_state"]] = row[f"to_{row['from_state']}"] / total
    return found


def _name(code: int, names: Mapping[int, State]) -> str:
    return names[code].name if code in names else str(code)


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
