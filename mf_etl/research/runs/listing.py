"""The runs that there are, with the figures that one compares first."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mf_etl.errors import ResearchError
from mf_etl.research.runs.catalog import FOLD_PATTERN, RUNS_FOLDERS, SPEC, final_files, runs_root
from mf_etl.research.runs.requests import Request, read_spec
from mf_etl.research.runs.tables import number
from mf_etl.settings.sections import Paths


class Run(NamedTuple):
    """A run: its folder, what it was asked to do, its state and its main figures in words."""

    folder: str
    kind: str
    dataset: str
    state: str
    figures: str


def listed(paths: Paths, named: Mapping[tuple[str, str], Request]) -> Iterator[Run]:
    """Every run: those that the settings name, then the others that have a folder, by name.

    Runs of folds are left out: validations tell of them.

    `named` are the requests of the settings by research and folder.
    """
    for research in RUNS_FOLDERS:
        root = Path(runs_root(paths, research))
        requests: dict[str, Request | str] = {
            folder: request for (kind, folder), request in named.items() if kind == research
        }
        for spec in sorted(root.glob(f"*/{SPEC}")):
            name = spec.parent.name
            if name not in requests and not re.fullmatch(FOLD_PATTERN, name):
                requests[name] = _request(spec)
        for folder, request in requests.items():
            path = (root / folder).as_posix()
            if isinstance(request, str):
                yield Run(path, "", "", "unreadable", request)
                continue
            files = [Path(file) for file in final_files(paths, request, folder)]
            there = sum(file.exists() for file in files)
            state = "done" if there == len(files) else "in part" if there else "not built"
            summary = next((file for file in files if file.name.endswith("summary.json")), None)
            figures = _figures(request, summary) if there == len(files) and summary else ""
            yield Run(path, request.kind, request.dataset, state, figures)


def _request(spec: Path) -> Request | str:
    try:
        return read_spec(spec)
    except ResearchError as error:
        return str(error).splitlines()[0]


def _figures(request: Request, summary: Path) -> str:
    if request.kind not in _TOLD:
        return f"{len(request.cells())} cells"
    try:
        values = json.loads(summary.read_text(encoding="utf-8"))
        return _TOLD[request.kind](values)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{summary.name} cannot be told: {type(error).__name__} {error}"


def _clustering(values: dict[str, Any]) -> str:
    return (
        f"{values['rows']:,} rows, {values['clusters_found']} clusters, "
        f"silhouette {number(values['silhouette'])}"
    )


def _hmm(values: dict[str, Any]) -> str:
    likelihood = values["log_likelihood_per_row"]
    return (
        f"{values['rows']:,} rows, {values['states']} states, log-likelihood a row "
        f"{number(likelihood['train'])} (train), {number(likelihood['test'])} (test)"
        f"{'' if values['converged'] else ', NOT converged'}"
    )


def _study(values: dict[str, Any]) -> str:
    return f"mean ARI of the seeds {number(values['mean_ari'])}"


_TOLD: dict[str, Callable[[dict[str, Any]], str]] = {
    "clustering_run": _clustering,
    "clustering_stability": _study,
    "hmm_run": _hmm,
    "hmm_stability": _study,
}
