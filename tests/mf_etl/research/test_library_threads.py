"""The limit on libraries' threads: entered again, left in any order, lifted by the last."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import threadpoolctl
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads

from mf_etl.research.library_threads import one_library_thread


def threads(user_api: str) -> list[int]:
    np.dot(np.eye(2), np.eye(2))  # The library is loaded.
    told = threadpoolctl.threadpool_info()
    return [library["num_threads"] for library in told if library["user_api"] == user_api]


def elsewhere(work):
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


@pytest.fixture
def two_threads():
    with threadpoolctl.threadpool_limits(2):
        if set(threads("blas")) != {2}:
            pytest.skip("linear algebra has one thread anyway")
        yield


def test_the_last_that_leaves_lifts_the_limit(two_threads):
    first, second = one_library_thread(), one_library_thread()
    first.__enter__()
    second.__enter__()
    assert set(threads("blas")) == {1}
    first.__exit__(None, None, None)
    assert set(threads("blas")) == {1}
    second.__exit__(None, None, None)
    assert set(threads("blas")) == {2}
    with pytest.raises(KeyError), one_library_thread():
        raise KeyError
    assert set(threads("blas")) == {2}


def test_a_thread_inside_keeps_the_limit_when_the_first_leaves(two_threads):
    entered, left = threading.Event(), threading.Event()

    def inside():
        with one_library_thread():
            entered.set()
            left.wait(10)
            return set(threads("blas"))

    found = []
    with one_library_thread():
        thread = threading.Thread(target=lambda: found.append(inside()))
        thread.start()
        entered.wait(10)
    left.set()
    thread.join()
    assert found == [{1}]


def test_openmp_is_limited_in_every_thread_that_enters():
    """Its limit is one for each thread: k-means in a worker would ignore that of the main thread."""

    def inside():
        with one_library_thread():
            return _openmp_effective_n_threads()

    with one_library_thread():
        assert _openmp_effective_n_threads() == elsewhere(inside) == 1
