"""What is pending in a slot and why, against files that are damaged on purpose."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from mf_etl.catalog import LAYERS, catalog
from mf_etl.errors import MfEtlError
from mf_etl.fingerprints import Fingerprints
from mf_etl.planning.account import jobs_and_failures
from mf_etl.planning.parcel import Members, carried_through, read_parcel, taken_as_built
from mf_etl.planning.plan import Plan, Step, layer_files
from mf_etl.planning.state import SlotLock, SlotState
from mf_etl.settings.sections import Paths
from mf_etl.settings.sections import Universe as UniverseSettings
from mf_etl.universe import Universe

A, B = ("NASDAQ", "A.US"), ("NASDAQ", "B.US")
SLOT = "1-000"


class Job(NamedTuple):
    rule: str
    wildcards: dict[str, str]
    log: str | None
    error: str


class Part(NamedTuple):
    done: dict[str, int]
    failed: list[Job]


class House:
    """Two tickers, a make-believe of what builds them, and plans that look at both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = catalog(Paths(data_root=str(folder / "data")))
        self.codes = dict.fromkeys(LAYERS, "code")
        self.settings = {layer: {"x": {"y": 1}} for layer in LAYERS}
        self.failing: dict[str, str] = {}
        self.summed: list[tuple[str, Members]] = []
        self.breaks_off = False
        self.clock = 10**18
        for exchange, ticker in (A, B):
            self.raw(ticker).parent.mkdir(parents=True, exist_ok=True)
            self.raw(ticker).write_text(f"{exchange} {ticker}")
            os.utime(self.raw(ticker), ns=(0, 0))

    def raw(self, ticker: str) -> Path:
        return self.folder / "raw" / "nasdaq stocks" / f"{ticker.lower()}.txt"

    def summary(self, layer: str, slot: str) -> str:
        return str(self.folder / "data" / "summaries" / layer / f"{slot}.parquet")

    def plan(self) -> Plan:
        return Plan(
            Universe(self.folder / "raw", UniverseSettings()),
            Fingerprints(self.folder / "fingerprints.json"),
            self.data,
            lambda layer: Step(self.codes[layer], self.settings[layer]),
            self.summary,
            self.folder / "parcels",
        )

    def write(self, path: str) -> None:
        """A file that is newer than all before."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text("made")
        self.clock += 10**9
        os.utime(path, ns=(self.clock, self.clock))

    def build(self, depth: str = LAYERS[-1]) -> dict[str, int]:
        """A run as the workflow makes it; jobs done by layer."""
        plan = self.plan()
        todo, reach = plan.todo(depth), LAYERS[: LAYERS.index(depth) + 1]
        work = {(layer, SLOT): plan.work(layer, SLOT) for layer in reach}
        parcels = plan.begin(work, is_flat=False)
        done: dict[str, int] = {}
        failed: list[Job] = []

        def build(members, files) -> Part:
            for exchange, ticker, *_ in members:
                for layer in reach:
                    if not any(ticker in found for found in todo.get(layer, {}).values()):
                        continue
                    if self.failing.get(ticker) == layer:
                        names = {"exchange": exchange, "ticker": ticker}
                        failed.append(Job(layer, names, None, "odd"))
                        break
                    for file in layer_files(self.data, layer, (exchange, ticker)):
                        self.write(file)
                    done[layer] = done.get(layer, 0) + 1
            return Part(done, failed)

        for layer in reach:
            parcel = read_parcel(plan.folder, SLOT, layer, work[layer, SLOT])

            def sum_up(members: Members, layer: str = layer) -> None:
                if self.breaks_off:
                    raise KeyboardInterrupt
                self.summed.append((layer, members))
                self.write(self.summary(layer, SLOT))

            carried_through(plan.folder, parcel, layer, self.data, build, sum_up)
        self.parcels = parcels
        return done

    def todo(self) -> dict[str, dict[str, list[str]]]:
        return self.plan().todo()

    def works(self) -> list[str]:
        return [self.plan().work(layer, SLOT) for layer in LAYERS]


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    assert house.build() == dict.fromkeys(LAYERS, 2)
    return house


def below(place: int, reason: str, *tickers: str) -> dict[str, dict[str, list[str]]]:
    """What there is to do from a layer on."""
    found = {layer: {"input rebuilt": list(tickers)} for layer in LAYERS[place:]}
    return found | {LAYERS[place]: {reason: list(tickers)}}


def test_nothing_is_pending_after_a_build_and_looking_changes_nothing(house):
    recorded = list(SlotState.read(house.folder / "parcels" / f"{SLOT}.json").work.values())
    before = {path: path.read_bytes() for path in house.folder.rglob("*") if path.is_file()}
    assert house.todo() == {} and house.works() == recorded == house.works()
    assert before == {path: path.read_bytes() for path in house.folder.rglob("*") if path.is_file()}


def test_everything_is_new_at_first(tmp_path):
    assert House(tmp_path).todo() == below(0, "new", "A.US", "B.US")


def test_other_raw_content_is_a_change_and_another_time_stamp_is_none(house):
    os.utime(house.raw("B.US"))
    house.raw("A.US").write_text("other")
    assert house.todo() == below(0, "changed", "A.US")
    assert house.build() == dict.fromkeys(LAYERS, 1)
    assert house.todo() == {}


@pytest.mark.parametrize("place", range(5))
def test_code_and_settings_reach_their_layer_and_those_below(house, place):
    layer, before = LAYERS[place], house.works()
    house.codes[layer] = "other"
    assert house.todo() == below(place, f"code of {layer}", "A.US", "B.US")
    house.codes[layer], house.settings[layer] = "code", {"x": {"y": 2}}
    assert house.todo() == below(place, "setting x.y", "A.US", "B.US")
    assert [a == b for a, b in zip(before, house.works(), strict=True)] == [
        n < place for n in range(5)
    ]


@pytest.mark.parametrize("place", range(5))
def test_a_lost_file_is_missing_and_a_touched_one_redoes_what_is_below(house, place):
    path = Path(layer_files(house.data, LAYERS[place], A)[-1])
    content = path.read_bytes()
    path.unlink()
    assert house.todo() == below(place, "missing", "A.US")
    path.write_bytes(content)  # now
    first = layer_files(house.data, LAYERS[place], A)[0] == str(path)
    is_seen_below = first and place < 4
    assert house.todo() == (below(place + 1, "input rebuilt", "A.US") if is_seen_below else {})
    assert house.works()[4] != SlotState.read(house.folder / f"parcels/{SLOT}.json").work[LAYERS[4]]


@pytest.mark.parametrize("place", range(5))
def test_a_parcel_begins_at_the_first_layer_that_is_not_as_it_was_left(house, place):
    """Layers above are not planned, but one that was touched is, whatever is to do below it."""
    house.settings["gold_features"] = {"x": {"y": 2}}
    house.build()
    assert house.parcels[0].open_from == "gold_features"
    later = Path(layer_files(house.data, LAYERS[place], A)[0])
    os.utime(later, ns=(later.stat().st_mtime_ns + 1, later.stat().st_mtime_ns + 1))
    house.settings["gold_features"] = {"x": {"y": 3}}
    house.build()
    assert house.parcels[0].open_from == LAYERS[place]


def test_a_failure_is_told_and_pending_under_a_new_value_each_time(house):
    house.raw("A.US").write_text("other")
    house.failing = {"A.US": "silver_indicators"}
    values = [house.works()[2]]
    for _ in range(2):
        house.build()
        values.append(house.works()[2])
        assert house.todo() == below(2, "failed before", "A.US")
        assert house.works()[:2] == house.works()[:2]
    assert len(set(values)) == 3
    members = dict(house.summed[-5:])
    assert members["silver_base"].there == [A, B] and not members["silver_base"].missing
    for layer in LAYERS[2:]:
        assert members[layer].there == [B]
        assert members[layer].missing == {A: "silver_indicators A.US: odd"}
    jobs, failures = jobs_and_failures(house.folder / "parcels", house.parcels)
    assert [f["error"] for f in failures] == ["silver_indicators A.US: odd"]
    assert {(rule, is_done, count) for rule, _, is_done, count in jobs} == {
        (layer, False, 1) for layer in LAYERS[2:]
    }
    house.failing = {}
    assert house.build() == dict.fromkeys(LAYERS[2:], 1)
    assert house.todo() == {}


def test_a_parcel_that_is_taken_up_again_builds_once(house):
    house.raw("A.US").write_text("other")
    house.build()
    built = len(house.summed)
    parcel = house.parcels[0]

    def build(members, files):
        raise AssertionError("it has been built")

    carried_through(
        house.folder / "parcels",
        parcel,
        LAYERS[0],
        house.data,
        build,
        lambda members: house.summed.append((LAYERS[0], members)),
    )
    assert len(house.summed) == built + 1


def test_a_run_that_breaks_off_before_its_summaries_leaves_them_all_to_the_next(house):
    before = house.works()
    house.raw("A.US").write_text("other")
    house.breaks_off = True
    with pytest.raises(KeyboardInterrupt):
        house.build()
    assert house.todo() == {} and not set(before) & set(house.works())
    house.breaks_off = False
    house.raw("A.US").write_text("another")  # the next run builds what is pending by then
    assert house.build() == dict.fromkeys(LAYERS, 1)
    known = SlotState.read(house.folder / "parcels" / f"{SLOT}.json").work
    assert house.todo() == {} and house.works() == [known[layer] for layer in LAYERS]


def test_a_build_of_some_layers_leaves_those_below_as_they_were(tmp_path):
    house = House(tmp_path)
    assert house.build("silver_base") == {"bronze_ohlcv": 2, "silver_base": 2}
    assert house.todo() == below(2, "new", "A.US", "B.US")
    assert house.plan().todo("silver_base") == {}
    assert house.build() == dict.fromkeys(LAYERS[2:], 2)


def test_a_ticker_that_goes_leaves_its_slot_without_a_job(house):
    before = house.works()
    house.raw("B.US").unlink()
    assert house.todo() == {}
    assert not set(before) & set(house.works())
    assert house.build() == {}
    assert house.summed[-1][1].there == [A]


def test_without_a_state_all_is_looked_at_and_nothing_is_to_do(house):
    before = house.works()
    (house.folder / "parcels" / f"{SLOT}.json").unlink()
    assert house.todo() == {} and not set(before) & set(house.works())
    house.build()
    (house.folder / "parcels" / f"{SLOT}.json").write_text("{")
    assert house.todo() == {}


def test_forced_rules(house):
    plan = house.plan()
    plan.forced = frozenset({"gold_events"})
    assert plan.todo() == below(3, "forced", "A.US", "B.US")
    assert plan.work("silver_base", SLOT) == house.works()[1]
    assert plan.work("gold_events", SLOT) != house.works()[3]


def test_touched_files_are_taken_as_they_are(house):
    house.codes["gold_features"] = "other"
    plan = house.plan()
    work = {(layer, SLOT): plan.work(layer, SLOT) for layer in LAYERS[4:]}
    taken_as_built(plan.folder, plan.begin(work, is_flat=True), house.data)
    assert house.todo() == {} and house.works()[4] == work[LAYERS[4], SLOT]


def test_a_parcel_of_another_run_is_refused(house):
    with pytest.raises(MfEtlError, match="not written down"):
        read_parcel(house.folder / "parcels", SLOT, LAYERS[0], "other")


def test_a_slot_is_built_by_one_run_at_a_time(tmp_path):
    lock, other = SlotLock(tmp_path / "s.lock"), SlotLock(tmp_path / "s.lock")
    assert lock.take() and not other.take()
    held = f"slot s are being built by .*process {os.getpid()}"
    with pytest.raises(MfEtlError, match=held), other.held(seconds=0.2):
        pass
    lock.give_back()
    with other.held(seconds=0):
        assert not lock.take()
    assert lock.take()
