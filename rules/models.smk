"""Runs, sweeps and stability studies, the same for every model; and what hidden Markov models add."""


rule clustering:
    """Every clustering of the settings."""
    input:
        named_files("clustering"),


rule hmm:
    """Every hidden Markov model of the settings."""
    input:
        named_files("hmm"),


for research in RUNS_FOLDERS:

    rule:
        name:
            f"{research}_run"
        input:
            run_spec=run_spec_file(research),
            prepared=prepared_files(research),
            ml_dataset=dataset_of_run(research),
        output:
            **shown(MODELS[research]["run"], CATEGORIES[research]),
        log:
            MODELS[research]["run"]["run_summary"].log,
        conda:
            "../envs/mf_etl.yaml"
        threads: 4
        resources:
            mem_mb=more_each_attempt(8000),
            runtime=more_each_attempt(240),
        params:
            research=research,
            spec=run_model(research),
            settings=settings_for("research_run"),
            code=code_once_planned("research_run"),
        script:
            "../scripts/research_run.py"

    rule:
        name:
            f"{research}_cell"
        input:
            prepared=prepared_files(research),
            ml_dataset=dataset_of_run(research),
        output:
            **MODELS[research]["cell"],
        log:
            MODELS[research]["cell"]["cell_row"].log,
        conda:
            "../envs/mf_etl.yaml"
        threads: 1  # so that many run side by side
        resources:
            mem_mb=more_each_attempt(4000),
            runtime=more_each_attempt(240),
        params:
            research=research,
            spec=cell_model(research),
            code=code_once_planned("research_cell"),
        script:
            "../scripts/research_cell.py"

    rule:
        name:
            f"{research}_sweep"
        input:
            run_spec=run_spec_file(research),
            cells=cell_files(research, MODELS[research]["cell"]["cell_row"]),
        output:
            **shown(MODELS[research]["sweep"], CATEGORIES[research]),
        log:
            MODELS[research]["sweep"]["sweep_json"].log,
        conda:
            "../envs/mf_etl.yaml"
        resources:
            mem_mb=more_each_attempt(2000),
            runtime=more_each_attempt(30),
        params:
            research=research,
            code=code_once_planned("research_sweep"),
        script:
            "../scripts/research_sweep.py"

    rule:
        name:
            f"{research}_seed"
        input:
            prepared=prepared_files(research),
            ml_dataset=dataset_of_run(research),
        output:
            **MODELS[research]["seed"],
        log:
            MODELS[research]["seed"]["seed_metrics"].log,
        conda:
            "../envs/mf_etl.yaml"
        threads: 1  # so that many run side by side
        resources:
            mem_mb=more_each_attempt(4000),
            runtime=more_each_attempt(240),
        params:
            research=research,
            spec=cell_model(research),
            code=code_once_planned("research_seed"),
        script:
            "../scripts/research_seed.py"

    rule:
        name:
            f"{research}_stability"
        input:
            run_spec=run_spec_file(research),
            seeds=cell_files(research, MODELS[research]["seed"]["seed_metrics"]),
        output:
            **shown(MODELS[research]["stability"], CATEGORIES[research]),
        log:
            MODELS[research]["stability"]["stability_summary"].log,
        conda:
            "../envs/mf_etl.yaml"
        resources:
            mem_mb=more_each_attempt(4000),
            runtime=more_each_attempt(120),
        params:
            research=research,
            settings=settings_for("research_stability"),
            code=code_once_planned("research_stability"),
        script:
            "../scripts/research_stability.py"


rule clustering_periods:
    """The profile of the train and of the test period, of a clustering that splits by time."""
    input:
        profile=MODELS["clustering"]["run"]["profile"],
    output:
        **shown(MODELS["clustering"]["periods"], CATEGORIES["clustering"]),
    log:
        MODELS["clustering"]["periods"]["profile_train"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(2000),
        runtime=more_each_attempt(30),
    params:
        settings=settings_for("clustering_periods"),
        code=code_once_planned("clustering_periods"),
    script:
        "../scripts/clustering_periods.py"


rule hmm_vs_cluster:
    """The states of a run against the clusters of another."""
    input:
        decoded_rows=MODELS["hmm"]["run"]["labelled"],
        cluster_labels=cluster_labels,
    output:
        **shown(MODELS["hmm"]["clusters"], CATEGORIES["hmm"]),
    log:
        MODELS["hmm"]["clusters"]["cluster_metrics"].log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(4000),
        runtime=more_each_attempt(30),
    params:
        code=code_once_planned("hmm_vs_cluster"),
    script:
        "../scripts/hmm_vs_cluster.py"


rule hmm_decode:
    """The states of another dataset by the model of a run; nothing is fitted."""
    input:
        run_spec=run_spec_file("hmm"),
        hmm_model_meta=MODELS["hmm"]["run"]["model"],
        ml_dataset=dataset_of_wildcards,
        ml_dataset_metadata=SCIENCE.ml_dataset_metadata,
    output:
        **MODELS["hmm"]["decode"],
    log:
        MODELS["hmm"]["decode"]["decoded_dataset"].log,
    conda:
        "../envs/mf_etl.yaml"
    threads: 4
    resources:
        mem_mb=more_each_attempt(4000),
        runtime=more_each_attempt(120),
    params:
        settings=settings_for("hmm_decode"),
        code=code_once_planned("hmm_decode"),
    script:
        "../scripts/hmm_decode.py"
