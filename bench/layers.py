"""One ticker of 8,000 rows through the five layers, file in and files out, one thread, one process.

``python -m bench.layers`` times both versions in turn.
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
from bench.document import machine, table, write_section
from bench.steps import five_steps
from mf_etl.catalog import catalog
from mf_etl.provenance import content_fingerprint
from mf_etl.settings.sections import Paths
from tests.conftest import raw_file, raw_row, simulated_bars

ROWS = 8000
ROUNDS = 30


def measure() -> dict[str, float]:
    """Median milliseconds of both versions."""
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
    return {name: 1000 * statistics.median(found[2:]) for name, found in times.items()}


def main() -> None:
    """Measure, print, and write the layers section of the benchmark document."""
    median = measure()
    baseline = median["plain polars"]
    rows = [("one ticker, 8,000 rows, five layers", "milliseconds", "ratio")]
    rows += [(name, f"{found:.0f}", f"{found / baseline:.2f}") for name, found in median.items()]
    lines = [f"{machine()}; one thread, medians of {ROUNDS}.", "", *table(rows)]
    print("\n".join(lines))
    write_section("layers", lines)


if __name__ == "__main__":
    main()
