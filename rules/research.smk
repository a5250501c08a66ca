"""Specifications of runs, and prepared matrices that many runs share."""


rule run_spec:
    """What a run of the settings, or of a fold, is asked to do, beside what came of it."""
    output:
        run_spec=f"{SETTINGS.paths.results_root}/{{research_runs}}/{{run}}/{SPEC}",
    log:
        f"{SETTINGS.paths.logs_root}/run_spec/{{research_runs}}/{{run}}.log",
    wildcard_constraints:
        research_runs="|".join(RUNS_FOLDERS.values()),
        run="|".join([FOLD_PATTERN, *(re.escape(run) for _, run in NAMED)]),
    localrule: True
    conda:
        "../envs/mf_etl.yaml"
    params:
        text=run_spec_text,
        code=code_once_planned("run_spec"),
    script:
        "../scripts/run_spec.py"


rule prepared_matrix:
    """A dataset, split, scaled and clipped: what models read."""
    input:
        ml_dataset=dataset_of_wildcards,
        ml_dataset_metadata=SCIENCE.ml_dataset_metadata,
    output:
        **MATRIX,
    log:
        MATRIX["prepared_matrix"].log,
    conda:
        "../envs/mf_etl.yaml"
    threads: 4
    resources:
        mem_mb=more_each_attempt(4000),
        runtime=more_each_attempt(60),
    params:
        preparation=preparation_of,
        settings=settings_for("prepared_matrix"),
        code=code_once_planned("prepared_matrix"),
    script:
        "../scripts/prepared_matrix.py"
