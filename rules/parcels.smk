"""Tickers in slots: a slot is brought up to date by a parcel, which is a run of its own.

docs/design.md tells how a build is planned.
"""


rule parcel:
    """A layer of a slot's tickers: brought up to date, once for all layers asked for, and summed up."""
    input:
        above=summary_above,
        tickers=ticker_files,
    output:
        layer_summary=TOTAL.layer_summary,
    log:
        TOTAL.layer_summary.log,
    priority: 1
    retries: 1
    conda:
        "../envs/mf_etl.yaml"
    resources:
        tmpdir=None,
        attempt=lambda wildcards, attempt: attempt,
        mem_mb=more_each_attempt(1000),
        runtime=more_each_attempt(5),
    params:
        work=parcel_work,
        members=planned_members,
        settings=settings_for("parcel"),
        code=CODE.of(ROOT / "mf_etl" / "qa" / "summary.py"),
    script:
        "../scripts/parcel.py"


rule built:
    """Fails, after all else, when a ticker could not be built, and names it."""
    input:
        summaries=lambda wildcards: summaries(wildcards.layer)(wildcards),
    output:
        built=TOTAL.built,
    log:
        TOTAL.built.log,
    priority: -1
    localrule: True
    conda:
        "../envs/mf_etl.yaml"
    params:
        code=code_once_planned("built"),
    script:
        "../scripts/built.py"


rule bronze:
    """Valid bars, rejects and quality report of every ticker, and the manifest."""
    input:
        TOTAL.built.format(layer="bronze_ohlcv"),
        TOTAL.file_manifest_current,
        touched_files("bronze_ohlcv"),


rule silver:
    """Helper series of every ticker."""
    input:
        TOTAL.built.format(layer="silver_base"),
        touched_files("silver_base"),


rule indicators:
    """Indicators of every ticker."""
    input:
        TOTAL.built.format(layer="silver_indicators"),
        touched_files("silver_indicators"),


rule events:
    """Events and flow states of every ticker."""
    input:
        TOTAL.built.format(layer="gold_events"),
        touched_files("gold_events"),


rule features:
    """Research features of every ticker."""
    input:
        TOTAL.built.format(layer="gold_features"),
        touched_files("gold_features"),
