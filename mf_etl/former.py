"""The former files of a step, kept until it has made new ones; and time stamps out of the future.

Snakemake deletes the old outputs of a job before it starts, and what a failed job has written. So a
second name beside each, a hard link which costs no space, keeps a whole file through the job: it is
back under its own name while the job computes, goes when the job has written the new one, and is put
back for good when the job has failed. A run that is killed leaves second names and a `Record` of them,
by which the next run puts back what is lost, whatever that run is asked for.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from mf_etl.errors import MfEtlError

StrPath = str | os.PathLike[str]


def keep(path: StrPath) -> bool:
    """Give the file at `path` its second name; whether there is a former file to put back.

    Where both are there, a job was killed: what was there before it stays the former file.

    Raises `OSError` where the file system has no hard links or gives no permission.
    """
    kept = _kept(path)
    if not os.path.lexists(path):
        return os.path.lexists(kept)  # a build was killed between deletion and writing
    with contextlib.suppress(FileExistsError):
        os.link(path, kept)
    return True


def show(paths: Iterable[StrPath]) -> None:
    """Bring former files back under their own name as long as there is nothing newer.

    For a job that replaces its outputs as a whole: whenever it is killed, a whole file is there.
    """
    for path in paths:
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            os.link(_kept(path), path)


def drop(paths: Iterable[StrPath]) -> None:
    """Forget former files: new ones are there."""
    for path in paths:
        Path(_kept(path)).unlink(missing_ok=True)


def is_there(path: StrPath) -> bool:
    """Whether there is a file under its own or its second name."""
    return os.path.lexists(path) or os.path.lexists(_kept(path))


def is_lost(path: StrPath) -> bool:
    """Whether there is a former file, and none under its own name."""
    return not os.path.lexists(path) and os.path.lexists(_kept(path))


def put_back(path: StrPath) -> None:
    """The former file under its own name with its own time stamp, unless a newer one is there."""
    if is_lost(path):
        os.replace(_kept(path), path)
    else:
        drop([path])


class Record:
    """Which files a run keeps a second name for, below `folder`; locked as long as the run lives."""

    def __init__(self, folder: Path, paths: Iterable[StrPath]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file, temporary = tempfile.mkstemp(dir=folder, suffix=".new")
        self._path = Path(temporary).with_suffix(".json")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump([os.fspath(path) for path in paths], file)
        os.replace(temporary, self._path)

    def close(self) -> None:
        """The run has given back what it kept."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)


def left_by_killed_runs(folder: Path) -> Iterator[str]:
    """Every file that a run kept a second name for and could not give back, for the caller to do so."""
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(OSError), path.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a run that lives holds it
            yield from json.load(file)
            path.unlink()


def out_of_the_future(paths: Iterable[StrPath]) -> list[StrPath]:
    """Set time stamps that lie in the future to the present; which files these were.

    They come from a clock that was set back or an archive unpacked in another time zone, and
    Snakemake fails each job whose input is younger than what the job has just written. Which file
    is the older of two stays so. Raises `MfEtlError` for a file that cannot be changed.
    """
    now = time.time_ns()
    found = [(stamp, path) for path in paths if (stamp := _youngest(path)) > now]
    found.sort(key=lambda item: item[0])
    for _, path in found:
        try:
            os.utime(path)
            if Path(path).is_symlink():
                os.utime(path, follow_symlinks=False)
        except OSError as error:
            raise MfEtlError(
                f"{path} has a time stamp in the future, which cannot be changed "
                f"({error.strerror}): set it to the present (touch), or correct the clock"
            ) from error
    return [path for _, path in found]


def _youngest(path: StrPath) -> int:
    """The later time stamp, in ns, of a file and what it leads to; 0 if there is none."""
    try:
        status = os.lstat(path)
        stamp = status.st_mtime_ns
        return max(stamp, os.stat(path).st_mtime_ns) if stat.S_ISLNK(status.st_mode) else stamp
    except OSError:
        return 0


def _kept(path: StrPath) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.former")
