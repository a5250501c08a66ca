"""As many processes as cores, each a plain run over its part of the universe: what parcels cost least.

``python -m bench.floor RAW_ROOT DATA_ROOT PROCESSES``; each process plans and builds its tickers by
itself and knows of no other.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench.steps import ROOT
from mf_etl.catalog import catalog
from mf_etl.provenance import content_fingerprint
from mf_etl.settings.model import load_settings
from mf_etl.universe import Universe

THREADS = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def one_part(number: int, processes: int) -> None:
    """Build every ticker whose place in the universe falls to this process."""
    import pyarrow.csv  # noqa: F401
    from snakemake_parts import run_part

    settings = load_settings()
    data = catalog(settings.paths)
    universe = Universe(Path(settings.paths.raw_root), settings.universe)
    members = []
    for pair in universe.tickers[number::processes]:
        file = universe.file(*pair)
        content = content_fingerprint(Path(universe.raw_path(*pair)).read_bytes())
        members.append([*pair, file.source_file, file.instrument, content])
    files = [data.gold_features.path(exchange=e, ticker=t) for e, t, *_ in members]
    done = run_part(
        ROOT / "rules" / "part.smk", files, config={"part": members}, executor="inline"
    ).done
    assert done["gold_features"] == len(members), done


def main(raw_root: str, folder: str, processes: str) -> None:
    """Start the processes and wait for them."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    environment = os.environ | dict.fromkeys(THREADS, "1") | {"MF_ETL_PATHS__RAW_ROOT": raw_root}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.floor", str(number), processes],
            cwd=folder,
            env=environment,
        )
        for number in range(int(processes))
    ]
    statuses = [process.wait() for process in started]
    sys.exit(any(statuses))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        one_part(int(sys.argv[1]), int(sys.argv[2]))
    else:
        main(*sys.argv[1:])
