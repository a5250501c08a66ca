"""Which part of the settings a step reads: exactly this part is a parameter of its rule.

A change to a setting therefore rebuilds the steps that read it, and what lies below them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict

from mf_etl.io import ParquetOptions
from mf_etl.research.validation.catalog import REFITS, VALIDATION
from mf_etl.settings.model import Settings
from mf_etl.settings.sections import (
    EventGrammar,
    GoldFeatures,
    Indicators,
    Market,
    Parquet,
    Precision,
    Qa,
    Report,
    Universe,
    Validation,
)


class StepSettings(BaseModel):
    """What every step that writes a table reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parquet: Parquet

    @property
    def storage(self) -> ParquetOptions:
        """How this step's tables are stored."""
        takes_level = self.parquet.compression in ("zstd", "gzip", "brotli")
        return ParquetOptions(
            compression=self.parquet.compression,
            compression_level=self.parquet.compression_level if takes_level else None,
            statistics=self.parquet.statistics,
        )


class DerivedSettings(StepSettings):
    """What a step reads whose tables have helper columns."""

    precision: Precision

    @property
    def storage(self) -> ParquetOptions:
        """How this step's tables are stored, helper columns included."""
        return replace(super().storage, helper_dtype=self.precision.helper_dtype)


class BronzeSettings(StepSettings):
    """Settings of `bronze_ohlcv`."""

    validation: Validation

    @property
    def limits(self) -> dict[str, int]:
        """What is read at most, in bytes."""
        return {
            "file_bytes": int(self.validation.max_file_mb * 2**20),
            "line_bytes": self.validation.max_line_bytes,
        }

    @property
    def thresholds(self) -> dict[str, Any]:
        """When a valid bar gets a warning, and when a segment ends."""
        return {
            "gap_days": self.validation.gap_days_warn_threshold,
            "suspicious_range": self.validation.suspicious_range_threshold,
            "suspicious_move": self.validation.suspicious_move_threshold,
            "price_step_factor": self.validation.price_step_factor,
            "segment_gap_days": self.validation.segment_gap_days,
        }


class SilverBaseSettings(DerivedSettings):
    """Settings of `silver_base`."""


class SilverIndicatorsSettings(DerivedSettings):
    """Settings of `silver_indicators`."""

    indicators: Indicators


class GoldEventsSettings(DerivedSettings):
    """Settings of `gold_events`."""

    event_grammar: EventGrammar


class GoldFeaturesSettings(DerivedSettings):
    """Settings of `gold_features`."""

    gold_features: GoldFeatures


class ManifestSettings(StepSettings):
    """Settings of `file_manifest`."""

    universe: Universe


class QaSettings(StepSettings):
    """Settings of the steps that check a layer over the universe."""

    qa: Qa


class MarketSettings(StepSettings):
    """Settings of `equal_weight_market`."""

    market: Market
    precision: Precision


class DatasetSettings(DerivedSettings):
    """Settings of `ml_dataset`, besides the request."""


class ReportSettings(BaseModel):
    """Settings of `report_selection`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    report: Report


class VerdictSettings(BaseModel):
    """Settings of `qa_gate`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    qa: Qa


STEPS: dict[str, type[BaseModel]] = {
    "bronze_ohlcv": BronzeSettings,
    "silver_base": SilverBaseSettings,
    "silver_indicators": SilverIndicatorsSettings,
    "gold_events": GoldEventsSettings,
    "gold_features": GoldFeaturesSettings,
    "parcel": StepSettings,
    "file_manifest": ManifestSettings,
    "symbol_master": StepSettings,
    "bronze_qa": QaSettings,
    "layer_qa": QaSettings,
    "qa_gate": VerdictSettings,
    "equal_weight_market": MarketSettings,
    "flow_states_by_day": StepSettings,
    "report_selection": ReportSettings,
    "ml_dataset": DatasetSettings,
    "prepared_matrix": StepSettings,
    "research_run": StepSettings,
    "research_stability": StepSettings,
    "clustering_periods": StepSettings,
    "hmm_decode": StepSettings,
    **dict.fromkeys(VALIDATION | REFITS, StepSettings),
}


def step_settings(settings: Settings, step: str) -> dict[str, Any]:
    """The part of `settings` that `step` reads, as plain values in a fixed order."""
    model = STEPS[step]
    part = {name: getattr(settings, name) for name in model.model_fields}
    return model.model_validate(part).model_dump(mode="json")
