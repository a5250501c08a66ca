"""Tickers in each flow state on each day, over the universe."""

from pathlib import Path

from mf_etl import job
from mf_etl.qa.states import flow_states_by_day as states_of
from mf_etl.qa.summary import read_summaries
from mf_etl.schemas.flow_states_by_day import FLOW_STATES_BY_DAY
from mf_etl.settings.steps import StepSettings


def main(summaries: list[Path], flow_states_by_day: Path, *, settings: StepSettings) -> None:
    there = read_summaries(summaries).filter("success")["path"]
    table = states_of([Path(path) for path in there])
    FLOW_STATES_BY_DAY.write(table, flow_states_by_day, settings.storage)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
