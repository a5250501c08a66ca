"""HMM decode: the states of another dataset by the model of a finished run."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.runs.decode import decode_dataset
from mf_etl.settings.steps import StepSettings


def main(
    hmm_model_meta: Path,
    ml_dataset: Path,
    ml_dataset_metadata: Path,
    decoded_dataset: Path,
    *,
    settings: StepSettings,
    threads: int,
) -> None:
    decode_dataset(
        hmm_model_meta.parent,
        ml_dataset,
        ml_dataset_metadata,
        decoded_dataset,
        options=settings.storage,
        threads=threads,
    )


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
