"""When a fit has converged."""

from __future__ import annotations

import sys

import numpy as np
from hmmlearn.base import ConvergenceMonitor

from mf_etl.research.models.ascent import Progress


class GainPerRowMonitor(Progress, ConvergenceMonitor):  # type: ignore[misc]
    """hmmlearn's monitor with the convergence of `Progress`: never by `n_iter`.

    ``history`` has the log-likelihoods of the steps that were kept, ``iter`` counts all.
    """

    def __init__(self, tol: float, n_iter: int, verbose: bool, rows: int = 1) -> None:
        ConvergenceMonitor.__init__(self, tol, n_iter, verbose)
        Progress.__init__(self, rows, tol)
        self.history = self.values

    def add(self, value: float, *, jumped: bool = False) -> None:
        """As in `Progress`. A floor may make a likelihood fall: no warning."""
        if self.verbose:
            gain = (value - self.history[-1]) / self.rows if self.history else np.nan
            step = "accelerated" if jumped else "iteration"
            number = len(self.history) + 1
            print(f"{step} {number}: {value / self.rows:.8f} a row, {gain:+.2e}", file=sys.stderr)
        super().add(value, jumped=jumped)

    def report(self, log_prob: float) -> None:
        """Note the log-likelihood of one iteration."""
        self.add(log_prob)
        self.iter += 1
