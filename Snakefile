"""Raw daily files to research-ready layers: one declared file a ticker and layer."""


include: "rules/common.smk"


rule all:
    """Every layer of every ticker, and what is known of them all."""
    default_target: True
    input:
        for_every_ticker(
            DATA.bronze_ohlcv,
            DATA.silver_base,
            DATA.silver_indicators,
            DATA.gold_events,
            DATA.gold_features,
        ),
        manifest_file,
        checked_files,
        dataset_files,
        research_files,


include: "rules/bronze.smk"
include: "rules/silver.smk"
include: "rules/gold.smk"
include: "rules/universe.smk"
include: "rules/qa.smk"
include: "rules/dataset.smk"
include: "rules/runs.smk"
include: "rules/research.smk"
include: "rules/models.smk"
include: "rules/former.smk"
include: "rules/after.smk"
