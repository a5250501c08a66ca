"""What is pending in each slot, and why: read from states, raw files and files, changing nothing."""

from __future__ import annotations

import contextlib
import functools
import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mf_etl.catalog import LAYERS, Catalog
from mf_etl.fingerprints import Fingerprints
from mf_etl.planning.slots import Pair, slots_of
from mf_etl.planning.state import Member, SlotLock, SlotState, stamps_of, write_compact
from mf_etl.provenance import run_id
from mf_etl.reasons import ABOVE, CHANGED, FAILED, FORCED, MISSING, NEW, changed_step
from mf_etl.universe import Universe

UNKNOWN = "to be looked at"
"""Its files are there, and whether they are up to date is for Snakemake to find out."""


class Pending(NamedTuple):
    """A ticker of which something is not as its last parcel left it.

    From the layer of number `open_from` on it has to be weighed again, and from `todo_from` on
    there are jobs to do, None if there are none, for this `reason`.
    """

    pair: Pair
    open_from: int
    todo_from: int | None
    reason: str


@dataclass(frozen=True)
class Step:
    """What makes a layer besides its input."""

    code: str
    settings: Mapping[str, Any]

    @functools.cached_property
    def digest(self) -> str:
        """A name of both."""
        return run_id(self.code, self.settings)


