"""Verdicts of the real workflow on markets whose regimes are known: that pay, and that pay nothing.

``python -m bench.verdicts --tickers 1000 --years 11``: raw files, layers, dataset, a Markov model
refitted for each year, and its validation, by `snakemake`. Regimes pay in units of their drifts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import polars as pl

from bench.document import machine, table, write_section
from bench.steps import ROOT
from mf_etl.synth import write_archive

RUN = "results/validation_runs/states_regimes_hmm_market"
PAYS = (0.0, 2.0, 4.0)


def validated(folder: Path, tickers: int, years: float, seed: int, pays: float, cores: int) -> Path:
    """Folder of the validation of the default model of a synthetic archive."""
    write_archive(
        folder / "raw", tickers=tickers, years=years, seed=seed, anomalies=False, pays=pays,
        processes=cores,
    )  # fmt: skip
    (folder / "config").symlink_to(ROOT / "config")  # the models and validations of the project
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MF_ETL_")}
    environment |= {"MF_ETL_PATHS__RAW_ROOT": str(folder / "raw"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    place = ["--directory", str(folder), "--cores", str(cores), f"{RUN}/summary.json"]
    done = subprocess.run(
        [*command, *place], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise click.ClickException(done.stdout[-3000:] + done.stderr[-3000:])
    return folder / RUN


def row(pays: float, seconds: float, folder: Path) -> tuple[str, ...]:
    """What the validation of a market has found."""
    told = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    outcomes = pl.read_parquet(folder / "state_outcomes.parquet").filter(measure="xs")
    found = outcomes.filter(pl.col("p_stepdown") < 0.05).height
    findings = told["findings"]
    placebo = findings["placebo_p"]
    dsr = findings["dsr"]
    return (
        f"{pays:g}", told["verdict"], f"{found} of {outcomes.height}",
        "" if placebo is None else f"{placebo:.3f}", "" if dsr is None else f"{dsr:.2f}",
        "; ".join(line["finding"] for line in told["lines"]), f"{seconds:.0f}",
    )  # fmt: skip


@click.command()
@click.option("--tickers", default=1000, help="Names.")
@click.option("--years", default=11.0, help="Years of bars.")
@click.option("--cores", default=2, help="Cores of each build.")
@click.option("--seed", default=7, help="Of the archives.")
@click.option("--scratch", type=click.Path(path_type=Path), help="Folder for the builds.")
def main(tickers: int, years: float, cores: int, seed: int, scratch: Path | None) -> None:
    """Build and validate every market, print, and write the section of the benchmark document."""
    head = ("pays", "verdict", "cells found", "placebo p", "DSR", "against it", "seconds")
    found = [head]
    for pays in PAYS:
        with tempfile.TemporaryDirectory(dir=scratch) as name:
            start = time.perf_counter()
            folder = validated(Path(name), tickers, years, seed, pays, cores)
            found.append(row(pays, time.perf_counter() - start, folder))
            print(found[-1], flush=True)
    lines = [f"{machine()}; {tickers:,} tickers, {years:g} years, seed {seed}.", "", *table(found)]
    write_section("verdicts", lines)


if __name__ == "__main__":
    main()
