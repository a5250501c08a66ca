"""Datasets to prepared matrices, and what research runs are asked to do.

A run is a folder. What it is asked to do is in the settings, or, for a run that they do not name, in
the `spec.yaml` of the folder.
"""

import re

from mf_etl.research.catalog import (
    CELL_PATTERN,
    PREPARATION_PATTERN,
    RUN_PATTERN,
    RUNS_FOLDERS,
    SPEC,
    prepared_patterns,
    runs_root,
)
from mf_etl.research.requests import digest, read_spec, spec_text

MATRIX = prepared_patterns(SETTINGS.paths)
RUNS = {research: runs_root(SETTINGS.paths, research) for research in RUNS_FOLDERS}


def named_requests():
    """The runs that the settings name, by research and folder."""
    sections = {
        "clustering": SETTINGS.research_clustering,
        "hmm": SETTINGS.research_hmm,
    }
    return {
        (research, request.folder(run_id)): request
        for research, section in sections.items()
        for entry in ("runs", "sweeps", "stability")
        for run_id, request in getattr(section, entry).items()
    }


NAMED = named_requests()


wildcard_constraints:
    run=RUN_PATTERN,
    cell=CELL_PATTERN,
    preparation=PREPARATION_PATTERN,


def request_of_run(research, run):
    """What a run is asked to do."""
    if request := NAMED.get((research, run)):
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


def run_request(research):
    """A parameter function: what a run is asked to do, as plain values."""
    return lambda wildcards: request_of_run(research, wildcards.run).model_dump(
        mode="json"
    )


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


def cells_of(research, wildcards):
    """Specification of each cell or seed of a sweep or a stability study."""
    request = request_of_run(research, wildcards.run)
    if not hasattr(request, "cells"):
        stop(f"run {wildcards.run} is a single run, not a sweep or a stability study")
    return request.cells()


def cell_files(research, pattern):
    """An input function: the file `pattern` of each cell of a run."""

    def files(wildcards):
        cells = cells_of(research, wildcards)
        return [pattern.format(run=wildcards.run, cell=cell) for cell in cells]

    return files


def cell_spec(research):
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
    for request in NAMED.values():
        if digest(request.preparation) == wildcards.preparation:
            return request.preparation.model_dump(mode="json")
    for root in RUNS.values():
        for spec in sorted(Path(root).glob(f"*/{SPEC}")):
            try:
                preparation = read_spec(spec).preparation
            except MfEtlError:
                continue  # a run of its own, which says so when it is asked for
            if digest(preparation) == wildcards.preparation:
                return preparation.model_dump(mode="json")
    stop(
        f"no run of the settings and no {SPEC} has the preparation {wildcards.preparation}"
    )


rule run_spec:
    """What a run of the settings is asked to do, beside what came of it."""
    output:
        run_spec=f"{SETTINGS.paths.results_root}/{{research_runs}}/{{run}}/{SPEC}",
    log:
        f"{SETTINGS.paths.logs_root}/run_spec/{{research_runs}}/{{run}}.log",
    wildcard_constraints:
        research_runs="|".join(RUNS_FOLDERS.values()),
        run="|".join(re.escape(run) for _, run in NAMED) or "(?!)",
    conda:
        "../envs/mf_etl.yaml"
    params:
        text=lambda wildcards: spec_text(NAMED[research_of(wildcards), wildcards.run]),
        code=code_for("run_spec"),
    script:
        "../scripts/run_spec.py"


def research_of(wildcards):
    """Which models a folder of runs is of."""
    return next(k for k, folder in RUNS_FOLDERS.items() if folder == wildcards[0])


rule prepared_matrix:
    """A dataset, split, scaled and clipped: what clusterings and hidden Markov models read."""
    input:
        ml_dataset=SCIENCE.ml_dataset,
        ml_dataset_metadata=SCIENCE.ml_dataset_metadata,
    output:
        **MATRIX,
    log:
        MATRIX["prepared_matrix"].log,
    conda:
        "../envs/mf_etl.yaml"
    threads: 4
    params:
        preparation=preparation_of,
        settings=settings_for("prepared_matrix"),
        code=code_for("prepared_matrix"),
    script:
        "../scripts/prepared_matrix.py"
