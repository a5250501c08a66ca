"""Parcel: what is pending in a slot built by a run of its own, and a layer of it summed up."""

from pathlib import Path
from typing import Any

from mf_etl import job
from mf_etl.catalog import catalog, planning_folder
from mf_etl.errors import MfEtlError
from mf_etl.planning.parcel import Members, all_there, carried_through, read_parcel
from mf_etl.qa import summary
from mf_etl.schemas.layer_summary import LAYER_SUMMARY
from mf_etl.settings.model import load_settings
from mf_etl.settings.steps import StepSettings

PART = Path(__file__).resolve().parents[1] / "rules" / "part.smk"
# What a worker imports once, where jobs get processes of their own.
PRELOAD = ("polars", "pyarrow.csv", "mf_etl.job", "mf_etl.settings.steps")


def main(
    layer_summary: Path, *, layer: str, slot: str, work: str, members: list[list[str]] | None,
    settings: StepSettings, config: dict[str, Any], attempt: int, threads: int,
) -> None:  # fmt: skip
    paths = load_settings(config).paths
    folder, data = planning_folder(paths), catalog(paths)

    def build(members: list[list[str]], files: list[str]):
        from snakemake_parts import PartStopped, run_part

        # Once a process has died with it, each ticker's scripts get one of their own.
        is_alone = attempt == 1 and threads == 1
        try:
            return run_part(
                PART, files,
                config={**config, "part": members, "open_from": parcel.open_from},
                forced_rules=parcel.forced,
                executor="inline" if is_alone else "warm", cores=threads, preload=PRELOAD,
            )  # fmt: skip
        except PartStopped:
            raise MfEtlError(f"slot {slot}: stopped before all was built") from None

    def sum_up(members: Members) -> None:
        files = [summary.layer_file(data, layer, *pair) for pair in members.there]
        missing = {
            (exchange, ticker): (getattr(data, layer).path(exchange=exchange, ticker=ticker), why)
            for (exchange, ticker), why in members.missing.items()
        }
        found = summary.layer_summary(files, missing, members.instruments)
        LAYER_SUMMARY.write(found, layer_summary, settings.storage)

    if members is not None:  # a plan of all files, which are inputs
        sum_up(all_there(members))
        return
    parcel = read_parcel(folder, slot, layer, work)
    carried_through(folder, parcel, layer, data, build, sum_up)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
