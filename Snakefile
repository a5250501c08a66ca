"""Raw daily files to research-ready layers: one declared file a ticker and layer."""

from snakemake.utils import min_version

min_version("9.27")


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/planning.smk"


rule all:
    """Every layer of every ticker, and what is known of them all."""
    default_target: True
    input:
        TOTAL.built.format(layer="gold_features"),
        TOTAL.file_manifest_current,
        TOTAL.qa_gate,
        [SCIENCE.ml_dataset.format(dataset=name) for name in SETTINGS.datasets],
        lambda wildcards: research_files(wildcards),
        lambda wildcards: page_files(wildcards),
        lambda wildcards: chart_files(wildcards),
        touched_files("gold_features"),


include: "rules/shown.smk"
include: "rules/parcels.smk"
include: "rules/bronze.smk"
include: "rules/silver.smk"
include: "rules/gold.smk"
include: "rules/universe.smk"
include: "rules/qa.smk"
include: "rules/dataset.smk"
include: "rules/runs.smk"
include: "rules/research.smk"
include: "rules/models.smk"
include: "rules/folds.smk"
include: "rules/validation.smk"
include: "rules/portfolio.smk"
include: "rules/pages.smk"
include: "rules/report.smk"
include: "rules/former.smk"
include: "rules/told.smk"
include: "rules/after.smk"
