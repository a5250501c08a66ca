"""What research runs are asked to do, for the rules of `research.smk` and those of each research.

A run is a folder. What it is asked to do is in the settings, or, for a run that they do not name, in
the `spec.yaml` of the folder.
"""

import re

from mf_etl.research.runs.catalog import (
    CELL_PATTERN,
    FOLD_PATTERN,
    PREPARATION_PATTERN,
    RUN_PATTERN,
    RUNS_FOLDERS,
    SPEC,
    final_files,
    prepared_patterns,
    run_patterns,
    runs_root,
)
from mf_etl.research.runs.requests import digest, read_spec, spec_text

MATRIX = prepared_patterns(SETTINGS.paths)
MODELS = {kind: run_patterns(SETTINGS.paths, kind) for kind in RUNS_FOLDERS}
RUNS = {research: runs_root(SETTINGS.paths, research) for research in RUNS_FOLDERS}


# The runs that the settings name, by research and folder.
NAMED = SETTINGS.named_runs()


wildcard_constraints:
    run=RUN_PATTERN,
    cell=CELL_PATTERN,
    preparation=PREPARATION_PATTERN,


def request_of_run(research, run):
    """What a run is asked to do."""
    if request := NAMED.get((research, run)):
        return request
    if re.fullmatch(FOLD_PATTERN, run):
        if request := dict(known_folds()).get((research, run)):
            return request
    spec = Path(RUNS[research], run, SPEC)
    if not spec.exists():
        known = ", ".join(name for kind, name in NAMED if kind == research) or "none"
        stop(
            f"run {run} is not in the settings (section research_{research}) and there is no "
            f"{spec}; the settings have: {known}"
        )
    try:
        return read_spec(spec)
    except MfEtlError as error:
        stop(error)


def run_spec_file(research):
    """An input function: the specification of a run."""
    return lambda wildcards: f"{RUNS[research]}/{wildcards.run}/{SPEC}"


def run_model(research):
    """A parameter function: the model that a single run is asked for, as plain values."""

    def spec(wildcards):
        request = request_of_run(research, wildcards.run)
        if request.entry != "runs":
            stop(f"run {wildcards.run} is no single run but a {request.kind}")
        return request.spec.model_dump(mode="json")

    return spec


def prepared_files(research):
    """An input function: the files of a run's prepared matrix."""

    def files(wildcards):
        request = request_of_run(research, wildcards.run)
        preparation = digest(request.preparation)
        return [
            pattern.format(dataset=request.dataset, preparation=preparation)
            for pattern in MATRIX.values()
        ]

    return files


def dataset_of_run(research):
    """An input function: the dataset of a run."""
    return lambda wildcards: dataset_file(
        request_of_run(research, wildcards.run).dataset
    )


def cells_of(research, wildcards):
    """Specification of each cell or seed of a sweep or a stability study."""
    request = request_of_run(research, wildcards.run)
    if request.entry == "runs":
        stop(f"run {wildcards.run} is a single run, not a sweep or a stability study")
    return request.cells()


def cell_files(research, pattern):
    """An input function: the file `pattern` of each cell of a run."""

    def files(wildcards):
        cells = cells_of(research, wildcards)
        return [pattern.format(run=wildcards.run, cell=cell) for cell in cells]

    return files


def cell_model(research):
    """A parameter function: the specification of one cell."""

    def spec(wildcards):
        cells = cells_of(research, wildcards)
        if wildcards.cell not in cells:
            stop(
                f"run {wildcards.run} has no cell {wildcards.cell}; there are: {', '.join(cells)}"
            )
        return cells[wildcards.cell].model_dump(mode="json")

    return spec


def preparation_of(wildcards):
    """The specification that the name of a prepared matrix stands for."""
    for request in every_request():
        if digest(request.preparation) == wildcards.preparation:
            return request.preparation.model_dump(mode="json")
    stop(
        f"no run of the settings and no {SPEC} has the preparation {wildcards.preparation}"
    )


def every_request():
    """The runs of the settings, then those that have a specification in their folder."""
    yield from NAMED.values()
    for _, request in known_folds():
        yield request
    for root in RUNS.values():
        for spec in sorted(Path(root).glob(f"*/{SPEC}")):
            try:
                yield read_spec(spec)
            except MfEtlError:
                continue  # a run of its own, which says so when it is asked for


def research_of(wildcards):
    """Which models a folder of runs is of."""
    return next(k for k, folder in RUNS_FOLDERS.items() if folder == wildcards[0])


def run_spec_text(wildcards):
    """The text of the specification of a run that the settings name, or of a fold."""
    return spec_text(request_of_run(research_of(wildcards), wildcards.run))


def named_files(research):
    """Every final file of the runs of a research that the settings name."""
    return [
        file
        for (kind, folder), request in NAMED.items()
        if kind == research
        for file in final_files(SETTINGS.paths, request, folder)
    ]


def research_files(wildcards):
    """Every final file of the runs and validations of the settings."""
    runs = [file for research in RUNS for file in named_files(research)]
    return [*runs, *rules.validation.input]


def cluster_labels_of(request):
    """File of the clusters that a run is compared with, or none; a plain name is a clustering run."""
    labels = getattr(request, "cluster_labels_file", None)
    is_name = labels is not None and Path(labels).name == labels
    if not is_name or labels.endswith(".parquet"):
        return labels
    return MODELS["clustering"]["run"]["labelled"].format(run=labels)


def cluster_labels(wildcards):
    """The clusters that the states of a run are compared with."""
    request = request_of_run("hmm", wildcards.run)
    labels = cluster_labels_of(request)
    if labels is None:
        stop(
            f"run {wildcards.run} names no clusters to compare with (cluster_labels_file)"
        )
    return labels
