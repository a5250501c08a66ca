"""Pages of sweeps and stability studies: curves and matrices with numbers in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from markupsafe import Markup

from mf_etl.report import marks
from mf_etl.report.runs import flat
from mf_etl.report.words import number
from mf_etl.research.runs.catalog import SPEC, STABILITY, SWEEP

CURVES = {
    "clustering": {
        "silhouette": "silhouette (−1 to 1; higher: clusters apart)",
        "bic": "BIC (lower is better)",
        "forward_separation": "forward separation, fraction (train rows)",
        "largest_share": "share of the largest cluster",
    },
    "hmm": {
        "log_likelihood_per_row": "log-likelihood a row, train (solid) and test (dashed)",
        "bic": "BIC (lower is better)",
        "icl": "ICL (lower is better)",
        "forward_separation": "forward separation, fraction (train rows)",
    },
}
"""Columns of a sweep that are drawn, and what they are."""

SIZE = {"clustering": "n_clusters", "hmm": "n_components"}


def sweep_values(root: Path, run: str, research: str) -> dict[str, Any]:
    """What the template of a sweep takes, from its files below the folder of all runs."""
    files = {name: root / file.format(run=run) for name, file in SWEEP[research].items()}
    table = pl.read_csv(files["sweep_csv"], infer_schema_length=None, glob=False)
    summary = _json(files["sweep_json"])
    size = SIZE[research]
    shown = [name for name in table.columns if table[name].null_count() < table.height]
    return {
        "title": run,
        "run": run,
        "kind": "sweep",
        "notes": summary.get("notes", []),
        "asked": _asked(root / run),
        "size": size.replace("_", " "),
        "curves": [
            (told, _curve(table, size, name, told))
            for name, told in CURVES[research].items()
            if name in shown
        ],
        "head": shown,
        "rows": [[_cell(row[name]) for name in shown] for row in table.to_dicts()],
        "spent": any(name.startswith("test_") for name in shown),
    }


def _curve(table: pl.DataFrame, size: str, name: str, told: str) -> Markup:
    """A line a method; of the likelihood also that of the test."""
    parts = table.partition_by("method") if "method" in table.columns else [table]
    kinds = ("first", "third", "second")
    lines = [
        (kinds[min(place, 2)], part[size].to_list(), part[name].to_list())
        for place, part in enumerate(parts)
    ]
    if name == "log_likelihood_per_row" and f"test_{name}" in table.columns:
        lines.append(("second", table[size].to_list(), table[f"test_{name}"].to_list()))
    known = [
        (
            kind,
            [x for x, y in zip(xs, ys, strict=True) if x is not None and y is not None],
            [y for x, y in zip(xs, ys, strict=True) if x is not None and y is not None],
        )
        for kind, xs, ys in lines
    ]
    drawn = [line for line in known if line[1]]
    label = size.replace("_", " ")
    return marks.curve(drawn, title=f"{told} by {label}", x_label=label, y_label="", whole=True)


def stability_values(folder: Path, research: str) -> dict[str, Any]:
    """What the template of a stability study takes, from the files in its folder."""
    files = {name: folder / file for name, file in STABILITY[research].items()}
    summary = _json(files["stability_summary"])
    by_seed = pl.read_parquet(files["stability_by_seed"], glob=False)
    pairs = pl.read_csv(files["stability_pairwise_csv"], glob=False)
    seeds = sorted({*pairs["seed_a"].to_list(), *pairs["seed_b"].to_list()})
    ari = {(a, b): value for a, b, value in pairs.select("seed_a", "seed_b", "ari").iter_rows()}
    shown = [name for name in by_seed.columns if by_seed[name].null_count() < by_seed.height]
    return {
        "title": folder.name,
        "run": folder.name,
        "kind": "stability study",
        "notes": summary.get("notes", []),
        "summary": summary,
        "asked": _asked(folder),
        "seeds": seeds,
        "matrix": [
            (a, [_agreement(ari.get((min(a, b), max(a, b))), a == b) for b in seeds]) for a in seeds
        ],
        "head": shown,
        "rows": [[_cell(row[name]) for name in shown] for row in by_seed.to_dicts()],
    }


def _agreement(value: float | None, is_same: bool) -> Markup:
    if is_same:
        return Markup('<td class="diagonal">–</td>')
    return marks.shade(value, 1.0, number(value, 3))


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _asked(folder: Path) -> list[tuple[str, str]]:
    values: Mapping[str, Any] = yaml.safe_load((folder / SPEC).read_text(encoding="utf-8"))
    return flat(values)


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
