"""QA verdict: the checks of all layers and the worst of their results."""

from pathlib import Path

from mf_etl import job
from mf_etl.io import write_json
from mf_etl.qa.verdict import verdict


def main(sanity_summaries: list[Path], qa_verdict: Path) -> None:
    write_json(verdict(sanity_summaries), qa_verdict)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
