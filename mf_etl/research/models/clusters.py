"""What all clusterings have in common: the fit, the labels of rows, and the model as plain arrays."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self
from zipfile import BadZipFile

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.errors import ResearchError
from mf_etl.io import replacing, write_json
from mf_etl.research.datasets.streaming import ROW_GROUP_ROWS
from mf_etl.research.models.canonical import NOISE, ORDER_COLUMN, canonical_order
from mf_etl.research.models.cluster_spec import METHODS, ClusteringSpec
from mf_etl.research.models.interface import Family, Fitted, Labels, Model
from mf_etl.research.models.sampling import fit_sample
from mf_etl.research.models.views import VIEWS, View
from mf_etl.research.preparation.blocks import MatrixRows
from mf_etl.research.preparation.files import SCALER
from mf_etl.research.preparation.prepared import Prepared
from mf_etl.research.preparation.sequences import Sequences

ARRAYS, ABOUT = "model.npz", "model.json"
MAX_GAP_DAYS = 30
"""A gap of more calendar days ends a run of one cluster, as it ends a sequence of an HMM."""

Predicted = tuple[NDArray[np.int16], NDArray[np.float32] | None]
"""Canonical cluster id of each row (−1 is noise), and its probability if the method has one."""


class RowsFit(NamedTuple):
    """A fit on some rows, ids not yet canonical."""

    model: ClusterModel
    labels: NDArray[np.int16]
    """Of the rows fitted on."""
    told: dict[str, Any]
    """Such as inertia or BIC; iterations and converged."""
    kept: NDArray[np.float32] | None = None
    """Probabilities of the labels, of a method that would predict rows of its own otherwise."""


class ClusterModel(Model):
    """A fitted clustering. A method is this with the five functions that are abstract here."""

    family: ClassVar[Family] = "cluster"
    views: ClassVar[tuple[View, ...]] = VIEWS["clustering"]

    knows_probability: ClassVar[bool] = True
    """Whether `predict` tells how sure a label is."""

    own: tuple[NDArray[np.bool_], NDArray[np.int16], NDArray[np.float32]] | None = None
    """Which matrix rows were fitted on, their labels and probabilities, where these are kept."""

    @classmethod
    @abstractmethod
    def fit_rows(cls, rows: MatrixRows, spec: ClusteringSpec, threads: int) -> RowsFit:
        """Fit on scaled rows."""

    @abstractmethod
    def reordered(self, new_ids: NDArray[np.int16]) -> Self:
        """The same model with cluster i called ``new_ids[i]``."""

    @abstractmethod
    def predict(self, rows: MatrixRows, threads: int) -> Predicted:
        """Cluster and probability of scaled rows."""

    @abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that was learnt."""

    @classmethod
    @abstractmethod
    def of(cls, arrays: dict[str, NDArray[Any]], spec: dict[str, Any]) -> Self:
        """From what `arrays` gave, and the specification as plain values."""

    def log_likelihood_per_row(self, rows: MatrixRows, threads: int) -> float | None:
        """Mean natural log-likelihood of scaled rows; None for a method that has none."""
        return None

    @classmethod
    def fitted(cls, prepared: Prepared, spec: ClusteringSpec, threads: int) -> Fitted:
        """Fit on the fit rows; nothing that was learnt rests on others.

        Raises `ResearchError` for values that are not finite, too few rows, and what `fit_sample`
        refuses.
        """
        prepared.refuse_infinite(threads)
        sample = fit_sample(prepared, spec.fit_rows_limit, spec.seed)
        found = cls.fit_rows(MatrixRows(prepared.matrix, sample.chosen), spec, threads)
        flow = prepared.column(ORDER_COLUMN)[sample.chosen].astype(np.float64)
        new_ids = canonical_order(found.labels, flow, found.model.states)
        model = found.model.reordered(new_ids)
        if found.kept is not None:
            model.own = (sample.chosen, renamed_labels(found.labels, new_ids), found.kept)
        report = {"converged": None, "iterations": None, **found.told, "fit_sample": sample.record}
        return Fitted(model, report, list(_notes(prepared, spec, found, sample.record)))

    def label(self, prepared: Prepared, threads: int, *, brief: bool = False) -> Labels:
        """`cluster_id` (Int16) and, where the method has one, `probability` (Float32)."""
        labels, probability = self._labels(prepared, threads)
        columns: dict[str, NDArray[Any]] = {self.views[0].column: labels}
        if probability is not None and not brief:
            columns["probability"] = probability
        # In a sample of single rows, neighbours are not days that follow each other.
        gap = 0 if prepared.is_sampled else MAX_GAP_DAYS
        cut = prepared.sequences(prepared.is_predict, max_gap_days=gap)
        return Labels(cut, _frames(columns, cut.sequences))

    def save(self, fitted: Fitted, prepared: Prepared, spec: ClusteringSpec, folder: Path) -> None:
        """Write ``model.npz`` and ``model.json``; nothing is pickled."""
        with replacing(folder / ARRAYS) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=True, **self.arrays())
        preparation = prepared.summary["spec"]
        about = {
            "spec": spec.model_dump(mode="json"),
            "features": list(prepared.features),
            "scaler": SCALER,
            "scaling_scope": preparation["scaling_scope"],
            "clip_zscore": preparation["clip_zscore"],
        }
        write_json(about, folder / ABOUT)

    @classmethod
    def load(cls, folder: Path, *, threads: int = 1) -> Self:
        model, _ = load_clusters(folder)
        if not isinstance(model, cls):
            raise ResearchError(f"model in {folder}: a {type(model).__name__}, not {cls.__name__}")
        return model

    def _labels(self, prepared: Prepared, threads: int) -> Predicted:
        """Of every matrix row; a model that was fitted here keeps the labels of its fit."""
        if self.own is None:
            return self.predict(MatrixRows(prepared.matrix), threads)
        chosen, own, strength = self.own
        labels = np.empty(prepared.rows, dtype=np.int16)
        probability = np.empty(prepared.rows, dtype=np.float32)
        labels[chosen], probability[chosen] = own, strength
        if not chosen.all():
            found = self.predict(MatrixRows(prepared.matrix, ~chosen), threads)
            labels[~chosen], probability[~chosen] = found
        return labels, probability


