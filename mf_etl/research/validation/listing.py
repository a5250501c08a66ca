"""The validations that there are, with their verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from mf_etl.errors import ResearchError
from mf_etl.research.validation.catalog import (
    SPEC,
    VALIDATION,
    validation_files,
    validation_root,
)
from mf_etl.research.validation.request import KIND, ValidationRequest, read_validation
from mf_etl.settings.sections import Paths


def validations(
    paths: Paths, named: Mapping[str, ValidationRequest]
) -> Iterator[tuple[str, str, str, str, str]]:
    """Folder, kind, labels, state and verdict of every validation: the settings' own first, by name."""
    root = Path(validation_root(paths))
    requests: dict[str, ValidationRequest | str] = dict(named)
    for spec in sorted(root.glob(f"*/{SPEC}")):
        if spec.parent.name not in requests:
            requests[spec.parent.name] = _request(spec)
    for folder, request in requests.items():
        path = (root / folder).as_posix()
        if isinstance(request, str):
            yield path, KIND, "", "unreadable", request
            continue
        files = [Path(file) for file in validation_files(paths, folder)]
        there = sum(file.exists() for file in files)
        state = "done" if there == len(files) else "in part" if there else "not built"
        told = _account(root / folder) if there == len(files) else ""
        yield path, KIND, request.labels, state, told


def _request(spec: Path) -> ValidationRequest | str:
    try:
        return read_validation(spec)
    except ResearchError as error:
        return str(error).splitlines()[0]


def _account(folder: Path) -> str:
    path = folder / VALIDATION["validation_summary"]["validation_summary"]
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["account"])
    except (OSError, ValueError, KeyError) as error:
        return f"{path.name} cannot be told: {type(error).__name__} {error}"
