"""What a validation has found, as one summary with its verdict."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from mf_etl.research.validation.catalog import VALIDATION
from mf_etl.research.validation.placebo import placebo_p
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.validation.stamp import IN_SAMPLE
from mf_etl.research.validation.verdict import ADJUSTED, Cell, Findings, Verdict, verdict

NOT_ADVICE = "This is research, not advice: what held in these years need not hold in others."


@dataclass(frozen=True)
class Found:
    """The files of a validation that its summary reads."""

    borders: Path
    folds: Path
    labels: Path
    matching: Path
    state_sums: Path
    state_outcomes: Path
    state_tests: Path
    placebo: Path
    event_summary: Path
    drift: Path
    held: Path
    performance: Path
    spa: Path
    pbo: Path

    @classmethod
    def of(cls, paths: Sequence[Path]) -> Found:
        """Of the files of a validation, whatever their order."""
        by_file = {path.name: path for path in paths}
        names = {name: file for own in VALIDATION.values() for name, file in own.items()}
        return cls(**{field.name: by_file[names[field.name]] for field in dataclasses.fields(cls)})

    def table(self, name: str) -> pl.DataFrame:
        """A table whole."""
        return pl.read_parquet(getattr(self, name), glob=False)

    def told(self, name: str) -> dict[str, Any]:
        """A file of numbers."""
        found: dict[str, Any] = json.loads(getattr(self, name).read_text(encoding="utf-8"))
        return found


def summary(
    found: Found, metadata: Mapping[str, Any], asked: ValidationRequest, trials: Mapping[str, Any]
) -> dict[str, Any]:
    """What ``summary.json`` holds; `metadata` is that of the dataset, `trials` what was counted."""
    folds, outcomes = found.table("folds"), found.table("state_outcomes")
    findings = _findings(found, metadata, asked, folds, outcomes)
    concluded = verdict(findings)
    tests, drift = found.told("state_tests"), found.told("drift")
    return {
        "labels": asked.labels,
        "column": asked.column,
        "in_sample": asked.in_sample,
        "verdict": concluded.verdict,
        "account": account(concluded),
        "lines": concluded.lines,
        "findings": {
            name: value
            for name, value in dataclasses.asdict(findings).items()
            if name != "cells"
        },
        "cells": [dataclasses.asdict(cell) for cell in findings.cells],
        "folds": folds.height,
        "first_test_day": _day(folds, "test_first", "min"),
        "last_test_day": _day(folds, "test_last", "max"),
        "rows": pl.scan_parquet(found.labels, glob=False).select(pl.len()).collect().item(),
        "states": found.table("matching").get_column("state").n_unique(),
        "days": tests["days"],
        "block": tests["block"],
        "replications": tests["replications"],
        "joint": tests["joint"],
        "drift": {name: drift[name] for name in ("tau", "tau_lo", "tau_hi")},
        "trials": dict(trials),
        "holds": {
            side: found.table("held").filter("held", strategy=side).height
            for side in ("long", "short")
        },
        "portfolio": found.table("performance").to_dicts(),
        "spa": found.told("spa"),
        "pbo": {name: value for name, value in found.told("pbo").items() if name != "logits"},
        "notes": list(_notes(found, metadata, asked, folds)),
        "options": asked.model_dump(mode="json"),
    }  # fmt: skip


def account(concluded: Verdict) -> str:
    """The verdict in one line, with its reasons."""
    reasons = [line["finding"] for line in concluded.lines if line["verdict"] == concluded.verdict]
    return f"{concluded.verdict}: {'; '.join(reasons)}" if reasons else concluded.verdict


def _findings(
    found: Found,
    metadata: Mapping[str, Any],
    asked: ValidationRequest,
    folds: pl.DataFrame,
    outcomes: pl.DataFrame,
) -> Findings:
    tested = outcomes.filter(pl.col("measure") == "xs", pl.col("p_stepdown").is_not_null())
    sums = pl.scan_parquet(found.state_sums, glob=False).filter(
        pl.col("period") == "test", pl.col("measure") == "xs"
    )
    held = found.table("held").filter("held")
    performance = found.table("performance")
    own = performance.filter(
        pl.col("strategy").is_in(held.get_column("strategy").unique().implode())
    )
    return Findings(
        market_known=sums.select(pl.len()).collect().item() > 0,
        folds=folds.height,
        tested_cells=tested.height,
        least_p_stepdown=_number(tested.get_column("p_stepdown").min()),
        placebo_p=placebo_p(found.table("placebo")),
        fits_not_converged=int((folds.get_column("converged") == False).sum()),  # noqa: E712
        datasets=1,
        cells=list(_cells(outcomes, found.told("state_tests"))),
        survivors_only=bool((metadata.get("delisting") or {}).get("survivors_only")),
        holds_anything=held.height > 0,
        dsr=_number(own.get_column("dsr").min()),
        spa_consistent_p=found.told("spa").get("consistent"),
        pbo=found.told("pbo").get("pbo"),
        tau=found.told("drift")["tau"],
        event_signs_differ=_signs_differ(found.table("event_summary")),
        most_names=_most_names(found.labels),
        names_needed=asked.min_names,
    )


def _cells(outcomes: pl.DataFrame, tests: Mapping[str, Any]) -> Iterator[Cell]:
    """The cells that are believed, and their mean as others tell it."""
    by_key = {(row["measure"], row["state"], row["h"]): row for row in outcomes.to_dicts()}
    for (measure, state, h), row in by_key.items():
        if measure != "xs" or row["p_stepdown"] is None or not row["p_stepdown"] < ADJUSTED:
            continue
        others = {
            name: by_key.get((name, state, h), {}).get("mean")
            for name in ("winsor_xs", "log_xs", "xs_shumway")
        }
        for name in ("half_block", "double_block"):
            same = [one for one in tests[name] if (one["state"], one["h"]) == (state, h)]
            side = "lo" if row["mean"] > 0 else "hi"
            others[name] = same[0][side] if same else None
        yield Cell(state, h, row["mean"], row["min_detectable"], others)


def _most_names(labels: Path) -> int:
    """Eligible names with a label on the day with most of them."""
    rows = pl.scan_parquet(labels, glob=False).filter("eligible").group_by("trade_date").len()
    return int(rows.select(pl.max("len")).collect().item() or 0)


def _signs_differ(events: pl.DataFrame) -> int:
    """Transitions that are believed, whose portfolio and mean path have another sign."""
    differ = (pl.col("p_stepdown") < ADJUSTED) & (pl.col("alpha") * pl.col("car_1_10") < 0)
    return events.filter(differ).height


def _notes(
    found: Found, metadata: Mapping[str, Any], asked: ValidationRequest, folds: pl.DataFrame
) -> Iterator[str]:
    yield NOT_ADVICE
    if asked.in_sample:
        yield IN_SAMPLE
    if note := (metadata.get("delisting") or {}).get("note"):
        yield note
    told = found.told("borders")
    if not asked.in_sample and folds.height < asked.last_folds:
        yield (
            f"{folds.height} of {asked.last_folds} folds: the dataset has {told['dates']} dates, and "
            f"{told['dates_needed']} before a year are needed to test it"
        )
    labels = pl.scan_parquet(found.labels, glob=False)
    there = set(labels.select(pl.col("state").unique()).collect().to_series().to_list())
    matching = found.table("matching")
    for state in sorted(set(matching.get_column("state").to_list()) - there):
        yield f"state {state} is held on no row of the test: nothing is told of it"
    new = matching.filter(pl.col("distance").is_null(), pl.col("fold") > pl.col("fold").min())
    for fold, state in new.select("fold", "state").rows():
        yield f"state {state} is new in {fold}: it is like none of the year before"
    if not found.table("held").filter("held").height and folds.height:
        yield "no state pays its costs in train beyond doubt: the portfolio holds nothing"


def _day(folds: pl.DataFrame, name: str, side: str) -> str | None:
    value = getattr(folds.get_column(name), side)()
    return None if value is None else str(value)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
