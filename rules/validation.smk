"""Validations: a run's model refitted year by year, and what its labels out of sample are worth."""


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
        ml_dataset=validated_dataset,
        ml_dataset_metadata=validated_metadata,
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
        ml_dataset=validated_dataset,
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
        ml_dataset=validated_dataset,
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
        ml_dataset=validated_dataset,
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
        ml_dataset=validated_dataset,
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
        ml_dataset=validated_dataset,
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
