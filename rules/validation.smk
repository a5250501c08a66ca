"""Validations: a run's model refitted year by year, and what its labels out of sample are worth.

The years of test follow from the days of the dataset, which are known once it is there: so the job
that finds them is a checkpoint, and the runs of the folds are planned after it.
"""

from mf_etl.research.validation.catalog import (
    SPEC as VALIDATION_SPEC,
    YEAR_PATTERN,
    validation_files,
    validation_patterns,
    validation_root,
)
from mf_etl.research.validation.request import read_validation, validation_text
from mf_etl.research.walk_forward.folds import (
    fold_folder,
    fold_request,
    read_folds,
    refuse,
)

VALIDATION = validation_patterns(SETTINGS.paths)
VALIDATIONS = Path(validation_root(SETTINGS.paths))
ASKED = SETTINGS.research_validation.named()

# Of the run of a fold: what validations read.
READ_OF_RUN = (
    *("run_summary", "labelled", "profile", "scaler_params", "split_summary"),
    *("transition_counts", "model"),
)


wildcard_constraints:
    year=YEAR_PATTERN,


def validation_of(run):
    """What a validation is asked to do."""
    if run in ASKED:
        return ASKED[run]
    spec = VALIDATIONS / run / VALIDATION_SPEC
    if not spec.exists():
        known = ", ".join(ASKED) or "none"
        stop(
            f"validation {run} is not in the settings (section research_validation) and there is "
            f"no {spec}; the settings have: {known}"
        )
    try:
        return read_validation(spec)
    except MfEtlError as error:
        stop(error)


def labels_run(asked):
    """Research and request of the run whose labels are validated."""
    name = asked.labels
    known = (
        k for k in RUNS if (k, name) in NAMED or Path(RUNS[k], name, SPEC).exists()
    )
    research = next(known, None)
    if research is None:
        runs = ", ".join(folder for _, folder in NAMED) or "none"
        stop(
            f"there is no run {name} to validate; the settings name these runs: {runs}"
        )
    request = request_of_run(research, name)
    try:
        refuse(asked, request, name)
    except MfEtlError as error:
        stop(error)
    return research, request


def runs_of_folds(run, borders):
    """Year, research, folder and request of the run of each fold of a validation."""
    asked = validation_of(run)
    research, request = labels_run(asked)
    if asked.in_sample:
        return [(0, research, asked.labels, request)]
    requests = [
        (fold, fold_request(request, fold)) for fold in read_folds(Path(borders))
    ]
    return [(f.fold, research, fold_folder(r, f), r) for f, r in requests]


def known_folds():
    """Requests of the runs of folds whose borders are known, by research and folder."""
    there = {path.parent.name for path in VALIDATIONS.glob("*/borders.json")}
    for run in sorted(there):
        if run not in ASKED and not (VALIDATIONS / run / VALIDATION_SPEC).exists():
            continue
        borders = VALIDATION["validation_borders"]["borders"].format(run=run)
        for _, research, folder, request in runs_of_folds(run, borders):
            yield (research, folder), request


def fold_files(*names):
    """An input function: these files of the run of each fold, in order of year."""

    def files(wildcards):
        borders = checkpoints.validation_borders.get(run=wildcards.run).output.borders
        return [
            (
                f"{RUNS[research]}/{folder}/{SPEC}"
                if name == "spec"
                else MODELS[research]["run"][name].format(run=folder)
            )
            for _, research, folder, _ in runs_of_folds(wildcards.run, borders)
            for name in names
        ]

    return files


def fold_specs(wildcards):
    """The specification of each fold, within the folder of the validation."""
    borders = checkpoints.validation_borders.get(run=wildcards.run).output.borders
    pattern = VALIDATION["validation_fold"]["fold_spec"]
    years = [year for year, *_ in runs_of_folds(wildcards.run, borders)]
    return [pattern.format(run=wildcards.run, year=year) for year in years if year]


def labels_spec(wildcards):
    """The specification of the run whose labels are validated."""
    asked = validation_of(wildcards.run)
    return f"{RUNS[labels_run(asked)[0]]}/{asked.labels}/{SPEC}"


def validated_dataset(pattern):
    """An input function: a file of the dataset that the labels are of."""
    return lambda wildcards: pattern.format(
        dataset=labels_run(validation_of(wildcards.run))[1].dataset
    )


def asked_of(wildcards):
    """A parameter: what the validation is asked to do, as plain values."""
    return validation_of(wildcards.run).model_dump(mode="json")


rule validation:
    """Every validation of the settings."""
    input:
        [file for run in ASKED for file in validation_files(SETTINGS.paths, run)],


rule validation_spec:
    """What a validation of the settings is asked to do."""
    output:
        **VALIDATION["validation_spec"],
    log:
        VALIDATION["validation_spec"]["validation_spec"].log,
    wildcard_constraints:
        run="|".join(map(re.escape, ASKED)) or "(?!)",
    localrule: True
    conda:
        "../envs/mf_etl.yaml"
    params:
        text=lambda wildcards: validation_text(ASKED[wildcards.run]),
        code=code_once_planned("validation_spec"),
    script:
        "../scripts/validation_spec.py"


