"""Carrying a parcel through: build what is pending, and leave what is known of the slot."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from mf_etl.catalog import LAYERS, Catalog
from mf_etl.errors import MfEtlError
from mf_etl.planning.plan import Parcel, layer_files, lock_file, parcel_file, state_file
from mf_etl.planning.state import Member, SlotLock, SlotState, Stamps, stamps_of

# A build of a ticker by its file name is over in seconds; longer is another build of everything.
SECONDS_TO_WAIT = 60.0


class Failed(Protocol):
    """A job that failed, as the run that builds tells of it."""

    @property
    def rule(self) -> str: ...
    @property
    def wildcards(self) -> dict[str, str]: ...
    @property
    def log(self) -> str | None: ...
    @property
    def error(self) -> str: ...


class Built(Protocol):
    """What a run has done: jobs by rule, and those that failed."""

    @property
    def done(self) -> dict[str, int]: ...
    @property
    def failed(self) -> Sequence[Failed]: ...


class Members(NamedTuple):
    """The tickers of a slot in one layer: those whose files are there, and why others are not."""

    there: list[tuple[str, str]]
    missing: dict[tuple[str, str], str]
    instruments: dict[tuple[str, str], str]


def all_there(members: Iterable[Sequence[str]]) -> Members:
    """The tickers of a slot, all of which are there: exchange, ticker and instrument of each."""
    instruments = {(exchange, ticker): kind for exchange, ticker, kind in members}
    return Members([*instruments], {}, instruments)


def work_asked_for(folder: Path, slot: str, layer: str) -> str:
    """The `work` that the run under way asks of a layer of a slot, else what it was the last time.

    Empty if neither is known.
    """
    try:
        asked = json.loads(parcel_file(folder, slot).read_text(encoding="utf-8"))["work"]
    except (OSError, ValueError, TypeError, KeyError):
        asked = {}
    return str(asked.get(layer) or SlotState.read(state_file(folder, slot)).work.get(layer, ""))


def read_parcel(folder: Path, slot: str, layer: str, work: str) -> Parcel:
    """What the run under way asks of a slot; `MfEtlError` if that was not left by this run."""
    try:
        asked = json.loads(parcel_file(folder, slot).read_text(encoding="utf-8"))
        parcel = Parcel(**asked)
    except (OSError, ValueError, TypeError):
        parcel = None
    if parcel is None or parcel.work.get(layer) != work:
        raise MfEtlError(
            f"slot {slot}: what there is to do was not written down when the run started; "
            "run it without --no-hooks, and one build of a data folder at a time"
        )
    return parcel


def carried_through(
    folder: Path,
    parcel: Parcel,
    layer: str,
    data: Catalog,
    build: Callable[[list[list[str]], list[str]], Built],
    sum_up: Callable[[Members], None],
) -> None:
    """Build what is pending in a slot, once a parcel, then have a layer of it summed up.

    `build` brings files up to date, given the pending members and the files; `sum_up` writes the
    layer's summary. What is known of the slot is written after each.
    """
    path = state_file(folder, parcel.slot)
    lock = SlotLock(lock_file(folder, parcel.slot))
    # A flat plan holds the locks of the tickers that it builds itself.
    with contextlib.nullcontext() if parcel.is_flat else lock.held(SECONDS_TO_WAIT):
        state = SlotState.read(path)
        # In a flat plan, the files of the layers below come after this layer is summed up.
        if state.run != parcel.run or parcel.is_flat:
            state = _built(parcel, state, data, build)
            state.write(path)
        sum_up(_members(parcel, state, layer))
        state.work[layer] = parcel.work[layer]
        state.write(path)


def taken_as_built(folder: Path, parcels: Iterable[Parcel], data: Catalog) -> None:
    """Take all files of parcels for up to date, as they are: after `--touch`."""
    for parcel in parcels:
        path = state_file(folder, parcel.slot)
        state = _built(parcel._replace(is_flat=True), SlotState.read(path), data, _nothing_built)
        state.work |= parcel.work
        state.write(path)


def _nothing_built(members: list[list[str]], files: list[str]) -> Built:
    raise AssertionError("a flat plan has built its tickers itself")


def _built(
    parcel: Parcel,
    state: SlotState,
    data: Catalog,
    build: Callable[[list[list[str]], list[str]], Built],
) -> SlotState:
    reach = LAYERS[: LAYERS.index(parcel.depth) + 1]
    open_keys = set(parcel.pending)
    pending = [member for member in parcel.members if "/".join(member[:2]) in open_keys]
    files = [
        file
        for exchange, ticker, *_ in pending
        for layer in reach[LAYERS.index(parcel.open_from) :]
        for file in layer_files(data, layer, (exchange, ticker))
    ]
    failed: dict[str, list[str]] = {}
    if pending and not parcel.is_flat:
        built = build(pending, files)
        state.done, failed = dict(built.done), _first_failures(built.failed)
    else:
        state.done = {}
    keys = ["/".join(member[:2]) for member in parcel.members]
    state.members = {key: state.members[key] for key in keys if key in state.members}
    for exchange, ticker, source_file, _, fingerprint in pending:
        key = f"{exchange}/{ticker}"
        member = state.members.get(key, Member("", ""))
        failure = failed.get(key)
        state.members[key] = _member_now(
            Member(source_file, fingerprint, member.made, member.stamps, failure),
            {layer: stamps_of(layer_files(data, layer, (exchange, ticker))) for layer in reach},
            {layer: parcel.steps[layer]["digest"] for layer in reach},
        )
    for step in parcel.steps.values():
        state.steps[step["digest"]] = {"code": step["code"], "settings": step["settings"]}
    if state.run != parcel.run:
        for layer in parcel.work:
            state.work.pop(layer, None)  # until it is summed up, whatever happens before
    state.run = parcel.run
    return state


def _member_now(member: Member, stamps: Mapping[str, Stamps], made: Mapping[str, str]) -> Member:
    """A ticker after a parcel: what lies below a failure is not known any more."""
    good = list(made)
    if member.failed:
        place = LAYERS.index(member.failed[0])
        good = [layer for layer in made if LAYERS.index(layer) < place]
        member.made = {k: v for k, v in member.made.items() if LAYERS.index(k) < place}
        member.stamps = {k: v for k, v in member.stamps.items() if LAYERS.index(k) < place}
    member.made |= {layer: made[layer] for layer in good}
    member.stamps |= {layer: stamps[layer] for layer in good}
    return member


def _first_failures(failed: Iterable[Failed]) -> dict[str, list[str]]:
    """The first layer of each ticker that failed, with the line of its log, and the log."""
    found: dict[str, list[str]] = {}
    for job in failed:
        key = f"{job.wildcards['exchange']}/{job.wildcards['ticker']}"
        if key not in found or LAYERS.index(job.rule) < LAYERS.index(found[key][0]):
            ticker = job.wildcards["ticker"]
            found[key] = [job.rule, _line(job, f"{job.rule} {ticker}: "), job.log or ""]
    return found


def _line(job: Failed, start: str) -> str:
    """What a failed job has to say: the first line of its log if it is the job's own."""
    try:
        with open(job.log or "", encoding="utf-8", errors="replace") as file:
            line = file.readline().strip()
    except OSError:
        line = ""
    return line if line.startswith(start) else start + job.error


def _members(parcel: Parcel, state: SlotState, layer: str) -> Members:
    place = LAYERS.index(layer)
    found = Members([], {}, {})
    for exchange, ticker, _, instrument, _ in parcel.members:
        failed = state.members[f"{exchange}/{ticker}"].failed
        found.instruments[exchange, ticker] = instrument
        if failed and LAYERS.index(failed[0]) <= place:
            found.missing[exchange, ticker] = failed[1]
        else:
            found.there.append((exchange, ticker))
    return found
