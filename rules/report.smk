"""What people look at: pages and the data files of their charts."""


rule report:
    """All pages, and the chart files of the tickers that the settings name."""
    input:
        page_files,
        chart_files,


rule flow_states_by_day:
    """Tickers in each flow state on each day, over every ticker there is."""
    input:
        summaries=summaries("gold_events"),
    output:
        flow_states_by_day=SCIENCE.flow_states_by_day,
    log:
        SCIENCE.flow_states_by_day.log,
    conda:
        "../envs/mf_etl.yaml"
    threads: 2
    params:
        settings=settings_for("flow_states_by_day"),
        code=code_once_planned("flow_states_by_day"),
    script:
        "../scripts/flow_states_by_day.py"


checkpoint report_selection:
    """Which tickers get a chart file."""
    input:
        symbol_master=TOTAL.symbol_master,
        problem_tickers=TOTAL.problem_tickers,
    output:
        report_selection=PAGES.report_selection,
    log:
        PAGES.report_selection.log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        settings=settings_for("report_selection"),
        code=code_once_planned("report_selection"),
    script:
        "../scripts/report_selection.py"


rule report_assets:
    """What the pages load: scripts out of the installed wheel, our scripts, and the style."""
    output:
        assets=assets(),
    log:
        f"{SETTINGS.paths.logs_root}/report_assets.log",
    conda:
        "../envs/mf_etl.yaml"
    params:
        content=content_of_pages(),
        code=code_once_planned("report_assets"),
    script:
        "../scripts/report_assets.py"


rule report_ticker:
    """The data file of a ticker's chart."""
    input:
        summary=slot_of_ticker,
        run_files=files_of_shown_runs,
    output:
        report_ticker=PAGES.report_ticker,
    log:
        PAGES.report_ticker.log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        files=files_of_ticker,
        runs=shown_runs,
        code=code_once_planned("report_ticker"),
    script:
        "../scripts/report_ticker.py"


rule report_tickers:
    """The page that shows whatever ticker its address names."""
    output:
        report_tickers=PAGES.report_tickers,
    log:
        PAGES.report_tickers.log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        content=content_of_pages(),
        code=code_once_planned("report_tickers"),
    script:
        "../scripts/report_tickers.py"


rule report_ticker_list:
    """The list of tickers that the search of every page reads."""
    input:
        symbol_master=TOTAL.symbol_master,
        report_selection=PAGES.report_selection,
    output:
        report_ticker_list=PAGES.report_ticker_list,
    log:
        PAGES.report_ticker_list.log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        code=code_once_planned("report_ticker_list"),
    script:
        "../scripts/report_ticker_list.py"


rule report_market:
    """The page of the market and the data of its chart."""
    input:
        flow_states_by_day=SCIENCE.flow_states_by_day,
        bronze_sanity_summary=TOTAL.bronze_sanity_summary,
        qa_verdict=TOTAL.qa_verdict,
        events_sanity_summary=TOTAL.events_sanity_summary,
        bronze_rows_by_year=TOTAL.bronze_rows_by_year,
        problem_tickers=TOTAL.problem_tickers,
        file_manifest_current=TOTAL.file_manifest_current,
        run_files=files_of_shown_runs,
    output:
        report_market=PAGES.report_market,
        report_market_data=PAGES.report_market_data,
    log:
        PAGES.report_market.log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        runs=shown_runs,
        content=content_of_pages(),
        code=code_once_planned("report_market"),
    script:
        "../scripts/report_market.py"


rule report_run:
    """The page of a run, a sweep or a stability study."""
    input:
        files=final_files_of,
    output:
        report_run=PAGES.report_run,
    log:
        PAGES.report_run.log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        kind=lambda wildcards: request_of_run(wildcards.research, wildcards.run).kind,
        runs_root=lambda wildcards: RUNS[wildcards.research],
        content=content_of_pages(),
        code=code_once_planned("report_run"),
    script:
        "../scripts/report_run.py"


rule report_validation:
    """The page of a validation."""
    input:
        files=lambda wildcards: validation_files(SETTINGS.paths, wildcards.run),
    output:
        report_validation=PAGES.report_validation,
    log:
        PAGES.report_validation.log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        folder=lambda wildcards: str(VALIDATIONS / wildcards.run),
        content=content_of_pages(),
        code=code_once_planned("report_validation"),
    script:
        "../scripts/report_validation.py"


rule report_runs:
    """All runs beside each other."""
    input:
        summaries=[
            row["summary"] for row in (*rows_of_named_runs(), *rows_of_validations())
        ],
    output:
        report_runs=PAGES.report_runs,
    log:
        PAGES.report_runs.log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        named=rows_of_named_runs,
        others=rows_of_other_runs,
        validations=rows_of_validations,
        content=content_of_pages(),
        code=code_once_planned("report_runs"),
    script:
        "../scripts/report_runs.py"


rule report_build:
    """The run history; the record of the run itself is added at its end."""
    output:
        report_build=PAGES.report_build,
    log:
        PAGES.report_build.log,
    conda:
        "../envs/mf_etl.yaml"
    params:
        run_history=str(run_history(SETTINGS.paths)),
        content=content_of_pages(),
        code=code_once_planned("report_build"),
    script:
        "../scripts/report_build.py"
