"""Equal-weight market: mean outcomes of the eligible stocks of each day."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.datasets.market_table import market_table
from mf_etl.research.datasets.summarised import all_there, listings
from mf_etl.schemas.equal_weight_market import EQUAL_WEIGHT_MARKET
from mf_etl.settings.steps import MarketSettings


def main(
    summaries: list[Path],
    equal_weight_market: Path,
    *,
    settings: MarketSettings,
    threads: int,
) -> None:
    table = market_table(
        all_there(listings(summaries), summaries),
        min_adv=settings.market.min_adv,
        min_names=settings.market.min_names,
        eps=settings.precision.eps,
        threads=threads,
    )
    EQUAL_WEIGHT_MARKET.write(table, equal_weight_market, settings.storage)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
