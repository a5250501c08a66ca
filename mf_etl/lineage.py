"""How rows name the rows they were made from."""

from __future__ import annotations

import polars as pl
from pydantic import BaseModel

from mf_etl.provenance import run_id


def derived_run_id(source: pl.DataFrame, settings: BaseModel, code: str) -> str:
    """`run_id` of rows made from the rows of `source`, which carry one run_id themselves.

    A source without rows has nothing to name and counts as none.
    """
    above = source.get_column("run_id")[0] if source.height else None
    return run_id(above, settings.model_dump(mode="json"), code)
