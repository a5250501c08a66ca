"""When a fit has converged."""

from __future__ import annotations

from collections import deque

import numpy as np
from hmmlearn.base import ConvergenceMonitor


class GainPerRowMonitor(ConvergenceMonitor):
    """Converged once the log-likelihood changes by less than `tol` a row; never by `n_iter`."""

    def __init__(self, tol: float, n_iter: int, verbose: bool) -> None:
        super().__init__(tol, n_iter, verbose)
        self.rows = 1
        self.history: deque[float] = deque()

    def report(self, log_prob: float) -> None:
        """Note the log-likelihood of one iteration. A floor may make it fall: no warning."""
        if self.verbose:
            gain = (log_prob - self.history[-1]) / self.rows if self.history else np.nan
            print(f"iteration {self.iter + 1}: {log_prob / self.rows:.8f} a row, {gain:+.2e}")
        self.history.append(float(log_prob))
        self.iter += 1

    @property
    def converged(self) -> bool:
        """Whether the last two iterations differ by less than `tol` a row."""
        if len(self.history) < 2:
            return False
        return abs(self.history[-1] - self.history[-2]) < self.tol * self.rows
