"""Catalogue: a DuckDB file of views over all that has been built."""

from mf_etl import job
from mf_etl.catalog import database_path
from mf_etl.database import not_built, write_database
from mf_etl.settings.sections import Paths


def main(*, paths: Paths, universe: list[list[str]] | None) -> None:
    views = write_database(paths, universe and [tuple(pair) for pair in universe])
    for view in views:
        print(view)
    if missing := not_built(views):
        print(f"not built yet: {', '.join(missing)}")
    if universe is None:
        print("the raw files are not at hand: the views show every ticker below the data root")
    print(f"in {database_path(paths)}")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
