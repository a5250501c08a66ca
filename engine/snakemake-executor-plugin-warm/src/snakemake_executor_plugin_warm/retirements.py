"""Rules whose scripts leave something behind that costs their worker: what is done about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_MAX_RETIREMENTS = 3


@dataclass(slots=True)
class _Rule:
    jobs: int = 0
    retirements: int = 0
    what: str = ""
    is_stock: bool = False


class Retirements:
    """Counts, by rule, jobs in workers and workers that had to be replaced after one.

    A fresh worker a job is slower than the local executor, as it imports what is preloaded. So a
    rule that has cost three workers, and one in most of its jobs, goes the stock way.
    """

    def __init__(self) -> None:
        self._rules: dict[str, _Rule] = {}

    def note(self, rule: str, left: str) -> bool:
        """Count a job that left this behind, if anything; returns whether the rule is given up now."""
        about = self._rules.setdefault(rule, _Rule())
        about.jobs += 1
        if left:
            about.retirements += 1
            about.what = left
        is_too_dear = about.retirements >= _MAX_RETIREMENTS and about.retirements * 2 > about.jobs
        if not is_too_dear or about.is_stock:
            return False
        about.is_stock = True
        return True

    def lines(self) -> Iterator[str]:
        """What is to be told at the end of a run: a line for each rule that was given up."""
        for name, about in self._rules.items():
            if about.is_stock:
                yield (
                    f"Rule {name}: its script left {about.what} behind, so that a warm worker had "
                    f"to be replaced after {about.retirements} of {about.jobs} jobs; any further "
                    f"job got a process of its own (--warm-exclude {name} does so from the start)."
                )
