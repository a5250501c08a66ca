"""Clusters of new rows by the model of a finished run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.research.clustering.blocks import MatrixRows
from mf_etl.research.clustering.model import load_model
from mf_etl.research.preparation.prepare import SCALER
from mf_etl.research.preparation.scaling import read_scaling
from mf_etl.research.preparation.source import arrays


def predicted(run_folder: Path, rows: pl.DataFrame, threads: int = 1) -> pl.DataFrame:
    """`rows`, which hold the unscaled features, with `cluster_id` and, but for kmeans, `probability`.

    Features are scaled and clipped as they were for the fit. Both columns are null where a feature
    is null and, with scaling per ticker, for tickers that were not fitted on. Raises `ResearchError`
    for a folder without a model and for a missing feature.
    """
    model, about = load_model(run_folder)
    features = tuple(about["features"])
    needed = features if about["scaling_scope"] == "global" else (*features, "ticker")
    if missing := [name for name in needed if name not in rows.columns]:
        raise ResearchError(f"rows to predict have no column {', '.join(missing)}")
    scaling = read_scaling(run_folder / SCALER, features)
    numbered = rows.with_row_index("_row")
    known = numbered.drop_nulls(list(features))
    scaler = np.zeros(known.height, dtype=np.intp)
    if scaling.tickers is not None:
        places = pl.DataFrame({"ticker": scaling.tickers}).with_row_index("_scaler")
        known = known.join(places, on="ticker", how="inner", maintain_order="left")
        scaler = known.get_column("_scaler").to_numpy().astype(np.intp)
    matrix, _ = scaling.scaled(arrays(known, features), scaler, about["clip_zscore"])
    labels, probability = model.predict(MatrixRows(matrix), threads)
    found = known.select("_row").with_columns(pl.Series("cluster_id", labels))
    if probability is not None:
        found = found.with_columns(pl.Series("probability", probability))
    return numbered.join(found, on="_row", how="left", maintain_order="left").drop("_row")
