"""What `--dataset` means, and what is asked of a dataset before a run of it begins."""

from __future__ import annotations

import datetime
import difflib
import json
import os
from pathlib import Path

from mf_etl.catalog import Dataset
from mf_etl.cli import context, project
from mf_etl.cli.building import build
from mf_etl.cli.export import requested
from mf_etl.cli.tables import near
from mf_etl.errors import ResearchError
from mf_etl.research.datasets.adopted import columns_of
from mf_etl.research.datasets.columns import CONTEXT, FEATURES, OUTCOME_END, OUTCOME_PREFIX
from mf_etl.research.datasets.request import DatasetRequest, read_request
from mf_etl.research.preparation.source import KEYS
from mf_etl.research.preparation.spec import PreparationSpec


def dataset_meant(value: str) -> str:
    """Name of the dataset that `value` means: a name, or the path of any `dataset.parquet`.

    A file of this project is known by its folder. Any other gets a name, which its request stands
    for. Raises `ResearchError` if there is no such dataset, or the file is none.
    """
    if os.sep not in value and not value.endswith(".parquet"):
        _refuse_unknown(value)
        return value
    file = project.user_path(value)
    if (file / "dataset.parquet").is_file():
        file = file / "dataset.parquet"
    pattern = project.user_path(str(Path.cwd() / context.research_files().ml_dataset))
    if own := Dataset(str(pattern)).wildcards(str(file)):
        _refuse_unknown(own["dataset"])
        return own["dataset"]
    if not file.is_file():
        raise ResearchError(f"there is no dataset {file}; export-ml-dataset writes one")
    columns_of(file)
    return requested({"file": str(file)}, None)


def check(name: str, preparation: PreparationSpec) -> None:
    """Refuse features that dataset `name` has not, and a split by time that leaves a side empty.

    For the dates, a dataset that is not there yet, or whose days do not fit, is built first. Raises
    `ResearchError`.
    """
    _refuse_unknown_features(name, preparation)
    if preparation.split_mode == "time" and _empty_side(name, preparation) != "":
        build(context.research_files().ml_dataset.format(dataset=name))
        if problem := _empty_side(name, preparation):
            raise ResearchError(problem)


def _request(name: str) -> DatasetRequest | None:
    """What the dataset is asked to hold; None if there is none of that name."""
    if name in context.settings().datasets:
        return context.settings().datasets[name]
    path = Path(context.research_files().ml_dataset_request.format(dataset=name))
    return read_request(path) if path.exists() else None


def _refuse_unknown(name: str) -> None:
    if _request(name) is None:
        known = context.settings().datasets
        request = Path(context.research_files().ml_dataset_request)
        exported = [file.parent.name for file in request.parents[1].glob(f"*/{request.name}")]
        raise ResearchError(
            f"there is no dataset {name}; the settings have: {', '.join(known) or 'none'}; "
            "export-ml-dataset makes others, and the path of a file is one"
            f"{near(name, [*known, *exported])}"
        )


def _refuse_unknown_features(name: str, preparation: PreparationSpec) -> None:
    request = _request(name)
    known = [*FEATURES, *CONTEXT]
    if request is not None and request.file is not None:
        known = [
            column
            for column in columns_of(Path(request.file))
            if not column.startswith(OUTCOME_PREFIX) and column not in (*KEYS, OUTCOME_END)
        ]
    if missing := [feature for feature in preparation.features if feature not in known]:
        found = difflib.get_close_matches(missing[0], known, n=3)
        hint = f"; near matches: {', '.join(found)}" if found else f"; it has {', '.join(known)}"
        raise ResearchError(f"features not in dataset {name}: {', '.join(missing)}{hint}")


def _empty_side(name: str, preparation: PreparationSpec) -> str | None:
    """Which period has no day of the dataset, in words; "" if each has some, None if unknown."""
    path = Path(context.research_files().ml_dataset_metadata.format(dataset=name))
    try:
        days = json.loads(path.read_text(encoding="utf-8"))["date_range"]
        first, last = (datetime.date.fromisoformat(days[side]) for side in ("first", "last"))
    except (OSError, ValueError, KeyError):
        return None
    train_end, test_start = preparation.train_end, preparation.test_start
    if test_start is None:
        # A split that follows the data leaves days on both sides.
        test_start = first if train_end is None else preparation.first_test_day
    test_end = preparation.test_end or last
    if train_end is not None and train_end < first:
        side = f"train period, to {train_end},"
    elif test_start > last or test_end < first:
        side = f"test period, from {test_start} to {test_end},"
    else:
        return ""
    return f"the {side} has no day of dataset {name}, which goes from {first} to {last}"