class Plan:
    """The slots of a universe and what is pending in them.

    `summary` gives the file of a layer and slot that a parcel leaves, `folder` holds the states.
    Rules in `forced` are done again for every ticker. Raises `UniverseError` where the universe does.
    """

    def __init__(
        self,
        universe: Universe,
        fingerprints: Fingerprints,
        data: Catalog,
        steps: Callable[[str], Step],
        summary: Callable[[str, str], str],
        folder: Path,
    ) -> None:
        self._universe = universe
        self._fingerprints = fingerprints
        self._data = data
        self._step = functools.cache(steps)
        self._summary = summary
        self.folder = folder
        self._states: dict[str, SlotState] = {}
        self._content: dict[Pair, str] = {}
        self._pending: dict[str, list[Pending]] = {}
        self._work: dict[tuple[str, str], str] = {}
        self.forced: frozenset[str] = frozenset()

    @functools.cached_property
    def slots(self) -> dict[str, list[Pair]]:
        """The tickers of each slot."""
        return slots_of(self._universe.tickers)

    def files(self, layer: str, slot: str) -> list[str]:
        """The files of a slot's tickers in a layer."""
        return [file for pair in self.slots[slot] for file in layer_files(self._data, layer, pair)]

    def summaries(self, layer: str, pairs: Iterable[Pair] | None = None) -> list[str]:
        """The slots' summaries of a layer: of all slots, or of those that hold `pairs`."""
        wanted = None if pairs is None else set(pairs)
        return [
            self._summary(layer, slot)
            for slot, members in self.slots.items()
            if wanted is None or not wanted.isdisjoint(members)
        ]

    def work(self, layer: str, slot: str) -> str:
        """A value that is another one as long as something is pending for a layer of a slot.

        While nothing is, it is what it was for the last parcel. A parcel writes the summary whose
        time stamp is part of the value, so what is pending still is so under a new value.
        """
        # Snakemake asks before a run, and again before the job: what it records is what was planned.
        if (layer, slot) not in self._work:
            state = self.state(slot)
            if layer in state.work and not self._is_open(layer, slot):
                self._work[layer, slot] = state.work[layer]
            else:
                summary = stamps_of([self._summary(layer, slot)])
                self._work[layer, slot] = run_id(slot, layer, summary)
        return self._work[layer, slot]

    def content(self, pair: Pair) -> str:
        """Content fingerprint of a ticker's raw file, or a word that is none if it cannot be read.

        Such a file fails its own job, which says why, and no other. After a failure it is read
        anew, since what is remembered of it may be what was wrong.
        """
        if pair not in self._content:
            self._content[pair] = self._read_content(pair)
        return self._content[pair]

    def _read_content(self, pair: Pair) -> str:
        raw = self._universe.raw_path(*pair)
        exchange, ticker = pair
        log = self._data.bronze_ohlcv.log.format(exchange=exchange, prefix=ticker[0], ticker=ticker)
        with contextlib.suppress(OSError):
            if os.stat(log).st_size:
                self._fingerprints.doubt(raw)
        return self._fingerprints.of_readable(raw)

    def state(self, slot: str) -> SlotState:
        """What is known of a slot."""
        if slot not in self._states:
            self._states[slot] = SlotState.read(state_file(self.folder, slot))
        return self._states[slot]

    def pending(self, slot: str) -> list[Pending]:
        """The tickers of a slot that have to be weighed again."""
        if not self._pending:
            self._fingerprints.prepare(
                self._universe.raw_path(*pair) for pairs in self.slots.values() for pair in pairs
            )
        if slot not in self._pending:
            state = self.state(slot)
            weighed = (self._weighed(pair, state) for pair in self.slots[slot])
            self._pending[slot] = [found for found in weighed if found]
        return self._pending[slot]

    def begin(self, work: Mapping[tuple[str, str], str], is_flat: bool) -> list[Parcel]:
        """Write down, for the scripts, the parcels of a run that starts; `work` is by layer and slot.

        A run that `is_flat` builds the tickers itself, and its parcels only sum up.
        """
        layers: dict[str, dict[str, str]] = {}
        for (layer, slot), value in work.items():
            layers.setdefault(slot, {})[layer] = value
        run = uuid.uuid4().hex
        parcels = [
            self._parcel(run, slot, values, is_flat) for slot, values in sorted(layers.items())
        ]
        for parcel in parcels:
            write_compact(parcel._asdict(), parcel_file(self.folder, parcel.slot))
        return parcels

    def locks(self, pairs: Iterable[Pair]) -> list[SlotLock]:
        """The locks of the slots of `pairs`."""
        wanted = set(pairs)
        return [
            SlotLock(lock_file(self.folder, slot))
            for slot, members in self.slots.items()
            if not wanted.isdisjoint(members)
        ]

    def todo(self, depth: str = LAYERS[-1]) -> dict[str, dict[str, list[str]]]:
        """Tickers that have something to do, by layer down to `depth` and by reason."""
        found: dict[str, dict[str, list[str]]] = {}
        for slot in self.slots:
            for layer, reasons in _by_layer(self.pending(slot), depth).items():
                for reason, tickers in reasons.items():
                    found.setdefault(layer, {}).setdefault(reason, []).extend(tickers)
        return {
            layer: {reason: sorted(found[layer][reason]) for reason in sorted(found[layer])}
            for layer in LAYERS
            if layer in found
        }

    def _is_open(self, layer: str, slot: str) -> bool:
        keys = {"/".join(pair) for pair in self.slots[slot]}
        place = LAYERS.index(layer)
        return keys != self.state(slot).members.keys() or any(
            pending.open_from <= place for pending in self.pending(slot)
        )

    def _weighed(self, pair: Pair, state: SlotState) -> Pending | None:
        member = state.members.get("/".join(pair))
        now = {layer: stamps_of(layer_files(self._data, layer, pair)) for layer in LAYERS}
        found: Pending | None
        if member is None:
            todo = self._first_missing(now)
            if todo is None:
                found = Pending(pair, 0, None, UNKNOWN)
            else:
                is_new = not any(any(stamps) for stamps in now.values())
                found = Pending(pair, 0, todo, NEW if is_new else MISSING)
        else:
            found = self._compared(pair, member, state, now)
        forced = [place for place, layer in enumerate(LAYERS) if layer in self.forced]
        if forced and (found is None or found.todo_from is None or found.todo_from > forced[0]):
            start = forced[0] if found is None else min(found.open_from, forced[0])
            return Pending(pair, start, forced[0], FORCED)
        return found

    def _compared(
        self, pair: Pair, member: Member, state: SlotState, now: Mapping[str, Any]
    ) -> Pending | None:
        """What differs first between a ticker and what its last parcel left."""
        open_from: int | None = None
        file = self._universe.file(*pair).source_file
        for place, layer in enumerate(LAYERS):
            reason = ""
            if place == 0 and (file, self.content(pair)) != (
                member.source_file,
                member.fingerprint,
            ):
                reason = CHANGED
            elif member.failed and member.failed[0] == layer:
                reason = FAILED
            elif layer in member.made and member.made[layer] != self._step(layer).digest:
                step = self._step(layer)
                before = state.steps.get(member.made[layer], {})
                reason = changed_step(layer, before, {"code": step.code, "settings": step.settings})
            elif None in now[layer]:
                is_new = layer not in member.made and not any(now[layer])
                reason = NEW if is_new else MISSING
            elif place and _is_older(now[layer], now[LAYERS[place - 1]][:1]):
                reason = ABOVE
            if reason:
                return Pending(pair, place if open_from is None else open_from, place, reason)
            if open_from is None and member.stamps.get(layer) != now[layer]:
                open_from = place
        return None if open_from is None else Pending(pair, open_from, None, UNKNOWN)

    def _first_missing(self, now: Mapping[str, Any]) -> int | None:
        return next((n for n, layer in enumerate(LAYERS) if None in now[layer]), None)

    def _parcel(self, run: str, slot: str, work: dict[str, str], is_flat: bool) -> Parcel:
        depth = max(work, key=LAYERS.index)
        reach = LAYERS[: LAYERS.index(depth) + 1]
        pending = [p for p in self.pending(slot) if p.open_from < len(reach)]
        open_pairs = {found.pair for found in pending}
        members = []
        for pair in self.slots[slot]:
            file = self._universe.file(*pair)
            content = self.content(pair) if pair in open_pairs else ""
            members.append([*pair, file.source_file, file.instrument, content])
        steps = {layer: self._step(layer) for layer in reach}
        counts = {
            layer: {reason: len(tickers) for reason, tickers in reasons.items()}
            for layer, reasons in _by_layer(pending, depth).items()
        }
        return Parcel(
            slot=slot,
            run=run,
            work=work,
            depth=depth,
            members=members,
            pending=["/".join(found.pair) for found in pending],
            open_from=LAYERS[min((found.open_from for found in pending), default=0)],
            steps={
                layer: {"digest": step.digest, "code": step.code, "settings": dict(step.settings)}
                for layer, step in steps.items()
            },
            forced=sorted(self.forced.intersection(reach)),
            counts=counts,
            is_flat=is_flat,
        )


