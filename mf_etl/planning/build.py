"""The plan of a build, from its settings; for the workflow, and for who asks how things stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mf_etl.catalog import aggregates, catalog, code_cache, fingerprint_cache, planning_folder
from mf_etl.fingerprints import Fingerprints
from mf_etl.planning.plan import Plan, Step
from mf_etl.provenance import CodeDigests
from mf_etl.settings.model import Settings
from mf_etl.settings.steps import step_settings
from mf_etl.universe import Universe


def plan_of(
    settings: Settings,
    universe: Universe,
    fingerprints: Fingerprints,
    code_for: Callable[[str], str],
) -> Plan:
    """The plan under these settings; `code_for` gives the digest of the code of a step."""
    summary = aggregates(settings.paths).layer_summary
    return Plan(
        universe=universe,
        fingerprints=fingerprints,
        data=catalog(settings.paths),
        steps=lambda layer: Step(code_for(layer), step_settings(settings, layer)),
        summary=lambda layer, slot: summary.format(layer=layer, slot=slot),
        folder=planning_folder(settings.paths),
    )


def todo(settings: Settings, root: Path) -> dict[str, dict[str, list[str]]]:
    """Tickers that have something to do, by layer and reason; without Snakemake.

    `root` is the folder of the workflow. Seconds for thousands of tickers whose raw files are known.
    Raises `UniverseError` if there is nothing to build.
    """
    code = CodeDigests(root, code_cache(settings.paths))
    fingerprints = Fingerprints(fingerprint_cache(settings.paths))
    plan = plan_of(
        settings,
        Universe(Path(settings.paths.raw_root), settings.universe, fingerprints.is_of_many),
        fingerprints,
        lambda step: code.of(root / "scripts" / f"{step}.py"),
    )
    return plan.todo()
