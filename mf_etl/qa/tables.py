"""The declared tables of the layers below bronze, by layer."""

from __future__ import annotations

from mf_etl.schemas.declaration import Table
from mf_etl.schemas.gold_events import GOLD_EVENTS
from mf_etl.schemas.gold_features import GOLD_FEATURES
from mf_etl.schemas.silver_base import SILVER_BASE
from mf_etl.schemas.silver_indicators import SILVER_INDICATORS

DERIVED_TABLES: dict[str, Table] = {
    table.name: table for table in (SILVER_BASE, SILVER_INDICATORS, GOLD_EVENTS, GOLD_FEATURES)
}
