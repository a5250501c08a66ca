"""Which tickers and rows are taken, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.request import DatasetRequest, checked
from mf_etl.research.datasets.sampling import row_sample
from mf_etl.research.datasets.selection import Listing, selected

FILES = [Listing("NYSE", f"T{n:04d}", "stock", Path("x")) for n in range(2000)]
BOTH = [Listing(e, t, "stock", Path("x")) for t in ("B", "A") for e in ("NYSE", "NASDAQ")]


def names(files: list[Listing]) -> list[str]:
    return [file.ticker for file in files]


def test_order_is_ticker_then_exchange():
    got = selected(BOTH, DatasetRequest())
    assert [file[:2] for file in got] == [
        ("NASDAQ", "A"),
        ("NYSE", "A"),
        ("NASDAQ", "B"),
        ("NYSE", "B"),
    ]


def test_filters():
    assert names(selected(BOTH, DatasetRequest(tickers=["b"]))) == ["B", "B"]
    assert names(selected(BOTH, DatasetRequest(exchanges=["nyse"]))) == ["A", "B"]
    assert names(selected(BOTH, DatasetRequest(symbols_limit=1))) == ["A", "A"]


@given(st.sets(st.sampled_from(FILES), min_size=1, max_size=20))
def test_a_ticker_is_sampled_or_not_whatever_the_others_are(some):
    request = DatasetRequest(sample_frac=0.5, seed=3)
    of_all = set(names(selected(FILES, request)))
    expected = sorted(of_all.intersection(names(some)))
    if expected:
        assert names(selected(some, request)) == expected
    else:
        with pytest.raises(ResearchError, match="takes none"):
            selected(some, request)


def test_sample_has_its_size_grows_with_frac_and_changes_with_seed():
    small, large, other = (
        set(names(selected(FILES, DatasetRequest(sample_frac=frac, seed=seed))))
        for frac, seed in ((0.25, 0), (0.5, 0), (0.5, 1))
    )
    assert small < large
    assert 430 < len(small) < 570 and 910 < len(large) < 1090, "four standard deviations"
    assert 400 < len(large & other) < 600


def test_row_sample_is_uniform_and_bound_to_the_day():
    request = DatasetRequest(sample_frac=0.3, sample_by="row", seed=5)
    days = np.arange(-4000, 16_000)
    one, two = (row_sample(Listing("NYSE", t, "stock", Path("x")), days, request) for t in "AB")
    for taken in (one, two):
        assert abs(taken.mean() - 0.3) < 0.013, "four standard deviations"
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.03
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 0.03
    part = np.array([5, -4000, 77])
    expected = one[part + 4000]
    got = row_sample(Listing("NYSE", "A", "stock", Path("elsewhere")), part, request)
    assert got.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (DatasetRequest(tickers=["AA"]), "unknown ticker: AA; did you mean A"),
        (DatasetRequest(exchanges=["XETRA"]), "unknown exchange: XETRA"),
        (DatasetRequest(tickers=["A"], sample_frac=1e-9), "takes none of 1 tickers"),
    ],
)
def test_refusals(request_, message):
    with pytest.raises(ResearchError, match=message):
        selected(BOTH, request_)


def test_ticker_and_exchange_that_do_not_meet():
    files = [Listing("NYSE", "A", "stock", Path("x")), Listing("NASDAQ", "B", "stock", Path("x"))]
    with pytest.raises(ResearchError, match="no ticker is on the exchanges"):
        selected(files, DatasetRequest(tickers=["A"], exchanges=["NASDAQ"]))


def test_a_listing_given_twice():
    with pytest.raises(ResearchError, match="A on NASDAQ is listed twice"):
        selected([*BOTH, BOTH[-1]], DatasetRequest())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sample_frac": 0}, "dataset d: sample_frac = 0"),
        ({"sample_frac": 1.5}, "sample_frac = 1.5"),
        ({"sample_frac": float("nan")}, "sample_frac = nan"),
        ({"start_date": "2024-01-02", "end_date": "2024-01-01"}, "2024-01-02 is after end_date"),
        ({"start_date": "soon"}, "start_date = 'soon'"),
        ({"symbols_limit": 0}, "symbols_limit = 0"),
        ({"tickers": []}, "an empty list takes nothing"),
        ({"required_features": ["fwd_ret_5"]}, "not features of a dataset: fwd_ret_5"),
        ({"fraction": 0.5}, "fraction is not known; known are tickers"),
    ],
)
def test_nonsense_is_refused_in_one_line(values, message):
    with pytest.raises(ResearchError, match=message) as error:
        checked(DatasetRequest, values, "dataset d")
    assert len(str(error.value).splitlines()) == 1
