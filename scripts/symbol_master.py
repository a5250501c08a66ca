"""Symbol master: one row a ticker, from the bronze summaries."""

from pathlib import Path

from mf_etl import job
from mf_etl.io import write_csv
from mf_etl.qa import bronze
from mf_etl.qa.summary import read_summaries
from mf_etl.schemas.universe_tables import SYMBOL_MASTER
from mf_etl.settings.steps import StepSettings


def main(
    bronze_summaries: list[Path],
    symbol_master: Path,
    symbol_master_csv: Path,
    *,
    settings: StepSettings,
) -> None:
    master = bronze.symbol_master(read_summaries(bronze_summaries))
    SYMBOL_MASTER.write(master, symbol_master, settings.storage)
    write_csv(master, symbol_master_csv)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
