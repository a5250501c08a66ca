"""A number of states for a fold: the likelihood of held-out tickers in its train rows."""

from pathlib import Path

from mf_etl import job
from mf_etl.io import write_json
from mf_etl.research.runs.requests import read_spec
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.walk_forward.folds import fold_request, read_folds
from mf_etl.research.walk_forward.resampled import number_told


def main(
    ml_dataset: Path,
    borders: Path,
    run_spec: Path,
    k_row: Path,
    *,
    year: str,
    k: str,
    asked: ValidationRequest,
) -> None:
    fold = next(one for one in read_folds(borders) if one.fold == int(year))
    request = fold_request(read_spec(run_spec), fold, int(k))
    write_json(number_told(request, fold, int(k), ml_dataset, seed=asked.seed), k_row)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
