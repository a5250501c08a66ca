"""Validations: a run's model refitted year by year, and what its labels out of sample are worth.

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


def validated_dataset(pattern):
    """An input function: a file of the dataset that the labels are of."""
    return lambda wildcards: pattern.format(
        dataset=labels_run(validation_of(wildcards.run))[1].dataset
    )


def asked(*options):
    """A parameter function: whose labels are validated, and those of the options that a rule reads.

    A change of another option is no reason to do its job again.
    """
    names = {"labels", "column", "in_sample", *options}
    return lambda wildcards: validation_of(wildcards.run).model_dump(
        mode="json", include=names
    )


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
        asked=asked("last_folds"),
        code=code_once_planned("validation_borders"),
    script:
        "../scripts/validation_borders.py"


rule validation_fold:
    """What the run of a fold is asked to do."""
    input:
        borders=VALIDATION["validation_borders"]["borders"],
        run_spec=labels_spec,
        states=states_chosen,
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


rule validation_k:
    """What a fold's train rows say to a number of states, by the likelihood of held-out tickers."""
    input:
        ml_dataset=validated_dataset(SCIENCE.ml_dataset),
        borders=VALIDATION["validation_borders"]["borders"],
        run_spec=labels_spec,
    output:
        **VALIDATION["validation_k"],
    log:
        VALIDATION["validation_k"]["k_row"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(4000),
        runtime=more_each_attempt(240),
    params:
        asked=asked("seed"),
        code=code_once_planned("validation_k"),
    script:
        "../scripts/validation_k.py"


checkpoint validation_states:
    """The number of states of a fold: the fewest within one standard error of the best."""
    input:
        tried=numbers_tried,
    output:
        **VALIDATION["validation_states"],
    log:
        VALIDATION["validation_states"]["fold_states"].log,
    localrule: True
    conda:
        "../envs/mf_etl.yaml"
    params:
        code=code_once_planned("validation_states"),
    script:
        "../scripts/validation_states.py"


rule validation_labels:
    """Labels out of sample from the runs of the folds, and what is told of each fold."""
    input:
        ml_dataset=validated_dataset(SCIENCE.ml_dataset),
        borders=VALIDATION["validation_borders"]["borders"],
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
        asked=asked(),
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
        asked=asked("horizons", "h", "min_names"),
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
        **shown(VALIDATION["validation_outcomes"], "Validations"),
    log:
        VALIDATION["validation_outcomes"]["state_outcomes"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(4000),
        runtime=more_each_attempt(120),
    params:
        asked=asked("replications", "seed"),
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
        asked=asked("h", "min_names", "replications", "seed"),
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
        asked=asked("h", "min_names", "replications", "seed"),
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
        asked=asked("h", "replications", "seed"),
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
        asked=asked("seed"),
        settings=settings_for("validation_dwell"),
        code=code_once_planned("validation_dwell"),
    script:
        "../scripts/validation_dwell.py"


def trials_counted(wildcards):
    """The trials of the validation, then those of the others that it names."""
    others = validation_of(wildcards.run).trials_with
    pattern = VALIDATION["validation_trials"]["trials"]
    return [pattern.format(run=run) for run in dict.fromkeys((wildcards.run, *others))]


# Cells of sweeps and seeds of the settings: each was a look at the data.
CELLS = sum(len(request.cells()) for request in NAMED.values())


rule validation_held:
    """Which states the portfolio of each fold holds, by its train rows alone."""
    input:
        state_sums=VALIDATION["validation_sums"]["state_sums"],
    output:
        **VALIDATION["validation_held"],
    log:
        VALIDATION["validation_held"]["held"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(2000),
        runtime=more_each_attempt(60),
    params:
        asked=asked("h", "replications", "seed"),
        settings=settings_for("validation_held"),
        code=code_once_planned("validation_held"),
    script:
        "../scripts/validation_held.py"


rule validation_portfolio:
    """What a portfolio of these states held, and what each day brought."""
    input:
        ml_dataset=validated_dataset(SCIENCE.ml_dataset),
        labels=VALIDATION["validation_labels"]["labels"],
        held=VALIDATION["validation_held"]["held"],
    output:
        **VALIDATION["validation_portfolio"],
    log:
        VALIDATION["validation_portfolio"]["positions"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(4000),
        runtime=more_each_attempt(120),
    params:
        asked=asked("h", "aum"),
        settings=settings_for("validation_portfolio"),
        code=code_once_planned("validation_portfolio"),
    script:
        "../scripts/validation_portfolio.py"


rule validation_trials:
    """Each state by itself, long and short, held for each horizon."""
    input:
        ml_dataset=validated_dataset(SCIENCE.ml_dataset),
        labels=VALIDATION["validation_labels"]["labels"],
    output:
        **VALIDATION["validation_trials"],
    log:
        VALIDATION["validation_trials"]["trials"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(4000),
        runtime=more_each_attempt(120),
    params:
        run=lambda wildcards: wildcards.run,
        asked=asked("horizons", "aum"),
        settings=settings_for("validation_trials"),
        code=code_once_planned("validation_trials"),
    script:
        "../scripts/validation_trials.py"


rule validation_capacity:
    """The portfolio at other sizes."""
    input:
        ml_dataset=validated_dataset(SCIENCE.ml_dataset),
        labels=VALIDATION["validation_labels"]["labels"],
        held=VALIDATION["validation_held"]["held"],
    output:
        **VALIDATION["validation_capacity"],
    log:
        VALIDATION["validation_capacity"]["capacity"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(4000),
        runtime=more_each_attempt(120),
    params:
        asked=asked("h"),
        settings=settings_for("validation_capacity"),
        code=code_once_planned("validation_capacity"),
    script:
        "../scripts/validation_capacity.py"


rule validation_costs:
    """The portfolio at other costs, and a day late."""
    input:
        ml_dataset=validated_dataset(SCIENCE.ml_dataset),
        labels=VALIDATION["validation_labels"]["labels"],
        held=VALIDATION["validation_held"]["held"],
    output:
        **VALIDATION["validation_costs"],
    log:
        VALIDATION["validation_costs"]["costs"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(4000),
        runtime=more_each_attempt(120),
    params:
        asked=asked("h", "aum"),
        settings=settings_for("validation_costs"),
        code=code_once_planned("validation_costs"),
    script:
        "../scripts/validation_costs.py"


rule validation_performance:
    """What the days of each portfolio come to, after so many trials."""
    input:
        positions=VALIDATION["validation_portfolio"]["positions"],
        daily=VALIDATION["validation_portfolio"]["daily"],
        trials=trials_counted,
    output:
        **VALIDATION["validation_performance"],
    log:
        VALIDATION["validation_performance"]["performance"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(2000),
        runtime=more_each_attempt(30),
    params:
        cells=CELLS,
        asked=asked("h", "extra_trials"),
        settings=settings_for("validation_performance"),
        code=code_once_planned("validation_performance"),
    script:
        "../scripts/validation_performance.py"


rule validation_spa:
    """Whether the best trial is better than its market beyond luck."""
    input:
        trials=trials_counted,
        state_tests=VALIDATION["validation_outcomes"]["state_tests"],
    output:
        **VALIDATION["validation_spa"],
    log:
        VALIDATION["validation_spa"]["spa"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(2000),
        runtime=more_each_attempt(60),
    params:
        asked=asked("replications", "seed"),
        code=code_once_planned("validation_spa"),
    script:
        "../scripts/validation_spa.py"


rule validation_pbo:
    """How often the best of one half of the days is poor in the other."""
    input:
        trials=trials_counted,
    output:
        **VALIDATION["validation_pbo"],
    log:
        VALIDATION["validation_pbo"]["pbo"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(2000),
        runtime=more_each_attempt(60),
    params:
        asked=asked(),
        code=code_once_planned("validation_pbo"),
    script:
        "../scripts/validation_pbo.py"


rule validation_summary:
    """The findings, and the verdict on them."""
    input:
        validation_spec=VALIDATION["validation_spec"]["validation_spec"],
        ml_dataset_metadata=validated_dataset(SCIENCE.ml_dataset_metadata),
        tables=[
            VALIDATION["validation_borders"]["borders"],
            VALIDATION["validation_labels"]["folds"],
            VALIDATION["validation_labels"]["labels"],
            VALIDATION["validation_labels"]["matching"],
            VALIDATION["validation_sums"]["state_sums"],
            VALIDATION["validation_outcomes"]["state_outcomes"],
            VALIDATION["validation_outcomes"]["state_tests"],
            VALIDATION["validation_placebo"]["placebo"],
            VALIDATION["validation_events"]["event_summary"],
            VALIDATION["validation_stability"]["drift"],
            VALIDATION["validation_held"]["held"],
            VALIDATION["validation_performance"]["performance"],
            VALIDATION["validation_spa"]["spa"],
            VALIDATION["validation_pbo"]["pbo"],
        ],
        trials=trials_counted,
    output:
        **VALIDATION["validation_summary"],
    log:
        VALIDATION["validation_summary"]["validation_summary"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(2000),
        runtime=more_each_attempt(30),
    params:
        cells=CELLS,
        asked=asked(*ValidationRequest.model_fields),
        code=code_once_planned("validation_summary"),
    script:
        "../scripts/validation_summary.py"


rule validation_refit:
    """The run's model refitted on tickers drawn with replacement."""
    input:
        ml_dataset=validated_dataset(SCIENCE.ml_dataset),
        run_spec=labels_spec,
        labelled=labels_files("labelled"),
        split=labels_files("split_summary"),
    output:
        **VALIDATION["validation_refit"],
    log:
        VALIDATION["validation_refit"]["refit"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(8000),
        runtime=more_each_attempt(480),
    params:
        asked=asked("seed"),
        code=code_once_planned("validation_refit"),
    script:
        "../scripts/validation_refit.py"


rule validation_refits:
    """Twenty of them: how far labels hang on which tickers there are. A target of its own, and long."""
    input:
        draws=expand(
            VALIDATION["validation_refit"]["refit"],
            draw=range(DRAWS),
            allow_missing=True,
        ),
    output:
        **VALIDATION["validation_refits"],
    log:
        VALIDATION["validation_refits"]["refits"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(2000),
        runtime=more_each_attempt(30),
    params:
        asked=asked(),
        settings=settings_for("validation_refits"),
        code=code_once_planned("validation_refits"),
    script:
        "../scripts/validation_refits.py"


rule validation_figures:
    """Intervals by state, paths around changes, placebo, folds, equity and capacity."""
    input:
        tables=[
            VALIDATION["validation_labels"]["folds"],
            VALIDATION["validation_stability"]["by_year"],
            VALIDATION["validation_outcomes"]["state_outcomes"],
            VALIDATION["validation_events"]["event_paths"],
            VALIDATION["validation_events"]["event_summary"],
            VALIDATION["validation_placebo"]["placebo"],
            VALIDATION["validation_portfolio"]["daily"],
            VALIDATION["validation_capacity"]["capacity"],
        ],
    output:
        **shown(VALIDATION["validation_figures"], "Validations"),
    log:
        VALIDATION["validation_figures"]["figure_intervals"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(2000),
        runtime=more_each_attempt(30),
    params:
        dataset=lambda wildcards: labels_run(validation_of(wildcards.run))[1].dataset,
        asked=asked("h"),
        code=code_once_planned("validation_figures"),
    script:
        "../scripts/validation_figures.py"
