"""The number of states of a fold: the fewest within one standard error of the best."""

import json
from pathlib import Path

from mf_etl import job
from mf_etl.io import write_json
from mf_etl.research.walk_forward.resampled import chosen_number


def main(tried: list[Path], fold_states: Path) -> None:
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in tried]
    write_json({"chosen": chosen_number(rows), "tried": rows}, fold_states)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
