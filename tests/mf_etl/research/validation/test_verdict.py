"""One word and its lines, finding by finding."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mf_etl.research.validation.verdict import Cell, Findings, verdict

CELL = Cell(2, 10, 0.004, 0.003, {"winsor_xs": 0.002, "log_xs": None})
GOOD = Findings(
    market_known=True,
    folds=5,
    tested_cells=20,
    least_p_stepdown=0.01,
    placebo_p=0.004,
    fits_not_converged=0,
    datasets=1,
    cells=[CELL],
    survivors_only=False,
    holds_anything=True,
    dsr=0.97,
    spa_consistent_p=0.02,
    pbo=0.1,
    tau=0.3,
    event_signs_differ=0,
)


def test_nothing_against_it_passes():
    assert verdict(GOOD).verdict == "pass" and verdict(GOOD).lines == []


@pytest.mark.parametrize(
    ("change", "word", "text"),
    [
        ({"market_known": False}, "undecided", "too few stocks"),
        ({"folds": 1}, "undecided", "too few folds"),
        ({"tested_cells": 0}, "undecided", "could be tested"),
        ({"placebo_p": 0.06}, "fail", "shifted labels"),
        ({"least_p_stepdown": 0.05, "cells": []}, "fail", "beyond chance"),
        ({"least_p_stepdown": None, "cells": []}, "fail", "beyond chance"),
        ({"fits_not_converged": 1}, "fail", "not converged"),
        ({"datasets": 2}, "fail", "more than one dataset"),
        ({"cells": [replace(CELL, min_detectable=0.005)]}, "warn", "found reliably"),
        ({"cells": [replace(CELL, others={"log_xs": -0.001})]}, "warn", "another sign of log_xs"),
        ({"dsr": 0.94}, "warn", "after the trials"),
        ({"spa_consistent_p": 0.06}, "warn", "is luck"),
        ({"pbo": 0.21}, "warn", "overfitting"),
        ({"tau": 0.0}, "warn", "no order"),
        ({"survivors_only": True}, "warn", "survivors"),
        ({"event_signs_differ": 1}, "warn", "differ in sign"),
    ],
)
def test_each_finding_by_itself(change, word, text):
    got = verdict(replace(GOOD, **change))
    assert got.verdict == word and len(got.lines) == 1
    assert text in got.lines[0]["finding"] and got.lines[0]["verdict"] == word


def test_what_is_not_told_is_not_held_against_it():
    none = dict.fromkeys(("dsr", "spa_consistent_p", "pbo", "tau", "placebo_p"))
    assert verdict(replace(GOOD, **none)).verdict == "pass"
    assert verdict(replace(GOOD, dsr=0.1, holds_anything=False)).verdict == "pass"


def test_a_verdict_is_that_of_the_worst_and_a_failure_tells_its_warnings():
    got = verdict(replace(GOOD, placebo_p=0.5, pbo=0.9))
    assert got.verdict == "fail" and [line["verdict"] for line in got.lines] == ["fail", "warn"]
    assert verdict(replace(GOOD, placebo_p=0.5, folds=0)).verdict == "undecided"
