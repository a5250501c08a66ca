"""QA gate: the step that fails when the verdict is as bad as `qa.fail_on` says."""

import json
from pathlib import Path

from mf_etl import job
from mf_etl.io import write_json
from mf_etl.qa.verdict import refusal
from mf_etl.settings.steps import VerdictSettings


def main(qa_verdict: Path, qa_gate: Path, *, settings: VerdictSettings) -> None:
    found = json.loads(qa_verdict.read_text(encoding="utf-8"))
    if line := refusal(found, settings.qa.fail_on):
        raise SystemExit(f"{line} (see {qa_verdict})")
    write_json({"verdict": found["verdict"], "fail_on": settings.qa.fail_on}, qa_gate)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
