"""Which pages there are and what they are made from, for the rules of `report.smk`."""

import json

from mf_etl.report.contents import ALL_UP_TO, ASSETS, content_of_pages

PAGES = pages(SETTINGS.paths)


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


def final_files_of(wildcards):
    """Every file that a run is asked for by, and what it was asked to do."""
    request = request_of_run(wildcards.research, wildcards.run)
    spec = f"{RUNS[wildcards.research]}/{wildcards.run}/{SPEC}"
    return [*final_files(SETTINGS.paths, request, wildcards.run), spec]


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
