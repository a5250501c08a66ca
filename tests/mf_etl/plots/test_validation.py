"""Figures of a validation: what each must say, what it shows, and where there is nothing to show."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from mf_etl.plots.base import save
from mf_etl.plots.validation import (
    About,
    capacity,
    equity,
    event_paths,
    folds,
    placebo,
    state_intervals,
)
from mf_etl.schemas import validation_tables as tables

ABOUT = About("sample", "filtered", date(2021, 1, 4), date(2022, 12, 30))
SAID = ("data: sample", "view: filtered", "2021-01-04 to 2022-12-30, out of sample", "n = ")


def frame(table, rows):
    """Rows of a table; columns that are not given are null, or 0 where none may be."""
    schema = table.schema()
    filled = {c.name: None if c.nullable else 0 for c in table.columns if c.dtype != pl.Date}
    return pl.DataFrame([{**filled, **row} for row in rows], schema=schema, strict=False)


def outcomes(p=0.01):
    return frame(
        tables.STATE_OUTCOMES,
        [
            {"state": k, "h": h, "measure": m, "rows": 100, "mean": 0.001 * k, "lo": 0.001 * k - 0.002,
             "hi": 0.001 * k + 0.002, "p_stepdown": p if k else 0.5}
            for m in ("xs", "oo") for h in (1, 10) for k in range(3)
        ],
    )  # fmt: skip


def paths(pairs):
    return frame(
        tables.EVENT_PATHS,
        [
            {"prev": a, "next": b, "r": r, "events": 9, "dates": 5, "aar": 0.0, "caar": 1e-4 * r,
             "lo": 1e-4 * r - 1e-3, "hi": 1e-4 * r + 1e-3}
            for a, b in pairs for r in range(-10, 21)
        ],
    )  # fmt: skip


def summary(pairs):
    return frame(
        tables.EVENT_SUMMARY,
        [
            {"prev": a, "next": b, "events": 9 + a, "p_stepdown": None if a else 0.02}
            for a, b in pairs
        ],
    )


def draws(count=99):
    separation = np.concatenate([[0.02], 0.01 * np.random.default_rng(0).random(count)])
    return frame(
        tables.PLACEBO,
        [{"draw": n, "shift": n, "separation": value} for n, value in enumerate(separation)],
    )


def years():
    return frame(
        tables.BY_YEAR,
        [
            {"year": y, "state": k, "share": 0.5, "rows": 50, "mean_xs": 0.001 * k, "se_block": 1e-4}
            for y in (2021, 2022) for k in range(2)
        ],
    )  # fmt: skip


def days(names=3):
    return frame(
        tables.DAILY,
        [
            {"strategy": side, "trade_date": date(2021, 1, 4 + n), "fold": 2021 + n // 4,
             "names": names,
             **dict.fromkeys(("net", "market_net", "active"), None if n == 9 else 0.01)}
            for side in ("long", "short") for n in range(10)
        ],
    )  # fmt: skip


def sizes():
    return frame(
        tables.CAPACITY,
        [
            {"strategy": side, "aum": aum, "net_active": 1e-4 * (7.5 - np.log10(aum)),
             "break_even_aum": 10**7.5 if side == "long" else None}
            for side in ("long", "short") for aum in (1e6, 1e7, 1e8)
        ],
    )  # fmt: skip


PAIRS = [(0, 1), (1, 0), (1, 2)]
FIGURES = {
    "state_intervals": lambda: state_intervals(outcomes(), ABOUT),
    "event_paths": lambda: event_paths(paths(PAIRS), summary(PAIRS), ABOUT),
    "placebo": lambda: placebo(draws(), ABOUT, h=10),
    "folds": lambda: folds(years(), ABOUT, h=10),
    "equity": lambda: equity(days(), ABOUT),
    "capacity": lambda: capacity(sizes(), ABOUT),
}
NOTHING = {
    "state_intervals": lambda: state_intervals(outcomes().clear(), ABOUT),
    "event_paths": lambda: event_paths(paths([]), summary([]), ABOUT),
    "placebo": lambda: placebo(draws().head(0), ABOUT, h=10),
    "folds": lambda: folds(years().clear(), ABOUT, h=10),
    "equity": lambda: equity(days().clear(), ABOUT),
    "capacity": lambda: capacity(sizes().clear(), ABOUT),
}


def written(figure, path):
    save(figure, path)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_says_data_view_period_and_n_and_is_the_same_every_time(name, tmp_path):
    figure = FIGURES[name]()
    caption = figure.get_supxlabel().replace("\n", " ")
    assert all(part in caption for part in SAID)
    assert written(figure, tmp_path / "one.svg") == written(FIGURES[name](), tmp_path / "two.svg")


@pytest.mark.parametrize("name", NOTHING)
def test_where_there_is_nothing_to_show_a_figure_says_so(name, tmp_path):
    figure = NOTHING[name]()
    assert "n = 0" in figure.get_supxlabel() and len(figure.axes[0].texts) == 1
    written(figure, tmp_path / "one.svg")


def test_in_sample_is_said():
    about = About("sample", "filtered", ABOUT.first, ABOUT.last, in_sample=True)
    caption = state_intervals(outcomes(), about).get_supxlabel().replace("\n", " ")
    assert "in sample: proves nothing" in caption and "out of sample" not in caption


def test_intervals_are_of_what_is_tested_and_filled_where_it_is_found():
    figure = state_intervals(outcomes(), ABOUT)
    assert [axis.get_title() for axis in figure.axes] == ["1 day", "10 days"]
    dots = figure.axes[0].collections[1]
    assert dots.get_offsets()[:, 0].tolist() == pytest.approx([0, 10, 20])
    faces = dots.get_facecolors()
    assert faces[0, :3].tolist() == [1, 1, 1] and (faces[1:, :3] != 1).any(axis=1).all()
    white = state_intervals(outcomes(p=0.2), ABOUT).axes[0].collections[1].get_facecolors()
    assert (white[:, :3] == 1).all()
    assert "n = 300 rows" in figure.get_supxlabel()


def test_paths_are_of_the_pairs_with_most_events():
    pairs = [(a, b) for a in range(5) for b in range(5) if a != b]
    figure = event_paths(paths(pairs), summary(pairs), ABOUT)
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert len(titles) == 12 and titles[0].startswith("2 → 0: 11 events, not tested")
    assert "12 of 20 pairs" in figure.get_supxlabel()
    few = event_paths(paths(PAIRS), summary(PAIRS), ABOUT)
    assert few.axes[0].get_title() == "0 → 1: 9 events, adjusted p 0.02"
    assert few.axes[0].lines[1].get_ydata()[-1] == pytest.approx(20)


def test_the_placebo_tells_how_often_chance_does_as_well():
    figure = placebo(draws(), ABOUT, h=5)
    assert figure.axes[0].texts[0].get_text() == "the data: 200.0 bp\np = 0.010"
    assert sum(patch.get_height() for patch in figure.axes[0].patches) == 99


def test_equity_compounds_what_is_known_and_says_when_nothing_is_held():
    figure = equity(days(), ABOUT)
    net = figure.axes[0].lines[1].get_ydata()
    assert len(net) == 9 and net[-1] == pytest.approx(1.01**9)
    assert [axis.get_title() for axis in figure.axes[:2]] == ["long", "short"]
    assert equity(days(names=0), ABOUT).axes[0].get_title() == "long (holds nothing)"


def test_capacity_marks_where_nothing_is_left():
    axis = capacity(sizes(), ABOUT).axes[0]
    assert [text.get_text() for text in axis.texts] == ["0 at 31.6 m"]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["1 m", "10 m", "100 m"]
