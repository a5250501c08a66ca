"""Names made from options."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_etl.research.datasets.naming import dataset_name
from mf_etl.research.datasets.request import DatasetRequest


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ({}, {"seed": 7, "sample_by": "row"}),
        ({"tickers": "B,A"}, {"tickers": ["a", "b", "A"]}),
        ({"start_date": "2020-01-31"}, {"start_date": "2020-01-31T00:00:00"}),
        ({"symbols_limit": 5}, {"symbols_limit": "5"}),
    ],
)
def test_the_same_request_has_the_same_name(one, same):
    assert dataset_name(DatasetRequest(**one)) == dataset_name(DatasetRequest(**same))


def test_requests_that_differ_have_different_names():
    options = [
        {},
        {"tickers": ["A"]},
        {"exchanges": ["A"]},
        {"tickers": ["A-B"]},
        {"tickers": ["A", "B"]},
        {"symbols_limit": 5},
        {"start_date": "2020-01-31"},
        {"end_date": "2020-01-31"},
        {"sample_frac": 0.1},
        {"sample_frac": 0.1, "seed": 1},
        {"sample_frac": 0.1, "sample_by": "row"},
        {"sample_frac": 0.1 + 1e-12},
        {"required_features": []},
    ]
    assert len({dataset_name(DatasetRequest(**o)) for o in options}) == len(options)


def test_a_name_says_what_is_in_it_and_stays_as_it_is():
    request = DatasetRequest(exchanges=["NYSE"], start_date="2020-01-31", sample_frac=0.1, seed=7)
    readable = "adhoc-nyse-from-2020-01-31-0.1-of-tickers-seed-7-"
    assert re.fullmatch(rf"{readable}[0-9a-f]{{10}}", dataset_name(request))


tickers = st.from_regex(r"[A-Z0-9][A-Z0-9._-]{0,39}", fullmatch=True)


@given(st.none() | st.lists(tickers, min_size=1, max_size=5), st.none() | st.integers(1))
def test_a_name_is_safe_as_a_file_name(names, limit):
    name = dataset_name(DatasetRequest(tickers=names, symbols_limit=limit))
    assert re.fullmatch(r"[a-z][a-z0-9.-]{0,96}", name)
