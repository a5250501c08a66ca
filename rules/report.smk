"""What people look at: pages and the data files of their charts."""

import json

from mf_etl.report.contents import ALL_UP_TO, ASSETS, content_of_pages

PAGES = pages(SETTINGS.paths)


rule report:
    """All pages, and the chart files of the tickers that the settings name."""
    input:
        lambda wildcards: page_files(wildcards),
        lambda wildcards: chart_files(wildcards),


def page_files(wildcards):
    """Every page, and what pages load."""
    return [
        PAGES.report_market,
        PAGES.report_tickers,
        PAGES.report_ticker_list,
        PAGES.report_runs,
        PAGES.report_build,
        *(
            PAGES.report_run.format(research=research, run=folder)
            for research, folder in NAMED
        ),
        *(PAGES.report_validation.format(run=run) for run in ASKED),
        *assets(),
    ]


def assets():
    """What the pages load."""
    return [PAGES.report_asset.format(asset=name) for name in ASSETS]


def chart_files(wildcards):
    """The data files of charts."""
    return [
        PAGES.report_ticker.path(exchange=exchange, ticker=ticker)
        for exchange, ticker in charted_tickers()
    ]


def charted_tickers():
    """The tickers with a chart file; which have most rows is known when rows have been counted."""
    choice, there = SETTINGS.report.tickers, tickers()
    if choice == "all" or (choice is None and len(there) <= ALL_UP_TO):
        return there
    if isinstance(choice, tuple):
        return [pair for name in choice for pair in listings_called(name)]
    chosen = checkpoints.report_selection.get().output.report_selection
    return json.loads(Path(chosen).read_text(encoding="utf-8"))


def listings_called(ticker):
    """The tickers of the universe with a name, which is that of one at least."""
    found = [pair for pair in tickers() if pair[1] == ticker]
    if not found:
        stop(f"report.tickers: {ticker} is not among the tickers that are built")
    return found


def shown_runs(wildcards=None):
    """The runs whose states are shown: single ones that the settings name.

    For a ticker that is asked for by itself, those that are there.
    """
    found = [
        {
            "research": research,
            "run": folder,
            "labelled": MODELS[research]["run"]["labelled"].format(run=folder),
            "profile": MODELS[research]["run"]["profile"].format(run=folder),
        }
        for (research, folder), request in NAMED.items()
        if request.entry == "runs"
    ]
    asked = {str(target) for target in workflow.dag_settings.targets}
    if not asked or asked & {"all", "report", str(PAGES.report_market)}:
        return found
    return [run for run in found if os.path.exists(run["labelled"])]


def files_of_shown_runs(wildcards):
    """The files of these runs."""
    return [run[name] for run in shown_runs() for name in ("labelled", "profile")]


@from_plan
def slot_of_ticker(wildcards):
    """The summary of the slot of a ticker: once it is there, so are the ticker's files."""
    pair = wildcards.exchange, wildcards.ticker
    UNIVERSE.raw_path(*pair, wildcards.prefix)
    return PLAN.summaries(STEPS[-1], [pair])


def files_of_ticker(wildcards):
    """The files that a chart is made from."""
    names = {
        "bars": DATA.bronze_ohlcv,
        "rejects": DATA.bronze_rejects,
        "quality": DATA.bronze_quality,
        "events": DATA.gold_events,
    }
    return {name: dataset.format(**wildcards) for name, dataset in names.items()}


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


def final_files_of(wildcards):
    """Every file that a run is asked for by, and what it was asked to do."""
    request = request_of_run(wildcards.research, wildcards.run)
    spec = f"{RUNS[wildcards.research]}/{wildcards.run}/{SPEC}"
    return [*final_files(SETTINGS.paths, request, wildcards.run), spec]


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


def row_of_run(research, folder, request):
    """What the table of runs is told of a run."""
    files = final_files(SETTINGS.paths, request, folder)
    summary = next(file for file in files if file.endswith("summary.json"))
    return {
        "run": folder,
        "research": research,
        "kind": request.kind,
        "dataset": request.dataset,
        "summary": summary,
    }


def rows_of_named_runs(wildcards=None):
    """The runs that the settings name."""
    return [row_of_run(*key, request) for key, request in NAMED.items()]


def rows_of_other_runs(wildcards):
    """Runs that are there besides, as they are: nothing of them is built for a table."""
    found = []
    for research, root in RUNS.items():
        for spec in sorted(Path(root).glob(f"*/{SPEC}")):
            if (research, spec.parent.name) in NAMED:
                continue
            try:
                row = row_of_run(research, spec.parent.name, read_spec(spec))
            except MfEtlError:
                continue  # a run of its own, which says so when it is asked for
            if os.path.exists(row["summary"]):
                found.append(row | {"as_of": os.stat(row["summary"]).st_mtime_ns})
    return found


def rows_of_validations(wildcards=None):
    """The validations that the settings name."""
    pattern = VALIDATION["validation_summary"]["validation_summary"]
    return [
        {"run": run, "labels": asked.labels, "summary": pattern.format(run=run)}
        for run, asked in ASKED.items()
    ]


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
