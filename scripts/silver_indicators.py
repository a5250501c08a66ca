"""Silver indicators: one ticker's money flow and trend from its silver base series."""

from pathlib import Path

from mf_etl import job
from mf_etl.lineage import derived_run_id
from mf_etl.schemas.silver_base import SILVER_BASE
from mf_etl.schemas.silver_indicators import SILVER_INDICATORS
from mf_etl.settings.steps import SilverIndicatorsSettings
from mf_etl.silver.indicators import BASE_COLUMNS, indicator_series


def main(
    silver_base: Path, silver_indicators: Path, *, settings: SilverIndicatorsSettings, code: str
) -> None:
    base = SILVER_BASE.read(silver_base, BASE_COLUMNS)
    series = indicator_series(
        base,
        period=settings.indicators.tmf_period,
        ema_span=settings.indicators.tmf_ema_span,
        eps=settings.precision.eps,
        run_id=derived_run_id(base, settings, code),
    )
    SILVER_INDICATORS.write(series, silver_indicators, settings.storage)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
