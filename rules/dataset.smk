"""Layers of many tickers to the equal-weight market and to research datasets."""


rule market:
    """The equal-weight market of the whole universe."""
    input:
        SCIENCE.equal_weight_market,


rule dataset:
    """Every dataset of the settings."""
    input:
        [SCIENCE.ml_dataset.format(dataset=name) for name in SETTINGS.datasets],


rule equal_weight_market:
    """Mean outcomes of the eligible stocks of each day, over every ticker there is."""
    input:
        summaries=summaries("silver_base"),
    output:
        equal_weight_market=SCIENCE.equal_weight_market,
    log:
        SCIENCE.equal_weight_market.log,
    conda:
        "../envs/mf_etl.yaml"
    threads: 2
    resources:
        mem_mb=more_each_attempt(2000),
        runtime=more_each_attempt(30),
    params:
        settings=settings_for("equal_weight_market"),
        code=code_once_planned("equal_weight_market"),
    script:
        "../scripts/equal_weight_market.py"


rule ml_dataset:
    """Features and forward outcomes of many tickers in one file."""
    input:
        equal_weight_market=SCIENCE.equal_weight_market,
        features=dataset_summaries("gold_features"),
        base=dataset_summaries("silver_base"),
    output:
        ml_dataset=SCIENCE.ml_dataset,
        ml_dataset_metadata=SCIENCE.ml_dataset_metadata,
    log:
        SCIENCE.ml_dataset.log,
    wildcard_constraints:
        dataset=f"(?!{'|'.join(ADOPTED)}){DATASET_PATTERN}",
    conda:
        "../envs/mf_etl.yaml"
    threads: 2
    resources:
        mem_mb=more_each_attempt(2000),
        runtime=more_each_attempt(60),
    params:
        request=dataset_request,
        settings=settings_for("ml_dataset"),
        code=code_once_planned("ml_dataset"),
    script:
        "../scripts/ml_dataset.py"


rule adopted_dataset:
    """A dataset file from elsewhere as one of this build."""
    input:
        file=adopted_file,
    output:
        ml_dataset=SCIENCE.ml_dataset,
        ml_dataset_metadata=SCIENCE.ml_dataset_metadata,
    log:
        f"{SETTINGS.paths.logs_root}/adopted_dataset/{{dataset}}.log",
    wildcard_constraints:
        dataset=f"(?={'|'.join(ADOPTED)}){DATASET_PATTERN}",
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(2000),
        runtime=more_each_attempt(60),
    params:
        content=adopted_content,
        code=code_once_planned("adopted_dataset"),
    script:
        "../scripts/adopted_dataset.py"


rule ml_dataset_csv:
    """A dataset as comma-separated values, for programs that read no Parquet."""
    input:
        ml_dataset=dataset_of_wildcards,
        ml_dataset_metadata=SCIENCE.ml_dataset_metadata,
    output:
        ml_dataset_csv=SCIENCE.ml_dataset_csv,
    log:
        SCIENCE.ml_dataset_csv.log,
    conda:
        "../envs/mf_etl.yaml"
    resources:
        mem_mb=more_each_attempt(2000),
        runtime=more_each_attempt(60),
    params:
        code=code_once_planned("ml_dataset_csv"),
    script:
        "../scripts/ml_dataset_csv.py"
