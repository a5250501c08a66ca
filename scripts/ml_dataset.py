"""Research dataset: features of many tickers in one file, with forward outcomes."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.datasets.export import export_selected
from mf_etl.research.datasets.market import read_market
from mf_etl.research.datasets.request import DatasetRequest
from mf_etl.research.datasets.selection import Listing
from mf_etl.settings.steps import DatasetSettings


def main(
    equal_weight_market: Path,
    gold_features: list[Path],
    silver_base: list[Path],
    ml_dataset: Path,
    ml_dataset_metadata: Path,
    *,
    listings: list[list[str]],
    request: DatasetRequest,
    settings: DatasetSettings,
    threads: int,
) -> None:
    files = zip(listings, gold_features, silver_base, strict=True)
    export_selected(
        [Listing(*names, base, features) for names, features, base in files],
        request,
        read_market(equal_weight_market),
        ml_dataset,
        ml_dataset_metadata,
        options=settings.storage,
        eps=settings.precision.eps,
        threads=threads,
    )


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
