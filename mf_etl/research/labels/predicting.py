"""Clusters of new rows by the model of a finished run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.research.models.clusters import Predicted, load_clusters
from mf_etl.research.preparation.blocks import MatrixRows
from mf_etl.research.preparation.files import SCALER
from mf_etl.research.preparation.scaling import read_scaling
from mf_etl.research.preparation.source import arrays

FOUND = {"cluster_id": pl.Int16, "probability": pl.Float32}


def predicted(run_folder: Path, rows: pl.DataFrame, threads: int = 1) -> pl.DataFrame:
    """`rows`, which hold the unscaled features, with `cluster_id` and, but for kmeans, `probability`.

    Features are scaled and clipped as they were for the fit. Both columns are null where a feature
    is null and, with scaling per ticker, for tickers that were not fitted on; columns of these names
    that `rows` had are replaced. Raises `ResearchError` for a folder without a whole model, and for
    a feature that is missing, no number, or not finite.
    """
    model, about = load_clusters(run_folder)
    features = tuple(about["features"])
    needed = features if about["scaling_scope"] == "global" else (*features, "ticker")
    _refuse_rows(rows, needed, features)
    scaling = read_scaling(run_folder / SCALER, features)
    numbered = rows.drop(FOUND, strict=False).with_row_index("_row")
    known = numbered.drop_nulls(list(features))
    scaler = np.zeros(known.height, dtype=np.intp)
    if scaling.tickers is not None:
        places = pl.DataFrame({"ticker": scaling.tickers}).with_row_index("_scaler")
        known = known.join(places, on="ticker", how="inner", maintain_order="left")
        scaler = known.get_column("_scaler").to_numpy().astype(np.intp)
    found = known.select("_row")
    strength = np.empty(0, np.float32) if model.knows_probability else None
    labels: Predicted = np.empty(0, np.int16), strength
    if known.height:
        matrix, _ = scaling.scaled(arrays(known, features), scaler, about["clip_zscore"])
        labels = model.predict(MatrixRows(matrix), threads)
    for (name, dtype), values in zip(FOUND.items(), labels, strict=True):
        if values is not None:
            found = found.with_columns(pl.Series(name, values).cast(dtype))
    return numbered.join(found, on="_row", how="left", maintain_order="left").drop("_row")


def _refuse_rows(rows: pl.DataFrame, needed: tuple[str, ...], features: tuple[str, ...]) -> None:
    if missing := [name for name in needed if name not in rows.columns]:
        raise ResearchError(f"rows to predict have no column {', '.join(missing)}")
    for name in features:
        column = rows.get_column(name)
        if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
            raise ResearchError(
                f"feature {name} of the rows to predict is {column.dtype}, no number"
            )
        if column.dtype.is_float() and not (finite := column.is_finite().fill_null(True)).all():
            raise ResearchError(
                f"feature {name} of the rows to predict is not finite in row {finite.arg_min()}"
            )