class Parcel(NamedTuple):
    """What a run asks of a slot, once; `work` is by layer, `depth` the last layer that is wanted.

    `members` are exchange, ticker, path of the raw file, instrument and, for those pending,
    fingerprint; `pending` are their keys, `open_from` the first layer that has to be weighed again
    for any of them; `counts` the jobs to do by layer and reason.
    """

    slot: str
    run: str
    work: dict[str, str]
    depth: str
    members: list[list[str]]
    pending: list[str]
    open_from: str
    steps: dict[str, dict[str, Any]]
    forced: list[str]
    counts: dict[str, dict[str, int]]
    is_flat: bool


def state_file(folder: Path, slot: str) -> Path:
    """Where what is known of a slot is kept."""
    return folder / f"{slot}.json"


def parcel_file(folder: Path, slot: str) -> Path:
    """Where a run that starts leaves what it asks of a slot."""
    return folder / f"{slot}.parcel.json"


def lock_file(folder: Path, slot: str) -> Path:
    """What is locked while a slot's tickers are built."""
    return folder / f"{slot}.lock"


def layer_files(data: Catalog, layer: str, pair: Pair) -> list[str]:
    """The files of a ticker in a layer; the layer's own first."""
    names = [layer, "bronze_rejects", "bronze_quality"] if layer == LAYERS[0] else [layer]
    exchange, ticker = pair
    return [getattr(data, name).path(exchange=exchange, ticker=ticker) for name in names]


def jobs_by_layer(parcels: Sequence[Parcel]) -> dict[str, Counter[str]]:
    """Jobs that parcels have to do, by layer and reason."""
    found: dict[str, Counter[str]] = {layer: Counter() for layer in LAYERS}
    for parcel in parcels:
        for layer, reasons in parcel.counts.items():
            found[layer].update(reasons)
    return {layer: reasons for layer, reasons in found.items() if reasons}


def _by_layer(pending: Iterable[Pending], depth: str) -> dict[str, dict[str, list[str]]]:
    """Tickers with jobs to do; below the first layer the reason is that what is above is new."""
    found: dict[str, dict[str, list[str]]] = {}
    for pair, _, todo_from, reason in pending:
        if todo_from is None:
            continue
        for layer in LAYERS[todo_from : LAYERS.index(depth) + 1]:
            why = reason if layer == LAYERS[todo_from] else ABOVE
            found.setdefault(layer, {}).setdefault(why, []).append(pair[1])
    return found


def _is_older(stamps: Any, above: Any) -> bool:
    """Whether a file is older than one that it is made from."""
    return bool(min(stamp[1] for stamp in stamps) < max(stamp[1] for stamp in above))
