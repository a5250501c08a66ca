"""The `spec.yaml` of a validation that the settings name."""

from pathlib import Path

from mf_etl import job
from mf_etl.io import replacing


def main(validation_spec: Path, *, text: str) -> None:
    with replacing(validation_spec) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
