"""Former files and time stamps of the future, without Snakemake."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from mf_etl import former


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "part-000.parquet"
    path.write_text("old")
    os.utime(path, (1e9, 1e9))
    assert former.keep(path)
    return path


def names(path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


def replace(path, text: str) -> None:
    other = path.with_name("other")
    other.write_text(text)
    other.replace(path)


def test_a_lost_file_is_put_back_with_its_time(path):
    path.unlink()
    assert former.is_lost(path)
    former.put_back(path)
    assert (path.read_text(), path.stat().st_mtime, names(path)) == ("old", 1e9, [path.name])


def test_a_new_file_is_never_put_back_over(path):
    replace(path, "new")
    assert not former.is_lost(path)
    former.put_back(path)
    assert (path.read_text(), names(path)) == ("new", [path.name])


def test_shown_while_a_job_computes_and_dropped_when_it_is_done(path):
    path.unlink()
    former.show([path])
    assert path.read_text() == "old" and not former.is_lost(path)
    replace(path, "new")
    former.show([path])
    assert path.read_text() == "new"
    former.drop([path])
    assert names(path) == [path.name]


def test_what_a_killed_build_left_is_kept(path):
    path.unlink()
    assert former.keep(path)
    former.put_back(path)
    assert path.read_text() == "old"


def test_kept_again_it_is_what_was_there_before_a_killed_job(path):
    replace(path, "new")
    assert former.keep(path)
    path.unlink()
    former.put_back(path)
    assert (path.read_text(), path.stat().st_mtime, names(path)) == ("old", 1e9, [path.name])


def test_nothing_there_nothing_kept(tmp_path):
    path = tmp_path / "a" / "b"
    assert not former.keep(path)
    assert not former.keep(tmp_path / "b")
    former.show([path])
    former.drop([path])
    assert not former.is_lost(path) and list(tmp_path.iterdir()) == []


def test_a_killed_run_tells_the_next_one_what_it_kept(tmp_path):
    """And one that lives, or has given all back, does not."""
    kill = "import os, sys, pathlib; from mf_etl.former import Record;"
    kill += "Record(pathlib.Path(sys.argv[1]), ['a', \"it's\"]); os.kill(os.getpid(), 9)"
    records = tmp_path / "records"
    assert list(former.left_by_killed_runs(records)) == []
    living = former.Record(records, ["c"])
    subprocess.run([sys.executable, "-c", kill, records], check=False)
    assert list(former.left_by_killed_runs(records)) == ["a", "it's"]
    assert list(former.left_by_killed_runs(records)) == []
    living.close()
    assert list(records.iterdir()) == []


def test_time_stamps_of_the_future_keep_their_order(tmp_path):
    now = time.time()
    files = [tmp_path / name for name in "cab"]
    for days, file in enumerate(files, 1):
        file.touch()
        os.utime(file, (now + 86400 * days, now + 86400 * days))
    present = tmp_path / "present"
    present.touch()
    os.utime(present, (1e9, 1e9))
    link = tmp_path / "link"
    link.symlink_to(present)
    os.utime(link, (now + 86400, now + 86400), follow_symlinks=False)
    gone = tmp_path / "gone"
    told = former.out_of_the_future([gone, files[2], present, link, files[0], files[1]])
    assert set(told) == {*files, link} and [path for path in told if path != link] == files
    stamps = [file.stat().st_mtime_ns for file in files]
    assert stamps == sorted(stamps) and stamps[-1] <= time.time_ns()
    assert link.lstat().st_mtime_ns <= time.time_ns()
    assert gone not in told and present not in told
