"""Catalogue: a DuckDB file of views over all that has been built."""

from mf_etl import job
from mf_etl.database import database_path, write_database
from mf_etl.settings.sections import Paths


def main(*, paths: Paths) -> None:
    for view in write_database(paths):
        print(view)
    print(f"in {database_path(paths)}")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
