"""Refit of a run's model on tickers drawn with replacement, and how far its labels agree."""

import datetime
import json
from pathlib import Path

from mf_etl import job
from mf_etl.io import write_json
from mf_etl.research.runs.requests import read_spec
from mf_etl.research.validation import stamp
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.walk_forward.resampled import refit as refitted


def main(
    ml_dataset: Path,
    run_spec: Path,
    split: list[Path],
    refit: Path,
    *,
    draw: str,
    asked: ValidationRequest,
) -> None:
    fit = json.loads(split[0].read_text(encoding="utf-8"))["fit"]
    last = datetime.date.fromisoformat(fit["last_day"])
    request = read_spec(run_spec)
    told = refitted(run_spec.parent, request, last, ml_dataset, draw=int(draw), seed=asked.seed)
    names = ("draw", "tickers", "converged", "ari")
    write_json(stamp.told(dict(zip(names, told, strict=True)), asked), refit)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
