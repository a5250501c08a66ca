"""Gold features: one ticker's research features from its events."""

from pathlib import Path

from mf_etl import job
from mf_etl.gold.features import EVENT_COLUMNS, Weights, feature_series
from mf_etl.lineage import derived_run_id
from mf_etl.schemas.gold_events import GOLD_EVENTS
from mf_etl.schemas.gold_features import GOLD_FEATURES
from mf_etl.settings.steps import GoldFeaturesSettings


def main(
    gold_events: Path, gold_features: Path, *, settings: GoldFeaturesSettings, code: str
) -> None:
    events = GOLD_EVENTS.read(gold_events, EVENT_COLUMNS)
    features = feature_series(
        events,
        weights=Weights(**settings.gold_features.weights.model_dump()),
        eps=settings.precision.eps,
        run_id=derived_run_id(events, settings, code),
    )
    GOLD_FEATURES.write(features, gold_features, settings.storage)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
