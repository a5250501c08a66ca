"""Validations: what could have been earned by the states, the verdict, refits and figures."""


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
        ml_dataset=validated_dataset,
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
        ml_dataset=validated_dataset,
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
        ml_dataset=validated_dataset,
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
        ml_dataset=validated_dataset,
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
        ml_dataset_metadata=validated_metadata,
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
        ml_dataset=validated_dataset,
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
