"""Gold features of many tickers to research datasets."""


rule dataset:
    """Every dataset of the settings."""
    input:
        [SCIENCE.ml_dataset.format(dataset=name) for name in SETTINGS.datasets],


rule ml_dataset:
    """Features and forward outcomes of many tickers in one file."""
    input:
        features=dataset_features,
    output:
        ml_dataset=SCIENCE.ml_dataset,
        ml_dataset_metadata=SCIENCE.ml_dataset_metadata,
    log:
        SCIENCE.ml_dataset.log,
    conda:
        "../envs/mf_etl.yaml"
    threads: 2
    params:
        listings=dataset_listings,
        request=dataset_request,
        settings=settings_for("ml_dataset"),
        code=code_once_planned("ml_dataset"),
    script:
        "../scripts/ml_dataset.py"
