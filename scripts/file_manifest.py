"""File manifest: every raw file, compared with the last completed full build."""

from pathlib import Path

import polars as pl

from mf_etl import job
from mf_etl.fingerprints import Fingerprints
from mf_etl.qa.manifest import manifest
from mf_etl.schemas.universe_tables import FILE_MANIFEST
from mf_etl.settings.steps import ManifestSettings
from mf_etl.universe import Universe


def main(
    file_manifest_current: Path,
    *,
    raw_root: str,
    fingerprint_cache: str,
    stable: str,
    settings: ManifestSettings,
) -> None:
    known = Fingerprints(Path(fingerprint_cache))
    files = Universe(Path(raw_root), settings.universe, known.is_of_many).files
    before = pl.read_parquet(stable, glob=False) if Path(stable).exists() else None
    rows = manifest(files, Path(raw_root), known.of_readable, before)
    FILE_MANIFEST.write(rows, file_manifest_current, settings.storage)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
