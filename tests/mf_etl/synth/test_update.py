"""Evening updates: new days at the end of files, files that move, both reproducible."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mf_etl.ingest.fast import read_fast
from mf_etl.synth import extend_archive, reshuffle_archive, write_archive
from mf_etl.synth.trading_days import trading_days

NEXT_DAYS = ["20250701", "20250702", "20250703", "20250707"]
RECENT_DAYS = [
    str(day).replace("-", "") for day in trading_days(date(2025, 5, 1), date(2025, 7, 7))
]


def raw(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.txt")
    }


def archive(folder: Path, *, anomalies: bool = True) -> Path:
    write_archive(folder, tickers=60, years=0.5, seed=4, anomalies=anomalies)
    return folder


def test_new_days_follow_the_last_and_nothing_before_changes(tmp_path):
    before = raw(archive(tmp_path))
    summary = extend_archive(tmp_path, days=4, seed=1)
    after = raw(tmp_path)
    assert after.keys() == before.keys()
    changed = [name for name in before if after[name] != before[name]]
    assert summary.files == len(changed) > 40
    assert summary.last_date == date(2025, 7, 7)
    rows = 0
    for name in changed:
        assert after[name].startswith(before[name])
        added = after[name][len(before[name]) :].decode().split("\r\n")
        fields = [line.split(",") for line in added[:-1]]
        # A file that ended some days before the archive gets the days between as well.
        days = [row[2] for row in fields]
        last = last_day(before[name])
        assert days == [day for day in RECENT_DAYS if day > last] and days[-4:] == NEXT_DAYS
        rows += len(days)
        assert {row[0] for row in fields} == {before[name].decode().split("\r\n")[-2].split(",")[0]}
        assert added[-1] == ""
    assert summary.rows == rows
    for name in before.keys() - set(changed):
        # Zero bytes, a header alone or a cut line (the first three anomalies), or delisted.
        has_rows = before[name].count(b"\n") > 1 and before[name].endswith(b"\n")
        assert not has_rows or last_day(before[name]) < "20250531"


def test_extended_files_are_well_formed_and_go_on_from_the_last_close(tmp_path):
    before = {
        name: read_fast(text) for name, text in raw(archive(tmp_path, anomalies=False)).items()
    }
    extend_archive(tmp_path, days=1, seed=1)
    for name, text in raw(tmp_path).items():
        rows, height = read_fast(text).rows, before[name].rows.height
        if rows.height > height:
            assert 0.4 < rows["open"][height] / rows["close"][height - 1] < 2.5


def test_same_update_same_bytes(tmp_path):
    for name, seed in (("one", 1), ("two", 1), ("three", 2)):
        extend_archive(archive(tmp_path / name), days=2, seed=seed)
    assert raw(tmp_path / "one") == raw(tmp_path / "two") != raw(tmp_path / "three")


def test_a_share_of_the_tickers_and_the_rest_catches_up(tmp_path):
    start = raw(archive(tmp_path, anomalies=False))
    part = extend_archive(tmp_path, days=1, seed=1, share=0.3)
    between = raw(tmp_path)
    full = extend_archive(tmp_path, days=1, seed=1)
    after = raw(tmp_path)
    assert 0 < part.files < full.files / 2
    left_out = [
        name for name in start if between[name] == start[name] and after[name] != start[name]
    ]
    assert len(left_out) == full.files - part.files
    for name in left_out:
        added = after[name].removeprefix(start[name]).decode().split("\r\n")[:-1]
        assert [line.split(",")[2] for line in added[-2:]] == NEXT_DAYS[:2]


def last_day(content: bytes) -> str:
    return content.decode().split("\r\n")[-2].split(",")[2]


def test_reshuffle_moves_files_between_sub_folders_and_changes_no_byte(tmp_path):
    for name in ("one", "two"):
        before = raw(archive(tmp_path / name))
        summary = reshuffle_archive(tmp_path / name, seed=2)
        after = raw(tmp_path / name)
        assert summary.files == len(after.keys() - before.keys()) > 10
        assert sorted(map(_without_sub_folder, after)) == sorted(map(_without_sub_folder, before))
        assert sorted(after.values()) == sorted(before.values())
    times = {name: (tmp_path / "one" / name).stat().st_mtime for name in after}
    assert times == {name: (tmp_path / "two" / name).stat().st_mtime for name in after}
    assert len(set(times.values())) > 50


def _without_sub_folder(name: str) -> tuple[str, str]:
    parts = name.split("/")
    return parts[3], parts[-1]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"days": 0}, "days is 0"),
        ({"share": 0}, "share is 0"),
        ({"share": 1.5}, "share is 1.5"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path, change, text):
    with pytest.raises(ValueError, match=text):
        extend_archive(tmp_path, **({"days": 1, "seed": 0} | change))


def test_a_foreign_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no synthetic archive"):
        extend_archive(tmp_path, days=1, seed=0)
    with pytest.raises(ValueError, match="holds no synthetic archive"):
        reshuffle_archive(tmp_path, seed=0)
