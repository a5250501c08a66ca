"""Equal-weight market: mean outcomes of the eligible stocks of each day."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.datasets.market_table import market_table
from mf_etl.research.datasets.selection import Listing
from mf_etl.schemas.equal_weight_market import EQUAL_WEIGHT_MARKET
from mf_etl.settings.steps import MarketSettings


def main(
    silver_base: list[Path],
    equal_weight_market: Path,
    *,
    listings: list[list[str]],
    settings: MarketSettings,
    threads: int,
) -> None:
    files = zip(listings, silver_base, strict=True)
    table = market_table(
        [Listing(*names, base) for names, base in files],
        min_adv=settings.market.min_adv,
        min_names=settings.market.min_names,
        eps=settings.precision.eps,
        threads=threads,
    )
    EQUAL_WEIGHT_MARKET.write(table, equal_weight_market, settings.storage)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
