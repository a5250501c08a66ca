"""Built: fails when a ticker could not be built, and names it."""

from pathlib import Path

from mf_etl import job
from mf_etl.errors import MfEtlError
from mf_etl.io import write_json
from mf_etl.qa.summary import read_summaries, refusal


def main(summaries: list[Path], built: Path, *, layer: str) -> None:
    found = read_summaries(summaries)
    if line := refusal(found):
        raise MfEtlError(line)
    write_json({"layer": layer, "tickers": found.height}, built)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
