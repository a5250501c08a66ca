"""QA of a derived layer: results by ticker, figures and checks over the universe."""

from pathlib import Path

from mf_etl import job
from mf_etl.io import write_json
from mf_etl.qa import layers
from mf_etl.qa.checks import Thresholds, event_checks, layer_checks
from mf_etl.qa.summary import read_summaries
from mf_etl.qa.tables import DERIVED_TABLES
from mf_etl.qa.verdict import overall
from mf_etl.schemas.universe_tables import TICKER_RESULTS
from mf_etl.settings.steps import QaSettings


def main(
    above: list[Path],
    summaries: list[Path],
    run_summary: Path,
    ticker_results: Path,
    sanity_summary: Path,
    *,
    layer: str,
    settings: QaSettings,
) -> None:
    before, rows = read_summaries(above), read_summaries(summaries)
    results = layers.ticker_results(before, rows)
    TICKER_RESULTS.write(results, ticker_results, settings.storage)
    write_json({"layer": layer, **layers.run_summary(results)}, run_summary)
    thresholds = Thresholds(**settings.qa.thresholds)
    checks = layer_checks(DERIVED_TABLES[layer], before, rows, thresholds)
    if layer == "gold_events":
        checks += event_checks(rows, thresholds)
    figures = layers.figures(rows)
    write_json(
        {"layer": layer, "verdict": overall(checks), "checks": checks, **figures}, sanity_summary
    )


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
