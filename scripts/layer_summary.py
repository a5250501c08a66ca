"""Layer summary: what the files of one layer, exchange and prefix tell about themselves."""

from pathlib import Path

from mf_etl import job
from mf_etl.qa import summary
from mf_etl.schemas.layer_summary import LAYER_SUMMARY
from mf_etl.settings.steps import StepSettings


def main(
    tables: list[Path],
    reports: list[Path],
    layer_summary: Path,
    *,
    exchange: str,
    missing: list[list[str]],
    instruments: dict[str, str],
    settings: StepSettings,
) -> None:
    tickers = [table.parent.name.removeprefix("ticker=") for table in tables]
    files = [
        summary.LayerFile(exchange, ticker, table, report)
        for ticker, table, report in zip(
            tickers, tables, reports or [None] * len(tables), strict=True
        )
    ]
    absent = {(exchange, ticker): (path, reason) for ticker, path, reason in missing}
    kinds = {(exchange, ticker): kind for ticker, kind in instruments.items()}
    found = summary.layer_summary(files, absent, kinds)
    LAYER_SUMMARY.write(found, layer_summary, settings.storage)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
