"""Silver base: one ticker's helper series from its valid bronze bars."""

from pathlib import Path

from mf_etl import job
from mf_etl.lineage import derived_run_id
from mf_etl.schemas.bronze_ohlcv import BRONZE_OHLCV
from mf_etl.schemas.silver_base import SILVER_BASE
from mf_etl.settings.steps import SilverBaseSettings
from mf_etl.silver.base import BRONZE_COLUMNS, base_series


def main(bronze_ohlcv: Path, silver_base: Path, *, settings: SilverBaseSettings, code: str) -> None:
    bars = BRONZE_OHLCV.read(bronze_ohlcv, BRONZE_COLUMNS)
    row_id = derived_run_id(bars, settings, code)
    series = base_series(bars, eps=settings.precision.eps, run_id=row_id)
    SILVER_BASE.write(series, silver_base, settings.storage)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
