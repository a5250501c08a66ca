"""Hidden Markov models: runs, sweeps over numbers of states, stability over seeds, decoding."""


rule hmm:
    """Every hidden Markov model of the settings."""
    input:
        named_files("hmm"),


rule hmm_run:
    """One hidden Markov model of a prepared matrix."""
    input:
        run_spec=run_spec_file("hmm"),
        prepared=prepared_files("hmm"),
    output:
        **HMM["run"],
    log:
        HMM["run"]["run_summary"].log,
    conda:
        "../envs/mf_etl.yaml"
    threads: 4
    params:
        request=run_request("hmm"),
        settings=settings_for("hmm_run"),
        code=code_once_planned("hmm_run"),
    script:
        "../scripts/hmm_run.py"


rule hmm_vs_cluster:
    """The states of a run against the clusters of another."""
    input:
        decoded_rows=HMM["run"]["decoded_rows"],
        cluster_labels=cluster_labels,
    output:
        **HMM["clusters"],
    log:
        HMM["clusters"]["cluster_metrics"].log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        code=code_once_planned("hmm_vs_cluster"),
    script:
        "../scripts/hmm_vs_cluster.py"


rule hmm_cell:
    """One model of a sweep."""
    input:
        prepared=prepared_files("hmm"),
    output:
        **HMM["cell"],
    log:
        HMM["cell"]["cell_row"].log,
    conda:
        "../envs/mf_etl.yaml"
    threads: 1  # so that many run side by side
    params:
        spec=cell_spec("hmm"),
        code=code_once_planned("hmm_cell"),
    script:
        "../scripts/hmm_cell.py"


rule hmm_sweep:
    """The cells of a sweep beside each other."""
    input:
        run_spec=run_spec_file("hmm"),
        cells=cell_files("hmm", HMM["cell"]["cell_row"]),
    output:
        **HMM["sweep"],
    log:
        HMM["sweep"]["hmm_sweep_summary"].log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        code=code_once_planned("hmm_sweep"),
    script:
        "../scripts/hmm_sweep.py"


rule hmm_seed:
    """One model of a stability study."""
    input:
        prepared=prepared_files("hmm"),
    output:
        **HMM["seed"],
    log:
        HMM["seed"]["seed_metrics"].log,
    conda:
        "../envs/mf_etl.yaml"
    threads: 1  # so that many run side by side
    params:
        spec=cell_spec("hmm"),
        code=code_once_planned("hmm_seed"),
    script:
        "../scripts/hmm_seed.py"


rule hmm_stability:
    """The models of all seeds compared."""
    input:
        run_spec=run_spec_file("hmm"),
        seeds=cell_files("hmm", HMM["seed"]["seed_metrics"]),
    output:
        **HMM["stability"],
    log:
        HMM["stability"]["hmm_stability_summary"].log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        settings=settings_for("hmm_stability"),
        code=code_once_planned("hmm_stability"),
    script:
        "../scripts/hmm_stability.py"


rule hmm_decode:
    """The states of another dataset by the model of a run; nothing is fitted."""
    input:
        run_spec=run_spec_file("hmm"),
        hmm_model_meta=HMM["run"]["hmm_model_meta"],
        ml_dataset=SCIENCE.ml_dataset,
        ml_dataset_metadata=SCIENCE.ml_dataset_metadata,
    output:
        **HMM["decode"],
    log:
        HMM["decode"]["decoded_dataset"].log,
    conda:
        "../envs/mf_etl.yaml"
    threads: 4
    params:
        settings=settings_for("hmm_decode"),
        code=code_once_planned("hmm_decode"),
    script:
        "../scripts/hmm_decode.py"