checkpoint validation_borders:
    """The years of test, and the days that each is fitted on."""
    input:
        ml_dataset=validated_dataset(SCIENCE.ml_dataset),
    output:
        **VALIDATION["validation_borders"],
    log:
        VALIDATION["validation_borders"]["borders"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(2000),
        runtime=more_each_attempt(30),
    params:
        last_folds=lambda wildcards: validation_of(wildcards.run).last_folds,
        code=code_once_planned("validation_borders"),
    script:
        "../scripts/validation_borders.py"


rule validation_fold:
    """What the run of a fold is asked to do."""
    input:
        borders=VALIDATION["validation_borders"]["borders"],
        run_spec=labels_spec,
    output:
        **VALIDATION["validation_fold"],
    log:
        VALIDATION["validation_fold"]["fold_spec"].log,
    localrule: True
    conda:
        "../envs/mf_etl.yaml"
    params:
        code=code_once_planned("validation_fold"),
    script:
        "../scripts/validation_fold.py"


rule validation_labels:
    """Labels out of sample from the runs of the folds, and what is told of each fold."""
    input:
        ml_dataset=validated_dataset(SCIENCE.ml_dataset),
        borders=VALIDATION["validation_borders"]["borders"],
        validation_spec=VALIDATION["validation_spec"]["validation_spec"],
        fold_specs=fold_specs,
        run_specs=fold_files("spec"),
        runs=fold_files(*READ_OF_RUN),
    output:
        **VALIDATION["validation_labels"],
    log:
        VALIDATION["validation_labels"]["labels"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(4000),
        runtime=more_each_attempt(60),
    params:
        asked=asked_of,
        settings=settings_for("validation_labels"),
        code=code_once_planned("validation_labels"),
    script:
        "../scripts/validation_labels.py"


rule validation_sums:
    """Sums of outcomes by day, fold, period and state: rows are read once."""
    input:
        ml_dataset=validated_dataset(SCIENCE.ml_dataset),
        equal_weight_market=SCIENCE.equal_weight_market,
        borders=VALIDATION["validation_borders"]["borders"],
        run_specs=fold_files("spec"),
        runs=fold_files(*READ_OF_RUN),
    output:
        **VALIDATION["validation_sums"],
    log:
        VALIDATION["validation_sums"]["state_sums"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(4000),
        runtime=more_each_attempt(120),
    params:
        asked=asked_of,
        settings=settings_for("validation_sums"),
        code=code_once_planned("validation_sums"),
    script:
        "../scripts/validation_sums.py"


rule validation_outcomes:
    """What followed each state out of sample, with errors that hold."""
    input:
        labels=VALIDATION["validation_labels"]["labels"],
        matching=VALIDATION["validation_labels"]["matching"],
        state_sums=VALIDATION["validation_sums"]["state_sums"],
    output:
        **VALIDATION["validation_outcomes"],
    log:
        VALIDATION["validation_outcomes"]["state_outcomes"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(4000),
        runtime=more_each_attempt(120),
    params:
        asked=asked_of,
        settings=settings_for("validation_outcomes"),
        code=code_once_planned("validation_outcomes"),
    script:
        "../scripts/validation_outcomes.py"


rule validation_placebo:
    """The separation of the labels beside that of shifted ones."""
    input:
        ml_dataset=validated_dataset(SCIENCE.ml_dataset),
        equal_weight_market=SCIENCE.equal_weight_market,
        labels=VALIDATION["validation_labels"]["labels"],
        matching=VALIDATION["validation_labels"]["matching"],
        state_sums=VALIDATION["validation_sums"]["state_sums"],
        state_tests=VALIDATION["validation_outcomes"]["state_tests"],
    output:
        **VALIDATION["validation_placebo"],
    log:
        VALIDATION["validation_placebo"]["placebo"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(4000),
        runtime=more_each_attempt(120),
    params:
        asked=asked_of,
        settings=settings_for("validation_placebo"),
        code=code_once_planned("validation_placebo"),
    script:
        "../scripts/validation_placebo.py"


rule validation_events:
    """Changes of state as events."""
    input:
        ml_dataset=validated_dataset(SCIENCE.ml_dataset),
        equal_weight_market=SCIENCE.equal_weight_market,
        labels=VALIDATION["validation_labels"]["labels"],
        matching=VALIDATION["validation_labels"]["matching"],
        state_sums=VALIDATION["validation_sums"]["state_sums"],
        state_tests=VALIDATION["validation_outcomes"]["state_tests"],
    output:
        **VALIDATION["validation_events"],
    log:
        VALIDATION["validation_events"]["event_paths"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(4000),
        runtime=more_each_attempt(120),
    params:
        asked=asked_of,
        settings=settings_for("validation_events"),
        code=code_once_planned("validation_events"),
    script:
        "../scripts/validation_events.py"


rule validation_stability:
    """States from year to year."""
    input:
        borders=VALIDATION["validation_borders"]["borders"],
        run_specs=fold_files("spec"),
        runs=fold_files(*READ_OF_RUN),
        labels=VALIDATION["validation_labels"]["labels"],
        matching=VALIDATION["validation_labels"]["matching"],
        state_sums=VALIDATION["validation_sums"]["state_sums"],
        state_tests=VALIDATION["validation_outcomes"]["state_tests"],
    output:
        **VALIDATION["validation_stability"],
    log:
        VALIDATION["validation_stability"]["by_year"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(4000),
        runtime=more_each_attempt(60),
    params:
        asked=asked_of,
        settings=settings_for("validation_stability"),
        code=code_once_planned("validation_stability"),
    script:
        "../scripts/validation_stability.py"


rule validation_dwell:
    """How long states last."""
    input:
        borders=VALIDATION["validation_borders"]["borders"],
        run_specs=fold_files("spec"),
        runs=fold_files(*READ_OF_RUN),
        labels=VALIDATION["validation_labels"]["labels"],
    output:
        **VALIDATION["validation_dwell"],
    log:
        VALIDATION["validation_dwell"]["dwell"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(4000),
        runtime=more_each_attempt(60),
    params:
        asked=asked_of,
        settings=settings_for("validation_dwell"),
        code=code_once_planned("validation_dwell"),
    script:
        "../scripts/validation_dwell.py"
