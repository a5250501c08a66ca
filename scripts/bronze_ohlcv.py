"""Bronze: one raw file to its valid bars, rejected rows and quality report."""

from pathlib import Path

from mf_etl import job
from mf_etl.bronze.build import Origin, Thresholds, bronze
from mf_etl.errors import RawFileError
from mf_etl.ingest.limits import Limits
from mf_etl.ingest.reader import read_content
from mf_etl.io import write_json
from mf_etl.provenance import run_id
from mf_etl.schemas.bronze_ohlcv import BRONZE_OHLCV, BRONZE_REJECTS
from mf_etl.settings.steps import BronzeSettings


def main(
    raw: Path,
    bronze_ohlcv: Path,
    bronze_rejects: Path,
    bronze_quality: Path,
    *,
    ticker: str,
    exchange: str,
    source_file: str,
    fingerprint: str,
    settings: BronzeSettings,
    code: str,
) -> None:
    limits = Limits(**settings.limits)
    content = read_content(raw, limits)
    if content.fingerprint != fingerprint:
        raise RawFileError(f"raw file {raw} changed while the build ran; run it again")
    row_id = run_id(fingerprint, settings.model_dump(mode="json"), code)
    result = bronze(
        content,
        Origin(ticker, exchange, source_file, row_id),
        limits=limits,
        thresholds=Thresholds(**settings.thresholds),
        price_spike_factor=settings.validation.price_spike_factor,
        conflicts=settings.validation.conflicting_duplicates,
    )
    BRONZE_REJECTS.write(result.rejects, bronze_rejects, settings.storage)
    write_json(result.quality, bronze_quality)
    BRONZE_OHLCV.write(result.bars, bronze_ohlcv, settings.storage)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
