"""Hidden Markov models as a model of runs: fit, states of rows, the model as plain arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.errors import ResearchError
from mf_etl.research.models.hmm.canonical import (
    ORDERED_BY,
    canonical_order,
    mean_by_viterbi_state,
    reorder,
)
from mf_etl.research.models.hmm.decoding import STATE, decoded, decoded_columns, known_states
from mf_etl.research.models.hmm.fit import check_fit_rows, fit_restarts
from mf_etl.research.models.hmm.model import ShardedGaussianHMM
from mf_etl.research.models.hmm.report import evaluate, fit_report
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.models.hmm.storage import load_model, save_model
from mf_etl.research.models.interface import Family, Fitted, Labels, Model
from mf_etl.research.models.views import VIEWS, View
from mf_etl.research.preparation.prepared import Prepared
from mf_etl.research.preparation.sequences import Sequences


@dataclass
class MarkovModel(Model):
    """A Gaussian hidden Markov model with its states in canonical order."""

    estimator: ShardedGaussianHMM
    max_gap_days: int
    min_decoded_length: int

    family: ClassVar[Family] = "sequence"
    views: ClassVar[tuple[View, ...]] = VIEWS["hmm"]

    @property
    def states(self) -> int:
        return int(self.estimator.n_components)

    @classmethod
    def fitted(cls, prepared: Prepared, spec: HmmSpec, threads: int) -> Fitted:
        """Fit on the fit rows only; nothing that is learnt rests on others.

        Raises `ResearchError` for rows that no model can be fitted on, such as a sample of rows.
        """
        _refuse_sampled(prepared)
        gap = spec.max_gap_days
        cut = prepared.sequences(
            prepared.is_fit, max_gap_days=gap, min_length=spec.min_sequence_length
        )
        matrix, sequences = prepared.matrix, cut.sequences
        check_fit_rows(matrix, prepared.features, sequences, spec)
        estimator, records = fit_restarts(matrix, sequences, spec, n_jobs=threads)
        flow = prepared.column(ORDERED_BY)
        means = mean_by_viterbi_state(estimator, matrix, sequences, flow)
        order = canonical_order(means)
        reorder(estimator, order)
        train = evaluate(estimator, matrix, sequences)
        held_out = prepared.held_out
        test = None
        if held_out.any():
            rows = prepared.sequences(held_out, max_gap_days=gap).sequences
            test = evaluate(estimator, matrix, rows)
        report = fit_report(estimator, records, train, test)
        report["fit_sequences"] = cut.summary
        report[f"{ORDERED_BY}_means"] = [None if np.isnan(v) else float(v) for v in means[order]]
        model = cls(estimator, gap, spec.min_decoded_length)
        return Fitted(model, report, list(fit_notes(report)))

    def label(self, prepared: Prepared, threads: int, *, brief: bool = False) -> Labels:
        """The columns of `decoding.column_schema`; see there."""
        _refuse_sampled(prepared)
        if prepared.matrix.shape[1] != self.estimator.n_features:
            raise ResearchError(
                f"the model has {self.estimator.n_features} features, the matrix "
                f"{prepared.matrix.shape[1]}; prepare the matrix with the features of the run"
            )
        self.estimator.n_jobs = threads
        cut = prepared.sequences(
            prepared.is_predict,
            max_gap_days=self.max_gap_days,
            min_length=self.min_decoded_length,
            length_option="min_decoded_length",
        )
        work = self._known if brief else self._columns
        return Labels(cut, self.estimator.over_shards(work, prepared.matrix, cut.sequences))

    def _columns(self, x: NDArray[np.float32], shard: Sequences) -> pl.DataFrame:
        return _reported(decoded_columns(decoded(self.estimator, x, shard)), shard)

    def _known(self, x: NDArray[np.float32], shard: Sequences) -> pl.DataFrame:
        return _reported(pl.DataFrame({STATE: known_states(self.estimator, x, shard)}), shard)

    def save(self, fitted: Fitted, prepared: Prepared, spec: HmmSpec, folder: Path) -> None:
        """Write ``hmm_model_meta.json`` and the arrays beside it."""
        report = fitted.report | {
            "max_gap_days": self.max_gap_days,
            "min_decoded_length": self.min_decoded_length,
        }
        save_model(self.estimator, prepared.features, report, folder)

    @classmethod
    def load(cls, folder: Path, *, threads: int = 1) -> Self:
        estimator, meta = load_model(folder, n_jobs=threads)
        return cls(estimator, meta["max_gap_days"], meta["min_decoded_length"])

    def tables(self) -> dict[str, pl.DataFrame]:
        """Transition probabilities and where sequences start."""
        states = np.arange(self.states, dtype=np.int8)
        matrix = self.estimator.transmat_
        return {
            "transition_matrix": pl.DataFrame(
                {"from_state": states, **{f"to_{s}": matrix[:, s] for s in states.tolist()}}
            ),
            "start_probability": pl.DataFrame(
                {STATE: states, "start_probability": self.estimator.startprob_}
            ),
        }


def _reported(frame: pl.DataFrame, shard: Sequences) -> pl.DataFrame:
    """Without the rows that only lead in."""
    own = shard.reported
    return frame[own] if isinstance(own, slice) else frame.filter(own)


def _refuse_sampled(prepared: Prepared) -> None:
    if prepared.is_sampled:
        raise ResearchError(
            "an HMM needs every day of a ticker, but this dataset is a sample of single rows; "
            "export it with sample_by ticker"
        )


def fit_notes(report: dict[str, Any]) -> Iterator[str]:
    """What should be known of a fit before it is trusted; `report` is what `report.fit_report` gave."""
    if not report["converged"]:
        yield f"the fit stopped after {report['iterations']} iterations without converging"
    yield from (record["error"] for record in report["restarts"] if record["error"])
    for state in report["degenerate_states"]:
        yield f"state {state['hmm_state']} is degenerate: {'; '.join(state['reasons'])}"
