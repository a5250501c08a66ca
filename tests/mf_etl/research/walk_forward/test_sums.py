"""Streamed sums of several folds, by loops over rows."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

from mf_etl.errors import ResearchError
from mf_etl.research.evaluation import agreement
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.validation.stored import read_sums
from mf_etl.research.walk_forward.folds import Fold
from mf_etl.research.walk_forward.matching import Matched
from mf_etl.research.walk_forward.sums import streamed_sums
from mf_etl.schemas.validation_tables import STATE_SUMS

DAY = datetime.date
ASKED = ValidationRequest(labels="r", horizons=(5, 10), min_names=3)
DAYS = [DAY(2019, 12, 1) + datetime.timedelta(n) for n in range(62)]


@dataclass
class Run:
    """What sums read of the run of a fold."""

    fold: Fold
    frame: pl.DataFrame
    in_sample: bool = False

    def rows(self) -> pl.LazyFrame:
        return self.frame.lazy()


def matched(*numbers: int) -> Matched:
    return Matched(np.array(numbers, dtype=np.int16), np.zeros(len(numbers)), "hungarian")


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """Five tickers of 62 days, a market, and two folds whose states have other numbers."""
    folder = tmp_path_factory.mktemp("sums")
    random = np.random.default_rng(0)
    rows = []
    for ticker in range(5):
        for place, day in enumerate(DAYS):
            if random.random() < 0.1:
                continue
            row = {"ticker": f"T{ticker}.US", "exchange": "NYSE", "trade_date": day}
            row |= {"eligible": bool(random.random() < 0.8), "spread_60": 0.01 * random.random()}
            row |= {"delisted": ticker == 4, "fwd_bars": min(21, len(DAYS) - 1 - place)}
            row["outcome_end_date"] = DAYS[min(place + 21, len(DAYS) - 1)]
            for h in (5, 10):
                row[f"fwd_oo_{h}"] = 0.05 * random.normal() if random.random() < 0.95 else None
                known = row[f"fwd_oo_{h}"] is not None
                row[f"fwd_xs_{h}"] = row[f"fwd_oo_{h}"] - 0.001 if known else None
            rows.append(row)
    table = pl.DataFrame(rows).sort("ticker", "trade_date")
    table.write_parquet(folder / "dataset.parquet")
    market = [
        {"trade_date": day, "h": h, "names": 2 if place == 40 else 5, "mean": 0.001,
         "mean_shumway": 0.0005}
        for place, day in enumerate(DAYS) for h in (5, 10)
    ]  # fmt: skip
    types = {"h": pl.Int8, "names": pl.Int32}
    pl.DataFrame(market, schema_overrides=types).write_parquet(folder / "market.parquet")
    runs = []
    for year, last in ((2019, DAYS[0]), (2020, DAYS[9])):
        fold = Fold(year, DAYS[0], last, max(DAY(year, 1, 1), DAYS[1]), DAYS[-1])
        period = (
            pl.when(pl.col("trade_date") <= last)
            .then(pl.lit("train"))
            .when(pl.col("trade_date") >= fold.test_first)
            .then(pl.lit("test"))
            .otherwise(pl.lit("between"))
        )
        keys = ["ticker", "exchange", "trade_date"]
        label = pl.Series("label", random.integers(-1, 2, table.height), dtype=pl.Int16)
        frame = table.select(*keys, period.alias("period"), label)
        runs.append(Run(fold, frame.filter(pl.col("period") != "between")))
    return folder, table, runs, [matched(0, 1), matched(2, 0)]


def test_sums_equal_a_loop_however_rows_are_cut(case, monkeypatch):
    folder, table, runs, matches = case
    got = streamed_sums(runs, matches, folder / "dataset.parquet", folder / "market.parquet", ASKED)
    STATE_SUMS.check(got)
    expected: dict = {}
    by_key = {(r["ticker"], r["trade_date"]): r for r in table.to_dicts()}
    for run, match in zip(runs, matches, strict=True):
        for label in run.frame.to_dicts():
            row = by_key[label["ticker"], label["trade_date"]]
            is_train = label["period"] == "train"
            purged = is_train and row["outcome_end_date"] >= run.fold.test_first
            thin = label["trade_date"] == DAYS[40]
            if purged or thin or label["label"] < 0 or not row["eligible"]:
                continue
            state = int(match.numbers[label["label"]])
            for h in (5, 10):
                if (xs := row[f"fwd_xs_{h}"]) is None:
                    continue
                oo = row[f"fwd_oo_{h}"]
                cut = row["delisted"] and row["fwd_bars"] < h + 1
                other = ((1 + oo) * 0.7 - 1 if cut else oo) - 0.0005
                for measure, value in (("xs", xs), ("oo", oo), ("xs_shumway", other)):
                    key = (run.fold.fold, label["period"], measure, h, label["trade_date"], state)
                    n, s = expected.get(key, (0, 0.0))
                    expected[key] = (n + 1, s + value)
    told = {}
    for row in got.filter(pl.col("measure").is_in(["xs", "oo", "xs_shumway"])).to_dicts():
        key = tuple(row[n] for n in ("fold", "period", "measure", "h", "trade_date", "state"))
        told[key] = (row["n"], row["s"])
    assert told.keys() == expected.keys()
    for key, (n, s) in expected.items():
        assert told[key][0] == n and told[key][1] == pytest.approx(s)
    # Of one ticker at a time: the same bytes.
    monkeypatch.setattr(agreement, "JOINED_ROWS", 1)
    again = streamed_sums(
        runs, matches, folder / "dataset.parquet", folder / "market.parquet", ASKED
    )
    assert again.equals(got)


def test_hits_and_logs_are_less_their_days_mean(case):
    folder, _, runs, matches = case
    got = streamed_sums(runs, matches, folder / "dataset.parquet", folder / "market.parquet", ASKED)
    daily = got.filter(pl.col("measure").is_in(["log_xs", "hit_xs"])).group_by(
        "fold", "period", "measure", "h", "trade_date"
    )
    assert daily.agg(pl.col("s").sum().abs()).get_column("s").max() < 1e-12


def test_sums_are_read_as_they_were_stored(case):
    folder, _, runs, matches = case
    got = streamed_sums(runs, matches, folder / "dataset.parquet", folder / "market.parquet", ASKED)
    test = got.filter(period="test", fold=2020)
    sums = read_sums(test, 3)
    assert sums.horizons == [5, 10]
    for (measure, h), one in sums.of.items():
        rows = test.filter(measure=measure, h=h)
        assert one.count.sum() == rows.get_column("n").sum()
        assert one.total.sum() == pytest.approx(rows.get_column("s").sum())


def test_a_dataset_without_outcomes_is_refused(case, tmp_path):
    folder, table, runs, matches = case
    table.drop("fwd_oo_5").write_parquet(tmp_path / "dataset.parquet")
    with pytest.raises(ResearchError, match="no column fwd_oo_5"):
        streamed_sums(runs, matches, tmp_path / "dataset.parquet", folder / "market.parquet", ASKED)
