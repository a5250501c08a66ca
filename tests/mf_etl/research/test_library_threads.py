"""The limit on libraries' threads: entered again, left in any order, lifted by the last."""

from __future__ import annotations

import numpy as np
import pytest
import threadpoolctl

from mf_etl.research import library_threads
from mf_etl.research.library_threads import one_library_thread


def threads() -> list[int]:
    np.dot(np.eye(2), np.eye(2))  # The library is loaded.
    return [library["num_threads"] for library in threadpoolctl.threadpool_info()]


def test_the_last_that_leaves_lifts_the_limit(monkeypatch):
    with threadpoolctl.threadpool_limits(2):
        before = threads()
        if max(before) == 1:
            pytest.skip("libraries have one thread anyway")
        looks = []
        real = library_threads.threadpool_limits
        monkeypatch.setattr(
            library_threads, "threadpool_limits", lambda n: looks.append(n) or real(n)
        )
        first, second = one_library_thread(), one_library_thread()
        first.__enter__()
        second.__enter__()
        assert set(threads()) == {1}
        first.__exit__(None, None, None)
        assert set(threads()) == {1}
        second.__exit__(None, None, None)
        assert threads() == before and looks == [1]
        with pytest.raises(KeyError), one_library_thread():
            raise KeyError
        assert threads() == before
