"""The site of a build: where its pages, its runs and its tickers are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mf_etl.catalog import Dataset, aggregates, catalog, pages, report_root
from mf_etl.errors import MfEtlError
from mf_etl.report.reading import RunFiles
from mf_etl.report.run_pages import run_page
from mf_etl.report.site import Charts, Places, Site
from mf_etl.research.runs.catalog import (
    RUNS_FOLDERS,
    SPEC,
    final_files,
    run_patterns,
    runs_root,
)
from mf_etl.research.runs.requests import Request, read_spec
from mf_etl.research.validation.catalog import validation_patterns
from mf_etl.settings.model import Settings


def site_of(settings: Settings, listed: set[tuple[str, str]] | None) -> Site:
    """What `mf-etl view` serves; `listed` are the tickers of the universe, None if not known."""
    paths = settings.paths
    groups = [*(step for kind in RUNS_FOLDERS for step in run_patterns(paths, kind).values())]
    groups += validation_patterns(paths).values()
    known = [dataset for group in groups for dataset in group.values()]
    root = f"{paths.results_root}/"
    files = [d for d in (*vars(aggregates(paths)).values(), *known) if d.startswith(root)]
    places = Places(
        results=Path(paths.results_root),
        report=report_root(paths).removeprefix(root),
        files=tuple(file.removeprefix(root) for file in files),
        ticker=Dataset(pages(paths).report_ticker.removeprefix(root)),
    )
    charts = Charts(catalog(paths), lambda: shown_runs(settings))
    return Site(
        places,
        charts,
        lambda exchange, ticker: listed is None or (exchange, ticker) in listed,
        lambda address: _run_page(settings, address),
    )


def shown_runs(settings: Settings) -> Iterator[RunFiles]:
    """The finished runs whose states are shown: single ones that the settings name."""
    for (research, folder), request in settings.named_runs().items():
        files = run_patterns(settings.paths, research)["run"]
        labelled, profile = (files[name].format(run=folder) for name in ("labelled", "profile"))
        if request.entry == "runs" and Path(labelled).exists() and Path(profile).exists():
            yield RunFiles(research, folder, labelled, profile)


def _run_page(settings: Settings, address: str) -> str | None:
    """The page of a finished run that has no file, such as one that the settings do not name."""
    folder, _, rest = address.partition("/")
    research, _, name = rest.partition("/")
    run = name.removesuffix(".html")
    if folder != "runs" or research not in RUNS_FOLDERS or run == name or "/" in run:
        return None
    root = Path(runs_root(settings.paths, research))
    request: Request | None = settings.named_runs().get((research, run))
    try:
        request = request or read_spec(root / run / SPEC)
    except MfEtlError:
        return None
    files = [*final_files(settings.paths, request, run), str(root / run / SPEC)]
    if not all(Path(file).exists() for file in files):
        return None
    return run_page(root, run, research, request.kind)
