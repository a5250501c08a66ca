"""Research dataset: features of many tickers in one file, with forward outcomes."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.datasets.export import export_selected
from mf_etl.research.datasets.request import DatasetRequest
from mf_etl.research.datasets.selection import FeatureFile
from mf_etl.settings.steps import DatasetSettings


def main(
    features: list[Path],
    ml_dataset: Path,
    ml_dataset_metadata: Path,
    *,
    listings: list[list[str]],
    request: DatasetRequest,
    settings: DatasetSettings,
    threads: int,
) -> None:
    files = [FeatureFile(*listing, path) for listing, path in zip(listings, features, strict=True)]
    export_selected(
        files,
        request,
        ml_dataset,
        ml_dataset_metadata,
        options=settings.storage,
        eps=settings.precision.eps,
        threads=threads,
    )


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
