"""What validations are asked, and the runs of their folds, for the rules of `validation.smk`.

The years of test follow from the days of the dataset, which are known once it is there: so the job
that finds them is a checkpoint, and the runs of the folds are planned after it.
"""

from mf_etl.research.validation.catalog import (
    DRAWS,
    SPEC as VALIDATION_SPEC,
    YEAR_PATTERN,
    validation_files,
    validation_patterns,
    validation_root,
)
from mf_etl.research.validation.request import (
    ValidationRequest,
    read_validation,
    validation_text,
)
from mf_etl.research.walk_forward.folds import (
    chosen_states,
    fold_folder,
    fold_request,
    read_folds,
    refuse,
)

VALIDATION = validation_patterns(SETTINGS.paths)
VALIDATIONS = Path(validation_root(SETTINGS.paths))
STATES = VALIDATION["validation_states"]["fold_states"]
ASKED = SETTINGS.research_validation.named()

# Of the run of a fold: what validations read.
READ_OF_RUN = (
    *("run_summary", "labelled", "profile", "scaler_params", "split_summary"),
    *("transition_counts", "model"),
)


wildcard_constraints:
    year=YEAR_PATTERN,
    k=r"\d{1,3}",
    draw=r"\d{1,2}",


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
    found = []
    for fold in read_folds(Path(borders)):
        number = None
        if asked.select_k is not None:
            states = Path(STATES.format(run=run, year=fold.fold))
            if not states.exists():
                continue  # its number of states is not chosen yet
            number = chosen_states(states)
        own = fold_request(request, fold, number)
        found.append((fold.fold, research, fold_folder(own, fold), own))
    return found


def folds_planned(run):
    """The runs of the folds, once their borders and numbers of states are known."""
    borders = checkpoints.validation_borders.get(run=run).output.borders
    asked = validation_of(run)
    if asked.select_k is not None and not asked.in_sample:
        for fold in read_folds(Path(borders)):
            checkpoints.validation_states.get(run=run, year=fold.fold)
    return runs_of_folds(run, borders)


def states_chosen(wildcards):
    """The number of states of a fold, where it is chosen."""
    if validation_of(wildcards.run).select_k is None:
        return []
    return [STATES.format(run=wildcards.run, year=wildcards.year)]


def numbers_tried(wildcards):
    """What each number of states comes to in a fold."""
    numbers = validation_of(wildcards.run).select_k
    if numbers is None:
        stop(f"validation {wildcards.run} chooses no number of states (select_k)")
    pattern = VALIDATION["validation_k"]["k_row"]
    return [
        pattern.format(run=wildcards.run, year=wildcards.year, k=k) for k in numbers
    ]


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
        return [
            (
                f"{RUNS[research]}/{folder}/{SPEC}"
                if name == "spec"
                else MODELS[research]["run"][name].format(run=folder)
            )
            for _, research, folder, _ in folds_planned(wildcards.run)
            for name in names
        ]

    return files


def fold_specs(wildcards):
    """The specification of each fold, within the folder of the validation."""
    pattern = VALIDATION["validation_fold"]["fold_spec"]
    years = [year for year, *_ in folds_planned(wildcards.run)]
    return [pattern.format(run=wildcards.run, year=year) for year in years if year]


def labels_spec(wildcards):
    """The specification of the run whose labels are validated."""
    asked = validation_of(wildcards.run)
    return f"{RUNS[labels_run(asked)[0]]}/{asked.labels}/{SPEC}"


def labels_files(*names):
    """An input function: files of the run whose labels are validated."""

    def files(wildcards):
        own = validation_of(wildcards.run)
        patterns = MODELS[labels_run(own)[0]]["run"]
        return [patterns[name].format(run=own.labels) for name in names]

    return files


def validated_dataset(wildcards):
    """An input function: the dataset that the labels are of."""
    return dataset_file(labels_run(validation_of(wildcards.run))[1].dataset)


def validated_metadata(wildcards):
    """An input function: what is told of that dataset."""
    name = labels_run(validation_of(wildcards.run))[1].dataset
    return SCIENCE.ml_dataset_metadata.format(dataset=name)


def asked(*options):
    """A parameter function: whose labels are validated, and those of the options that a rule reads.

    A change of another option is no reason to do its job again.
    """
    names = {"labels", "column", "in_sample", *options}
    return lambda wildcards: validation_of(wildcards.run).model_dump(
        mode="json", include=names
    )


def trials_counted(wildcards):
    """The trials of the validation, then those of the others that it names."""
    others = validation_of(wildcards.run).trials_with
    pattern = VALIDATION["validation_trials"]["trials"]
    return [pattern.format(run=run) for run in dict.fromkeys((wildcards.run, *others))]


# Cells of sweeps and seeds of the settings: each was a look at the data.
CELLS = sum(len(request.cells()) for request in NAMED.values())
