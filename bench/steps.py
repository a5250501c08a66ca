"""The five scripts as plain functions, for measurements without Snakemake."""

from __future__ import annotations

import functools
import importlib.util
import itertools
from pathlib import Path
from types import ModuleType

from mf_etl.catalog import Catalog
from mf_etl.settings.model import load_settings
from mf_etl.settings.steps import STEPS, StepSettings, step_settings

ROOT = Path(__file__).parents[1]


@functools.cache
def script(step: str) -> ModuleType:
    """The script of a step, imported as a module."""
    spec = importlib.util.spec_from_file_location(step, ROOT / "scripts" / f"{step}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def settings(step: str) -> StepSettings:
    """Default settings of a step."""
    return STEPS[step].model_validate(step_settings(load_settings(environment={}), step))


def five_steps(
    raw: Path, data: Catalog, exchange: str, ticker: str, source_file: str, fingerprint: str
) -> None:
    """One ticker from its raw file to its features, exactly as the workflow's scripts do it."""
    path = {
        dataset.name: Path(dataset.path(exchange=exchange, ticker=ticker))
        for dataset in data.per_ticker()
    }
    script("bronze_ohlcv").main(
        raw,
        path["bronze_ohlcv"],
        path["bronze_rejects"],
        path["bronze_quality"],
        ticker=ticker,
        exchange=exchange,
        source_file=source_file,
        fingerprint=fingerprint,
        settings=settings("bronze_ohlcv"),
        code="bench",
    )
    chain = ["bronze_ohlcv", "silver_base", "silver_indicators", "gold_events", "gold_features"]
    for above, step in itertools.pairwise(chain):
        script(step).main(path[above], path[step], settings=settings(step), code="bench")
