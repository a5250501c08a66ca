"""What a job used of a process that lives on: the numbers of a benchmark file."""

from __future__ import annotations

import threading
import time

import psutil

from snakemake_warm_worker.protocol import Usage

SAMPLE_SECONDS = 0.5
_MB = 1024 * 1024


class Meter:
    """Measures this process and its children from ``start`` to ``stop``.

    CPU time and transferred bytes are differences, so that earlier jobs of the worker do not
    count. Memory is the largest of samples taken at the start, every half second and at the
    end; it includes what the worker has preloaded, just as a process of its own would have
    had to load it.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._ended = threading.Event()
        self._memory = {"rss": 0, "vms": 0, "uss": 0, "pss": 0}

    def start(self) -> None:
        self._sample()
        self._cpu_seconds = self._cpu_seconds_so_far()
        self._transferred = self._transferred_so_far()
        self._started_at = time.perf_counter()
        self._sampler = threading.Thread(target=self._sample_regularly, daemon=True)
        self._sampler.start()

    def stop(self) -> Usage:
        seconds = time.perf_counter() - self._started_at
        self._ended.set()
        self._sampler.join()
        self._sample()
        read, written = self._transferred_so_far()
        return Usage(
            seconds=seconds,
            cpu_seconds=self._cpu_seconds_so_far() - self._cpu_seconds,
            max_rss_mb=self._memory["rss"] / _MB,
            max_vms_mb=self._memory["vms"] / _MB,
            max_uss_mb=self._memory["uss"] / _MB,
            max_pss_mb=self._memory["pss"] / _MB,
            read_mb=(read - self._transferred[0]) / _MB,
            written_mb=(written - self._transferred[1]) / _MB,
        )

    def _sample_regularly(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self._sample()

    def _sample(self) -> None:
        total = dict.fromkeys(self._memory, 0)
        for process in (self._process, *self._process.children(recursive=True)):
            try:
                memory = process.memory_full_info()
            except psutil.Error:
                continue  # a child that has just ended
            for name in total:
                total[name] += getattr(memory, name, 0)
        for name, value in total.items():
            self._memory[name] = max(self._memory[name], value)

    def _cpu_seconds_so_far(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system + times.children_user + times.children_system

    def _transferred_so_far(self) -> tuple[int, int]:
        if not hasattr(self._process, "io_counters"):
            return (0, 0)  # not counted on this operating system
        counters = self._process.io_counters()
        return (counters.read_bytes, counters.write_bytes)
