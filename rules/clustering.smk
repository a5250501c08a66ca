"""Clusterings: runs, sweeps over methods and numbers of clusters, stability over seeds."""


rule clustering:
    """Every clustering of the settings."""
    input:
        named_files("clustering"),


rule clustering_run:
    """One clustering of a prepared matrix."""
    input:
        run_spec=run_spec_file("clustering"),
        prepared=prepared_files("clustering"),
    output:
        **CLUSTERING["run"],
    log:
        CLUSTERING["run"]["run_summary"].log,
    conda:
        "../envs/mf_etl.yaml"
    threads: 4
    params:
        request=run_request("clustering"),
        settings=settings_for("clustering_run"),
        code=code_once_planned("clustering_run"),
    script:
        "../scripts/clustering_run.py"


rule clustering_periods:
    """Profiles of the train and the test period, of a run that splits by time."""
    input:
        prepared=prepared_files("clustering"),
        clustered_dataset=CLUSTERING["run"]["clustered_dataset"],
    output:
        **CLUSTERING["periods"],
    log:
        CLUSTERING["periods"]["cluster_profile_train"].log,
    conda:
        "../envs/mf_etl.yaml"
    threads: 4
    params:
        settings=settings_for("clustering_periods"),
        code=code_once_planned("clustering_periods"),
    script:
        "../scripts/clustering_periods.py"


rule clustering_cell:
    """One clustering of a sweep."""
    input:
        prepared=prepared_files("clustering"),
    output:
        cell_row=CLUSTERING["cell"]["cell_row"],
    log:
        CLUSTERING["cell"]["cell_row"].log,
    conda:
        "../envs/mf_etl.yaml"
    threads: 1  # so that many run side by side
    params:
        spec=cell_spec("clustering"),
        code=code_once_planned("clustering_cell"),
    script:
        "../scripts/clustering_cell.py"


rule clustering_sweep:
    """The cells of a sweep beside each other."""
    input:
        run_spec=run_spec_file("clustering"),
        cells=cell_files("clustering", CLUSTERING["cell"]["cell_row"]),
    output:
        **CLUSTERING["sweep"],
    log:
        CLUSTERING["sweep"]["clustering_sweep_json"].log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        code=code_once_planned("clustering_sweep"),
    script:
        "../scripts/clustering_sweep.py"


rule clustering_seed:
    """One clustering of a stability study."""
    input:
        prepared=prepared_files("clustering"),
    output:
        **CLUSTERING["seed"],
    log:
        CLUSTERING["seed"]["seed_metrics"].log,
    conda:
        "../envs/mf_etl.yaml"
    threads: 1  # so that many run side by side
    params:
        spec=cell_spec("clustering"),
        code=code_once_planned("clustering_seed"),
    script:
        "../scripts/clustering_seed.py"


rule clustering_stability:
    """The clusterings of all seeds compared."""
    input:
        run_spec=run_spec_file("clustering"),
        seeds=cell_files("clustering", CLUSTERING["seed"]["seed_metrics"]),
    output:
        **CLUSTERING["stability"],
    log:
        CLUSTERING["stability"]["stability_summary"].log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        settings=settings_for("clustering_stability"),
        code=code_once_planned("clustering_stability"),
    script:
        "../scripts/clustering_stability.py"
