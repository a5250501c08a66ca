"""What parcels have done and what they could not do, for the end of a run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mf_etl.catalog import LAYERS
from mf_etl.planning.plan import Parcel, jobs_by_layer, state_file
from mf_etl.planning.state import SlotState


def jobs_and_failures(
    folder: Path, parcels: Iterable[Parcel]
) -> tuple[list[tuple[str, str, bool, int]], list[dict[str, Any]]]:
    """Jobs of parcels (rule, reason, whether done, count), and those that failed.

    A parcel that was not carried through counts as not done.
    """
    jobs: list[tuple[str, str, bool, int]] = []
    failures: list[dict[str, Any]] = []
    done = dict.fromkeys(LAYERS, 0)
    parcels = list(parcels)
    for parcel in parcels:
        state = SlotState.read(state_file(folder, parcel.slot))
        if state.run != parcel.run:
            continue
        for layer, count in state.done.items():
            done[layer] += count
        for key in parcel.pending:
            exchange, ticker = key.split("/")
            member = state.members.get(key)
            if member and member.failed:
                layer, line, log = member.failed
                failures.append(
                    {
                        "rule": layer,
                        "wildcards": {"exchange": exchange, "ticker": ticker},
                        "log": log,
                        "error": line,
                    }
                )
    reasons = jobs_by_layer(parcels)
    for layer in LAYERS:
        expected = sum(reasons.get(layer, {}).values())
        why = ", ".join(sorted(reasons.get(layer, {}))) or "input rebuilt"
        if done[layer]:
            jobs.append((layer, why, True, done[layer]))
        if expected > done[layer]:
            jobs.append((layer, why, False, expected - done[layer]))
    return jobs, failures
