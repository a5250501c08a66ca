"""A short account of a finished validation, and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.research.validation.catalog import VALIDATION
from mf_etl.research.validation.placebo import placebo_p

_FILES = {name: file for own in VALIDATION.values() for name, file in own.items()}


def validation_sanity(folder: Path) -> tuple[list[str], list[str]]:
    """Lines about a validation, and its problems.

    Raises `ResearchError` if a file of it is missing or cannot be read.
    """
    summary = _json(folder, "validation_summary")
    outcomes, folds = _table(folder, "state_outcomes"), _table(folder, "folds")
    told = [
        f"{summary['labels']}: {summary['account']}",
        *(_line(line) for line in summary["lines"]),
        f"{summary['rows']:,} rows out of sample, {folds.height} folds, {summary['states']} states; "
        f"{summary['days']} days with a market",
        *_folds(folds),
        *_outcomes(outcomes),
    ]
    if (p := placebo_p(_table(folder, "placebo"))) is not None:
        told.append(f"shifted labels come as far apart with p = {p:.3g}")
    told += list(_portfolio(summary["portfolio"], summary["holds"]))
    told += [f"note: {note}" for note in summary["notes"]]
    return told, list(_problems(summary, outcomes, folds))


def _line(line: Mapping[str, Any]) -> str:
    value, threshold = (_number(line[name]) for name in ("value", "threshold"))
    against = f" ({value} against {threshold})" if line["threshold"] is not None else ""
    return f"  {line['verdict']}: {line['finding']}{against}"


def _folds(folds: pl.DataFrame) -> Iterator[str]:
    for row in folds.to_dicts():
        ari = row["ari_with_previous"]
        yield (
            f"  {row['fold']}: fitted on {row['train_rows']:,} rows to {row['train_last']}, "
            f"{row['test_rows']:,} rows of test"
            f"{'' if ari is None else f', ARI with the year before {ari:.2f}'}"
            f"{'' if row['converged'] is not False else ', NOT converged'}"
        )


def _outcomes(outcomes: pl.DataFrame) -> Iterator[str]:
    for row in outcomes.filter(pl.col("measure") == "xs").sort("h", "state").to_dicts():
        yield (
            f"  state {row['state']}, {row['h']} days: {row['rows']:,} rows, over the market "
            f"{_number(row['mean'])} [{_number(row['lo'])}, {_number(row['hi'])}], "
            f"p {_number(row['p_stepdown'])}"
        )


def _portfolio(rows: list[dict[str, Any]], holds: Mapping[str, int]) -> Iterator[str]:
    for row in rows:
        if not holds[row["strategy"]]:
            yield f"{row['strategy']} portfolio: holds nothing"
            continue
        yield (
            f"{row['strategy']} portfolio: {_number(row['mean_active'])} a day over the market after "
            f"costs, Sharpe ratio {_number(row['sharpe_active'])}, after the trials "
            f"{_number(row['dsr'])}"
        )


def _problems(
    summary: Mapping[str, Any], outcomes: pl.DataFrame, folds: pl.DataFrame
) -> Iterator[str]:
    for row in outcomes.filter(pl.col("rows") > 0).to_dicts():
        if row["mean"] is None:
            where = f"state {row['state']}, {row['h']} days, {row['measure']}"
            yield f"{where}: no mean of {row['rows']} rows"
    for row in folds.filter(pl.col("test_rows") == 0).to_dicts():
        yield f"fold {row['fold']} has no labelled row"
    if summary["folds"] != folds.height:
        yield f"summary.json tells of {summary['folds']} folds, folds.parquet of {folds.height}"


def _number(value: Any) -> str:
    return "none" if value is None else f"{value:.4g}"


def _json(folder: Path, name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / _FILES[name]).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResearchError(_unreadable(folder, name, error)) from None
    return found


def _table(folder: Path, name: str) -> pl.DataFrame:
    try:
        return pl.read_parquet(folder / _FILES[name], glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ResearchError(_unreadable(folder, name, error)) from None


def _unreadable(folder: Path, name: str, error: Exception) -> str:
    reason = "is not there" if isinstance(error, FileNotFoundError) else str(error).splitlines()[0]
    return f"{folder / _FILES[name]}: {reason}; is {folder} the folder of a finished validation?"
