"""Seeded synthetic archives in the Stooq layout, with known regimes and known anomalies.

Made for benchmarks and tests: the same arguments give the same bytes on any machine, so a synthetic
archive needs no download, no licence and no storage. Every ticker is simulated on its own; there is no
market factor unless regimes are asked to pay (`pays`), and no result of research should be drawn from
these prices.
"""

from mf_etl.synth.anomalies import ANOMALIES, PlantedAnomaly
from mf_etl.synth.archive import ArchiveSummary, write_archive
from mf_etl.synth.market import REGIMES, TRANSITIONS, Bars, simulate_bars
from mf_etl.synth.update import UpdateSummary, extend_archive, reshuffle_archive

__all__ = [
    "ANOMALIES",
    "REGIMES",
    "TRANSITIONS",
    "ArchiveSummary",
    "Bars",
    "PlantedAnomaly",
    "UpdateSummary",
    "extend_archive",
    "reshuffle_archive",
    "simulate_bars",
    "write_archive",
]
