"""Trust: what is known of the universe, what is missing, what looks wrong."""


rule qa:
    """Everything that is known of the universe, with a verdict."""
    input:
        TOTAL.qa_gate,
        TOTAL.file_manifest_current,
        TOTAL.built.format(layer="gold_features"),


rule file_manifest:
    """Every raw file, compared with the last completed full build."""
    output:
        file_manifest_current=TOTAL.file_manifest_current,
    log:
        TOTAL.file_manifest_current.log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        raw_root=raw_root,
        raw_state=raw_state,
        fingerprint_cache=str(fingerprint_cache(SETTINGS.paths)),
        stable=str(TOTAL.file_manifest),
        settings=settings_for("file_manifest"),
        code=code_once_planned("file_manifest"),
    script:
        "../scripts/file_manifest.py"


rule symbol_master:
    """One row a ticker: where it comes from, its span, and what was wrong with it."""
    input:
        bronze_summaries=summaries("bronze_ohlcv"),
    output:
        symbol_master=TOTAL.symbol_master,
        symbol_master_csv=TOTAL.symbol_master_csv,
    log:
        TOTAL.symbol_master.log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        settings=settings_for("symbol_master"),
        code=code_once_planned("symbol_master"),
    script:
        "../scripts/symbol_master.py"


BRONZE_QA = {
    name: getattr(TOTAL, name)
    for name in (
        "bronze_sanity_summary",
        "bronze_sanity_by_exchange",
        "bronze_sanity_by_exchange_csv",
        "bronze_rows_by_year",
        "bronze_rows_by_year_csv",
        "problem_tickers",
        "problem_tickers_csv",
    )
}


rule bronze_qa:
    """Bronze by exchange and year, the tickers to look at, and the checks."""
    input:
        bronze_summaries=summaries("bronze_ohlcv"),
        symbol_master=TOTAL.symbol_master,
    output:
        **shown(BRONZE_QA, "Data quality"),
    log:
        TOTAL.bronze_sanity_summary.log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        settings=settings_for("bronze_qa"),
        code=code_once_planned("bronze_qa"),
    script:
        "../scripts/bronze_qa.py"


for stem, (layer, above) in CHECKED.items():

    rule:
        name:
            f"{stem}_qa"
        input:
            above=summaries(above),
            summaries=summaries(layer),
        output:
            run_summary=getattr(TOTAL, f"{stem}_run_summary"),
            ticker_results=getattr(TOTAL, f"{stem}_ticker_results"),
            sanity_summary=getattr(TOTAL, f"{stem}_sanity_summary"),
        log:
            getattr(TOTAL, f"{stem}_sanity_summary").log,
        conda:
            "../envs/mf_etl.yaml"
        params:
            layer=layer,
            settings=settings_for("layer_qa"),
            code=code_once_planned("layer_qa"),
        script:
            "../scripts/layer_qa.py"


rule qa_verdict:
    """The checks of all layers and the worst of their results."""
    input:
        sanity_summaries=[
            TOTAL.bronze_sanity_summary,
            *(getattr(TOTAL, f"{stem}_sanity_summary") for stem in CHECKED),
        ],
    output:
        qa_verdict=TOTAL.qa_verdict,
    log:
        TOTAL.qa_verdict.log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        code=code_once_planned("qa_verdict"),
    script:
        "../scripts/qa_verdict.py"


rule qa_gate:
    """Fails when the verdict is as bad as `qa.fail_on` says."""
    input:
        qa_verdict=TOTAL.qa_verdict,
    output:
        qa_gate=TOTAL.qa_gate,
    log:
        TOTAL.qa_gate.log,
    localrule: True
    conda:
        "../envs/mf_etl.yaml"
    params:
        settings=settings_for("qa_gate"),
        code=code_once_planned("qa_gate"),
    script:
        "../scripts/qa_gate.py"


rule prune:
    """List the files of tickers that are no longer built; `--config prune__delete=true` deletes them."""
    log:
        f"{SETTINGS.paths.logs_root}/prune.log",
    conda:
        "../envs/mf_etl.yaml"
    params:
        paths=SETTINGS.paths.model_dump(),
        pairs=lambda wildcards: [list(pair) for pair in UNIVERSE.listed],
        is_to_delete=SETTINGS.prune.delete,
        code=code_once_planned("prune"),
    script:
        "../scripts/prune.py"


rule catalog:
    """A DuckDB file of views over all that has been built; made anew whenever it is asked for."""
    input:
        asked_for_beside("catalog"),
    log:
        f"{SETTINGS.paths.logs_root}/catalog.log",
    conda:
        "../envs/mf_etl.yaml"
    params:
        paths=SETTINGS.paths.model_dump(),
        universe=universe_if_at_hand,
        code=code_once_planned("catalog"),
    script:
        "../scripts/catalog.py"
