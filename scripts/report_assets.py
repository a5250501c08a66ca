"""What the pages load: scripts out of the installed wheel, our scripts, and the style."""

from pathlib import Path

from mf_etl import job
from mf_etl.report.assets import asset
from mf_etl.report.pages import write


def main(assets: list[Path]) -> None:
    for path in assets:
        write(asset(path.name), path)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
