"""What one would ask first when something looks wrong: each question with its answer and a remedy.

Nothing is written, and of the data only the ends of files are read (`mf_etl.damage`).
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

import mf_etl
from mf_etl.catalog import LAYERS, catalog
from mf_etl.damage import Damaged, damaged_files
from mf_etl.errors import MfEtlError
from mf_etl.orphans import orphans
from mf_etl.settings.model import ENV_PREFIX, Settings, load_settings, settings_file
from mf_etl.universe import Universe

Result = Literal["ok", "note", "broken"]

PACKAGES = ("snakemake", "polars", "pyarrow", "numpy", "duckdb")
PLUGINS = {
    "snakemake_executor_plugin_warm": "executor warm",
    "snakemake_scheduler_plugin_depth_first": "scheduler depth-first",
    "snakemake_logger_plugin_progress": "logger progress",
}
LEAST_FREE_BYTES = 2**30
TOLD = 5


class Finding(NamedTuple):
    """The answer to one question; `remedy` says what to do where it is not ok."""

    result: Result
    subject: str
    told: str
    remedy: str = ""


def findings(project: Path) -> Iterator[Finding]:
    """Every finding about the project in the working directory, in the order of its causes."""
    yield from _programs(project)
    try:
        settings = load_settings()
    except MfEtlError as error:
        yield Finding("broken", "settings", str(error), "correct it; docs/options.md lists all")
        return
    yield from _settings()
    universe = Universe(Path(settings.paths.raw_root), settings.universe)
    try:
        tickers = universe.tickers
    except MfEtlError as error:
        yield Finding("broken", "raw root", str(error), "mf-etl discover-files lists what is there")
        tickers = []
    else:
        yield from _raw_files(universe)
    yield from _data(settings, universe, tickers)
    yield from _folders(settings)
    yield from _lock()


def _programs(project: Path) -> Iterator[Finding]:
    yield Finding("ok", "Python", f"{platform.python_version()} ({sys.executable})")
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield Finding("ok", "packages", f"mf_etl {version('mf_etl')}, {versions}")
    library = Path(mf_etl.__file__).resolve().parents[1]
    if library != project.resolve():
        yield Finding(
            "note", "library", f"this command is of {library}, the project is {project}",
            "source .venv/bin/activate in the project, or make run, which makes one",
        )  # fmt: skip
    missing = [name for module, name in PLUGINS.items() if not _is_installed(module)]
    if missing:
        yield Finding(
            "broken", "engine", f"not installed: {', '.join(missing)}",
            "make run, or pip install ./engine/snakemake-*; without it: "
            "snakemake --workflow-profile none --cores 8",
        )  # fmt: skip
    else:
        yield Finding("ok", "engine", ", ".join(PLUGINS.values()))


def _is_installed(module: str) -> bool:
    return find_spec(module) is not None


def _settings() -> Iterator[Finding]:
    file = settings_file(os.environ)
    variables = sorted(name for name in os.environ if name.startswith(ENV_PREFIX))
    told = f"{file or 'defaults'}" + (f"; environment: {', '.join(variables)}" if variables else "")
    yield Finding("ok", "settings", told)


def _raw_files(universe: Universe) -> Iterator[Finding]:
    files = universe.files
    built = Counter(file.exchange for file in files if file.role == "build")
    counts = ", ".join(f"{exchange} {count:,}" for exchange, count in sorted(built.items()))
    yield Finding(
        "ok", "raw root", f"{universe.raw_root}: {counts}; {len(universe.tickers):,} to build"
    )
    others = Counter(
        (file.role, file.source_file.rpartition("/")[0] or ".", file.reason)
        for file in files
        if file.role == "ignored"
    )
    for (role, folder, reason), count in others.most_common(TOLD):
        yield Finding(
            "note", f"{role} files", f"{count:,} in {folder}: {reason}",
            "universe.folders names the exchange of a folder" if "folder" in reason else "",
        )  # fmt: skip
    rest = sum(others.values()) - sum(count for _, count in others.most_common(TOLD))
    shadowed = sum(file.role == "shadowed" for file in files)
    if rest or shadowed:
        yield Finding(
            "note", "other files", f"{rest:,} more ignored, {shadowed:,} shadowed by larger ones",
            "mf-etl discover-files lists each with its reason",
        )  # fmt: skip


def _data(
    settings: Settings, universe: Universe, tickers: list[tuple[str, str]]
) -> Iterator[Finding]:
    data = catalog(settings.paths)
    missing: Counter[str] = Counter()
    damaged: list[Damaged] = []
    for dataset, file in damaged_files(data, tickers):
        if file.is_missing:
            missing[dataset.name] += 1
        else:
            damaged.append(file)
    for layer in LAYERS:
        there = len(tickers) - missing[layer]
        yield Finding(
            "note" if missing[layer] else "ok", layer, f"{there:,} of {len(tickers):,} tickers",
            "snakemake --cores all builds what is missing" if missing[layer] else "",
        )  # fmt: skip
    for file in damaged[:TOLD]:
        yield Finding("broken", "damaged file", f"{file.path} {file.reason}", file.remedy)
    if len(damaged) > TOLD:
        yield Finding("broken", "damaged files", f"and {len(damaged) - TOLD:,} more")
    if universe.raw_root.is_dir() and (others := orphans(data, {*universe.listed})):
        yield Finding(
            "note", "orphans", f"{len(others):,} files of tickers that are no longer built",
            "mf-etl prune lists them, mf-etl prune --delete removes them",
        )  # fmt: skip


def _folders(settings: Settings) -> Iterator[Finding]:
    paths = settings.paths
    for name in ("data_root", "results_root", "logs_root"):
        folder = Path(getattr(paths, name))
        place = next(f for f in (folder, *folder.absolute().parents) if f.exists())
        free = shutil.disk_usage(place).free
        told = f"{folder}: {free / 2**30:,.1f} GiB free"
        if not (place.is_dir() and os.access(place, os.W_OK)):
            yield Finding(
                "broken", name, f"{folder} cannot be written", f"mend it, or set paths.{name}"
            )  # fmt: skip
        elif free < LEAST_FREE_BYTES:
            yield Finding("broken", name, told, f"make room, or set paths.{name}")
        else:
            yield Finding("ok", name, told)


def _lock() -> Iterator[Finding]:
    locks = Path(".snakemake", "locks")
    if locks.is_dir() and any(locks.iterdir()):
        yield Finding(
            "note", "lock", "a build is running here, or one was killed",
            "snakemake --unlock, once no build is running",
        )  # fmt: skip
