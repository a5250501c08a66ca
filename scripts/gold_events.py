"""Gold events: one ticker's events and flow states from its indicators."""

from pathlib import Path

from mf_etl import job
from mf_etl.gold.events import INDICATOR_COLUMNS, Grammar, event_series
from mf_etl.lineage import derived_run_id
from mf_etl.schemas.gold_events import GOLD_EVENTS
from mf_etl.schemas.silver_indicators import SILVER_INDICATORS
from mf_etl.settings.steps import GoldEventsSettings


def main(
    silver_indicators: Path, gold_events: Path, *, settings: GoldEventsSettings, code: str
) -> None:
    indicators = SILVER_INDICATORS.read(silver_indicators, INDICATOR_COLUMNS)
    grammar = Grammar(
        respect_fail_window=settings.event_grammar.respect_fail_window,
        hold_consecutive_bars=settings.event_grammar.hold_consecutive_bars,
        burst_abs_threshold=settings.event_grammar.tmf_burst_abs_threshold,
        burst_slope_threshold=settings.event_grammar.tmf_burst_slope_threshold,
    )
    row_id = derived_run_id(indicators, settings, code)
    events = event_series(indicators, grammar=grammar, run_id=row_id)
    GOLD_EVENTS.write(events, gold_events, settings.storage)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
