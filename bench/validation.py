"""Validation of states at the size of a market: sums, inference, placebo, portfolio; time and memory.

``python -m bench.validation --tickers 8600 --rows 2400`` is a market of 20 million rows; labels out of
sample are those of the last five years. Each figure is taken in a process of its own; memory is its
anonymous memory at the highest, so pages of files that the system may drop do not count.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from bench.dataset import measured
from bench.document import machine, table, write_section
from mf_etl.research.datasets.streaming import ROW_GROUP_ROWS
from mf_etl.research.inference.shifted import Path as LabelPath
from mf_etl.research.inference.shifted import common_shifts, paths_of, shifted_labels
from mf_etl.research.inference.sums import DateSums, Sums
from mf_etl.research.validation.measures import measure_names, state_sums
from mf_etl.research.validation.measures import measured as measures
from mf_etl.research.validation.request import ValidationOptions
from mf_etl.research.validation.simulation import capacity, costs, portfolio, trial_grid
from mf_etl.research.validation.state_outcomes import state_outcomes
from mf_etl.research.validation.trials import (
    daily_series,
    probability_of_overfitting,
    superior_ability,
)
from mf_etl.schemas.validation_tables import STATE_SUMS

STATES = 5
HORIZONS = (1, 5, 10, 20)
TEST_DAYS = 1260
FIRST = np.datetime64("2001-01-01").astype(np.int32)
BUDGET = {"sums": 60, "outcome inference": 120, "placebo": 180, "portfolio": 120}


def market(path: Path, tickers: int, rows: int) -> None:
    """A dataset of so many names, and labels that last twenty days and know nothing."""
    dataset, labels = path / "dataset.parquet", path / "labels.parquet"
    days = (FIRST + np.arange(rows) * 7 // 5).astype(np.int32)
    tested = days >= days[max(rows - TEST_DAYS, 0)]
    writers: list[tuple[Path, list[pa.Table], list[pq.ParquetWriter]]]
    writers = [(dataset, [], []), (labels, [], [])]
    shared = np.random.default_rng(0).normal(size=rows)
    for number in range(tickers):
        random = np.random.default_rng(number + 1)
        opened = 50 * np.exp(np.cumsum(0.008 * shared + 0.015 * random.normal(size=rows)))
        outcomes = {
            f"fwd_{kind}_{h}": (0.02 * np.sqrt(h) * random.normal(size=rows)).astype(np.float32)
            for kind in ("oo", "xs")
            for h in HORIZONS
        }
        frame = pl.DataFrame(
            {
                "ticker": f"T{number:05d}.US",
                "exchange": "NYSE",
                "trade_date": pl.Series(days).cast(pl.Date),
                "open": opened,
                "close": opened * np.exp(0.005 * random.normal(size=rows)),
                "volume": random.lognormal(13, 1, rows),
                "adv_20": np.full(rows, random.lognormal(15.5, 1.5), dtype=np.float32),
                "sigma_20": (0.015 + 0.01 * random.random(rows)).astype(np.float32),
                "spread_60": (0.003 * random.random(rows)).astype(np.float32),
                "eligible": random.random(rows) < 0.5,
                **outcomes,
                "state": states_of(random, rows),
            }
        )
        label = frame.filter(pl.Series(tested)).select(
            "ticker", "exchange", "trade_date",
            pl.col("trade_date").dt.year().cast(pl.Int16).alias("fold"), "state",
        )  # fmt: skip
        for (file, waiting, writer), part in zip(writers, (frame, label), strict=True):
            waiting.append(part.to_arrow(compat_level=pl.CompatLevel.oldest()))
            if not writer:
                writer.append(pq.ParquetWriter(file, waiting[0].schema, compression="zstd"))
            if number == tickers - 1 or sum(map(len, waiting)) >= 8 * ROW_GROUP_ROWS:
                writer[0].write_table(pa.concat_tables(waiting), row_group_size=ROW_GROUP_ROWS)
                waiting.clear()
    for _, _, (writer,) in writers:
        writer.close()


def states_of(random: np.random.Generator, rows: int) -> np.ndarray:
    """States that last twenty rows on average; int16, shape (rows,)."""
    change = random.random(rows) < 1 / 20
    start = np.maximum.accumulate(np.where(change, np.arange(rows), 0))
    return random.integers(0, STATES, rows).astype(np.int16)[start]


def groups(path: Path, columns: list[str]) -> Iterator[pl.DataFrame]:
    """Row groups of the dataset."""
    with pq.ParquetFile(path / "dataset.parquet") as file:
        for number in range(file.num_row_groups):
            yield pl.DataFrame(file.read_row_group(number, columns=columns))


def sums(path: Path) -> None:
    """All measures of all horizons by day and state; they are kept for the inference."""
    days = pl.scan_parquet(path / "dataset.parquet").select(pl.col("trade_date").unique().sort())
    every = days.collect().get_column("trade_date").to_physical().to_numpy()
    added = DateSums(every, STATES, measure_names(HORIZONS))
    names = [f"fwd_{kind}_{h}" for kind in ("oo", "xs") for h in HORIZONS]
    for rows in groups(path, ["trade_date", "eligible", "state", *names]):
        entered, excess = (
            {h: rows.get_column(f"fwd_{kind}_{h}").to_numpy() for h in HORIZONS}
            for kind in ("oo", "xs")
        )
        bounds = dict.fromkeys(HORIZONS, (-0.1, 0.1))
        eligible = rows.get_column("eligible").to_numpy()
        values = measures(entered, excess, eligible, bounds)
        day, state = rows.get_column("trade_date").to_physical(), rows.get_column("state")
        added.add(day.to_numpy(), state.to_numpy(), values)
    found = state_sums(added, HORIZONS)
    np.savez(
        path / "sums.npz",
        days=every,
        **{
            f"{m} {h} {n}": getattr(s, n)
            for (m, h), s in found.items()
            for n in ("count", "total", "square")
        },
    )


def inference(path: Path) -> None:
    """Intervals and tests of all states, horizons and measures, with 5,000 draws."""
    state_outcomes(read_sums(path), np.full(STATES, 1000), seed=1)


def read_sums(path: Path) -> dict[tuple[str, int], Sums]:
    """What `sums` has kept."""
    kept = np.load(path / "sums.npz")
    keys = sorted({tuple(name.split()[:2]) for name in kept.files if " " in name})
    parts = ("count", "total", "square")
    return {
        (m, int(h)): Sums(kept["days"], *(kept[f"{m} {h} {n}"] for n in parts)) for m, h in keys
    }


def placebo(path: Path) -> None:
    """999 common shifts of all labels."""

    def paths() -> Iterator[LabelPath]:
        for rows in whole_tickers(path, ["ticker", "state", "fwd_xs_10"]):
            keys = rows.get_column("ticker").rle_id().to_numpy().astype(np.int64)
            state, xs = (rows.get_column(name).to_numpy() for name in ("state", "fwd_xs_10"))
            yield from paths_of(keys, state, xs)

    longest = pl.scan_parquet(path / "dataset.parquet").select(pl.col("trade_date").n_unique())
    shifted_labels(paths(), STATES, common_shifts(longest.collect().item(), 999, 0))


def whole_tickers(path: Path, columns: list[str]) -> Iterator[pl.DataFrame]:
    """Row groups, cut where a ticker ends."""
    rest: pl.DataFrame | None = None
    for rows in groups(path, columns):
        rows = rows if rest is None else pl.concat([rest, rows])
        last = rows.get_column("ticker")[-1]
        whole = rows.filter(pl.col("ticker") != last)
        rest = rows.filter(pl.col("ticker") == last)
        yield whole
    if rest is not None:
        yield rest


def train_sums(path: Path) -> pl.DataFrame:
    """Sums of train rows by fold: one state pays, so that the portfolio holds a fifth of the names."""
    folds = pl.scan_parquet(path / "labels.parquet").select(pl.col("fold").unique().sort())
    days = np.arange(400, dtype=np.int32)
    random = np.random.default_rng(0)
    tables = []
    for fold in folds.collect().to_series():
        for state in range(STATES):
            for measure, h, mean in (
                ("xs", 10, 0.01 * (state == 4) - 0.01 * (state == 0)),
                ("half_spread", 0, 0.002),
            ):
                total = 1000 * mean + 0.1 * random.normal(size=len(days)) * (h > 0)
                columns = {
                    "trade_date": pl.Series(days).cast(pl.Date), "fold": fold, "period": "train",
                    "state": state, "h": h, "measure": measure, "n": np.full(len(days), 1000),
                    "s": total, "ss": np.full(len(days), 1.0),
                }  # fmt: skip
                tables.append(STATE_SUMS.frame(columns, len(days)))
    return pl.concat(tables)


def held(path: Path) -> None:
    """Positions and days."""
    positions, daily = portfolio(*files(path), train_sums(path), ValidationOptions())
    positions.write_parquet(path / "positions.parquet")
    daily.write_parquet(path / "daily.parquet")


def grid(path: Path) -> None:
    """Each state, long and short, at each horizon."""
    trial_grid(*files(path), ValidationOptions(), "bench").write_parquet(path / "trials.parquet")


def luck(path: Path) -> None:
    """Reality check and overfitting of the grid."""
    active = daily_series(pl.read_parquet(path / "trials.parquet"))
    superior_ability(active, block=22)
    probability_of_overfitting(active)


def sizes(path: Path) -> None:
    """Four sizes."""
    capacity(*files(path), train_sums(path), ValidationOptions())


def sensitivity(path: Path) -> None:
    """Other costs, a day later, delisting returns."""
    costs(*files(path), train_sums(path), ValidationOptions())


def files(path: Path) -> tuple[Path, Path]:
    """Dataset and labels."""
    return path / "dataset.parquet", path / "labels.parquet"


WORK: dict[str, tuple[str, Callable[[Path], None]]] = {
    "sums of all rows": ("sums", sums),
    "outcome inference": ("outcome inference", inference),
    "placebo, 999 shifts of all rows": ("placebo", placebo),
    "portfolio: positions and days": ("portfolio", held),
    "portfolio: grid of 40 trials": ("portfolio", grid),
    "portfolio: reality check, overfitting": ("portfolio", luck),
    "portfolio: four sizes": ("portfolio", sizes),
    "portfolio: costs, a day later, delisting": ("portfolio", sensitivity),
}


@click.command()
@click.option("--tickers", default=8600, help="Names.")
@click.option("--rows", default=2400, help="Rows of each.")
@click.option("--scratch", type=click.Path(path_type=Path), help="Folder for the files.")
def main(tickers: int, rows: int, scratch: Path | None) -> None:
    """Measure, print, and write the section of the benchmark document."""
    found = [("work", "seconds", "budget", "peak MB")]
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        market(Path(name), tickers, rows)
        for label, (budget, work) in WORK.items():
            seconds, peak = measured(work, Path(name))
            found.append((label, f"{seconds:.1f}", str(BUDGET[budget]), f"{peak:.0f}"))
    tested = tickers * min(rows, TEST_DAYS)
    head = f"{machine()}; {tickers * rows:,} rows, {tested:,} of them out of sample, 5 states."
    lines = [head, "", *table(found)]
    print("\n".join(lines))
    write_section("validation", lines)


if __name__ == "__main__":
    main()
