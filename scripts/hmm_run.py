"""HMM run: a model, the states of every row, profiles, transitions and figures."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.runs.hmm_run import write_run
from mf_etl.research.runs.requests import HmmRun
from mf_etl.settings.steps import StepSettings


def main(
    prepared: list[Path],
    run_summary: Path,
    *,
    request: HmmRun,
    settings: StepSettings,
    threads: int,
) -> None:
    write_run(
        prepared[0].parent,
        request.hmm,
        run_summary.parent,
        options=settings.storage,
        threads=threads,
    )


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
