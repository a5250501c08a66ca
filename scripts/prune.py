"""Prune: list the files of tickers that are no longer built, and delete them when told to."""

from mf_etl import job
from mf_etl.catalog import catalog, pages
from mf_etl.orphans import delete, orphans
from mf_etl.settings.sections import Paths


def main(*, paths: dict, pairs: list[list[str]], is_to_delete: bool) -> None:
    roots = Paths(**paths)
    charts = pages(roots).report_ticker
    found = orphans(catalog(roots), {tuple(pair) for pair in pairs}, charts)
    for path in found:
        print(path)
    if is_to_delete:
        delete(found)
    print(f"{len(found)} orphan files" + (" deleted" if is_to_delete else "; nothing deleted"))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
