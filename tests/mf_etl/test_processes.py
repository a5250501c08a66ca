"""Work in processes: order, errors, processes that end, and none that stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from mf_etl.errors import ResearchError
from mf_etl.processes import in_processes


def about(number: int) -> tuple[int, int]:
    """The number, and the process that has seen it."""
    if number == 13:
        raise ResearchError("thirteen")
    return number, os.getpid()


def end(number: int) -> int:
    """End the process at the number 5."""
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def large(number: int) -> bytes:
    """Far more than a pipe holds."""
    return bytes([number]) * 1_000_000


def test_results_come_in_order_from_several_processes():
    found = list(in_processes(about, range(12), 3, at_a_time=2))
    assert [number for number, _ in found] == list(range(12))
    processes = {process for _, process in found}
    assert len(processes) == 3 and os.getpid() not in processes
    assert not psutil.Process().children()


def test_a_single_piece_is_worked_on_here():
    for processes, at_a_time in ((1, 2), (4, 12)):
        found = list(in_processes(about, range(12), processes, at_a_time=at_a_time))
        assert {process for _, process in found} == {os.getpid()}
    assert list(in_processes(about, [], 4, at_a_time=3)) == []


def test_an_error_comes_where_its_result_would_have():
    results = in_processes(about, range(20), 2, at_a_time=3)
    for number in range(13):
        assert next(results)[0] == number
    with pytest.raises(ResearchError, match="thirteen"):
        next(results)
    assert not psutil.Process().children()


def test_results_larger_than_a_pipe():
    assert [x[:1] for x in in_processes(large, range(9), 2, at_a_time=1)] == [
        bytes([n]) for n in range(9)
    ]


def test_a_process_that_is_killed_is_told_of():
    with pytest.raises(OSError, match="a process ended with code -9 in the middle of its work"):
        list(in_processes(end, range(8), 2, at_a_time=1))
    assert not psutil.Process().children()


def test_processes_end_with_the_one_that_asked(tmp_path):
    code = (
        "import sys, time; sys.path[:0] = sys.argv[1:]\n"
        "from mf_etl.processes import in_processes\n"
        "from tests.mf_etl.test_processes import about\n"
        "for n in in_processes(about, range(10), 2, at_a_time=1):\n"
        "    print(n[1], flush=True); time.sleep(0.1 if n[0] < 2 else 60)\n"
    )
    command = [sys.executable, "-c", code, *filter(None, sys.path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout is not None
    started = {int(process.stdout.readline()) for _ in range(2)}
    assert len(started) == 2
    process.kill()
    process.wait()
    process.stdout.close()
    until = time.monotonic() + 30
    while any(map(psutil.pid_exists, started)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(psutil.pid_exists, started))


def test_an_interrupt_is_for_the_one_that_asked(tmp_path):
    """Also while the others load their modules, which would leave a traceback each."""
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from mf_etl.processes import in_processes\n"
        "from tests.mf_etl.test_processes import about\n"
        "try:\n    list(in_processes(about, range(10), 2, at_a_time=1))\n"
        "except KeyboardInterrupt:\n    print('interrupted')\n"
    )
    command = [sys.executable, "-c", code, *filter(None, sys.path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=tmp_path, start_new_session=True, **pipes)
    while len(children := psutil.Process(process.pid).children()) < 2:
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert (out.strip(), errors) == ("interrupted", "")
    assert not any(map(psutil.pid_exists, (child.pid for child in children)))
