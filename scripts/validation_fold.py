"""The `spec.yaml` of a fold: what its run, an ordinary one, is asked to do."""

from pathlib import Path

from mf_etl import job
from mf_etl.io import replacing
from mf_etl.research.runs.requests import read_spec, spec_text
from mf_etl.research.walk_forward.folds import chosen_states, fold_request, read_folds


def main(borders: Path, run_spec: Path, states: list[Path], fold_spec: Path, *, year: str) -> None:
    fold = next(one for one in read_folds(borders) if one.fold == int(year))
    number = chosen_states(states[0]) if states else None
    with replacing(fold_spec) as temporary:
        text = spec_text(fold_request(read_spec(run_spec), fold, number))
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
