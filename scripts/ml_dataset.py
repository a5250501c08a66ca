"""Research dataset: features of many tickers in one file, with forward outcomes."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.datasets.export import export_dataset
from mf_etl.research.datasets.market import read_market
from mf_etl.research.datasets.request import DatasetRequest
from mf_etl.research.datasets.selection import selected
from mf_etl.research.datasets.summarised import all_there, listings
from mf_etl.settings.steps import DatasetSettings


def main(
    equal_weight_market: Path,
    features: list[Path],
    base: list[Path],
    ml_dataset: Path,
    ml_dataset_metadata: Path,
    *,
    request: DatasetRequest,
    settings: DatasetSettings,
    threads: int,
) -> None:
    export_dataset(
        all_there(selected(listings(base, features), request), [*base, *features]),
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