def load_clusters(folder: Path) -> tuple[ClusterModel, dict[str, Any]]:
    """The model of a run folder, and what is told about it.

    Raises `ResearchError` if the folder holds none, or not the whole of one.
    """
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        with np.load(folder / ARRAYS, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        # Infinity has its place: the density of equal rows in HDBSCAN.
        if any(np.isnan(array).any() for array in arrays.values()):
            raise ValueError("a parameter is NaN")
        method = METHODS[about["spec"]["method"]].implementation()
        return method.of(arrays, about["spec"]), about
    except KeyError as error:
        reason = f"no {error.args[0]}"
    except (OSError, ValueError, TypeError, AttributeError, EOFError, BadZipFile) as error:
        reason = str(error).splitlines()[0]
    raise ResearchError(f"model in {folder}: {reason}; run the clustering again")


def renamed_labels(labels: NDArray[Any], new_ids: NDArray[np.int16]) -> NDArray[np.int16]:
    """Labels by their new ids; noise stays −1."""
    # A label of −1 finds the last entry.
    return np.asarray(np.append(new_ids, np.int16(NOISE))[labels])


def _frames(columns: dict[str, NDArray[Any]], sequences: Sequences) -> Iterator[pl.DataFrame]:
    for shard in sequences.shards(ROW_GROUP_ROWS):
        rows = shard.row_numbers()
        yield pl.DataFrame({name: values[rows] for name, values in columns.items()})


def _notes(
    prepared: Prepared, spec: ClusteringSpec, found: RowsFit, sample: dict[str, Any]
) -> Iterator[str]:
    for name in prepared.summary["constant_features"]:
        yield f"{name} has one value on the rows fitted on: scaled to 0, it tells no clusters apart"
    with_rows = int((np.bincount(found.labels[found.labels >= 0]) > 0).sum())
    if spec.n_clusters is not None and with_rows < spec.n_clusters:
        yield f"{with_rows} of {spec.n_clusters} clusters have rows to fit on"
    if spec.n_clusters is None and not with_rows:
        yield "no cluster was found: every row is noise; lower min_cluster_size"
    if found.told.get("converged") is False:
        yield f"the fit had not converged after {found.told['iterations']} iterations"
    if sample["sampled"]:
        yield f"fitted on {sample['rows']:,} rows of {sample['tickers']} tickers"
