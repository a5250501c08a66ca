"""One ticker of 8,000 rows through the five layers, file in and files out, one thread, one process.

``python -m bench.layers`` prints the medians of both versions, timed in turn.
"""

from __future__ import annotations

import os

os.environ["POLARS_MAX_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

import statistics
import tempfile
import time
from pathlib import Path

from bench import plain_polars
from bench.steps import five_steps
from mf_etl.catalog import catalog
from mf_etl.provenance import content_fingerprint
from mf_etl.settings.sections import Paths
from tests.conftest import raw_file, raw_row, simulated_bars

ROWS = 8000
ROUNDS = 30


def main() -> None:
    """Print median milliseconds of both versions and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder, "t.us.txt")
        bars = simulated_bars(ROWS, quiet=0.01)
        days = bars["trade_date"].dt.to_string("%Y%m%d")
        prices = bars.select("open", "high", "low", "close", "volume").iter_rows()
        raw.write_bytes(raw_file(*(raw_row(d, *p) for d, p in zip(days, prices, strict=True))))
        fingerprint = content_fingerprint(raw.read_bytes())
        data = catalog(Paths(data_root=f"{folder}/data"))
        plain = Path(folder, "plain")
        plain.mkdir()
        times: dict[str, list[float]] = {"layers": [], "plain polars": []}
        for _ in range(ROUNDS + 2):
            start = time.perf_counter()
            five_steps(raw, data, "NYSE", "T.US", raw.name, fingerprint)
            middle = time.perf_counter()
            plain_polars.run(raw, plain)
            times["layers"].append(middle - start)
            times["plain polars"].append(time.perf_counter() - middle)
    median = {name: 1000 * statistics.median(found[2:]) for name, found in times.items()}
    for name, milliseconds in median.items():
        print(f"{name}: {milliseconds:.1f} ms")
    print(f"ratio: {median['layers'] / median['plain polars']:.2f}")


if __name__ == "__main__":
    main()
