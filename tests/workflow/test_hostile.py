"""Hostile files through the real workflow: no failed job, no line unaccounted for."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable

import polars as pl
import pytest

from tests.workflow.conftest import LAYERS_AND_CHECKS, new_project

HEADER = b"<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"
BLANKS = " \t\r\x0b\x0c\xa0"

Mutation = Callable[[random.Random, list[bytes]], list[bytes]]


def clean(rng: random.Random, ticker: bytes) -> list[bytes]:
    """Lines of a well-formed file of up to 40 days."""
    lines = [HEADER]
    for day in range(rng.randrange(41)):
        low, high = sorted((rng.uniform(1, 99), rng.uniform(1, 99)))
        date = f"2024{1 + day // 28:02d}{1 + day % 28:02d}".encode()
        lines.append(
            b"%s,D,%s,000000,%.4f,%.4f,%.4f,%.4f,%d,0"
            % (ticker, date, low, high, low, high, rng.randrange(10**6))
        )
    return lines


def some_line(rng: random.Random, lines: list[bytes], change: Callable[[bytes], bytes]) -> list:
    place = rng.randrange(len(lines))
    return [change(line) if number == place else line for number, line in enumerate(lines)]


def field(rng: random.Random, lines: list[bytes], value: bytes) -> list[bytes]:
    def changed(line: bytes) -> bytes:
        fields = line.split(b",")
        fields[rng.randrange(len(fields))] = value
        return b",".join(fields)

    return some_line(rng, lines, changed)


VALUES = [
    b"", b" ", b"nan", b"inf", b"-1", b"0", b"1e999", b"1e-320", b"9" * 400, b"0x10", b"1_000",
    b"1,5", b"NULL", b"'; drop table", b"=cmd|' /C calc'!A0", b"../../etc/passwd", b"\x00",
    b"\xff\xfe", "\u0663".encode(), b"20240231", b"99999999",
]  # fmt: skip


def noise(rng: random.Random, size: int) -> bytes:
    return bytes(rng.randrange(256) for _ in range(size))


def other_mark(rng: random.Random, line: bytes) -> bytes:
    return line.replace(b",", rng.choice([b";", b"\t", b"|"]))


MUTATIONS: list[Mutation] = [
    lambda rng, lines: field(rng, lines, rng.choice(VALUES)),
    lambda rng, lines: some_line(rng, lines, lambda line: line[: rng.randrange(len(line) + 1)]),
    lambda rng, lines: some_line(rng, lines, lambda line: line + b",surplus"),
    lambda rng, lines: some_line(rng, lines, lambda line: other_mark(rng, line)),
    lambda rng, lines: some_line(rng, lines, lambda line: b'"' + line + b'"'),
    lambda rng, lines: some_line(rng, lines, lambda line: noise(rng, len(line))),
    lambda rng, lines: some_line(rng, lines, lambda line: line * rng.randrange(2, 300)),
    lambda rng, lines: [line for line in lines for _ in range(1 + (rng.random() < 0.2))],
    lambda rng, lines: [HEADER, *lines],
    lambda rng, lines: lines[1:],
    lambda rng, lines: rng.sample(lines, len(lines)),
    lambda rng, lines: [b"\xef\xbb\xbf" + lines[0], *lines[1:]],
    lambda rng, lines: [b"", b" \t ", *lines, b"", b"  "],
    lambda rng, lines: [line.lower() for line in lines],
    lambda rng, lines: [line.decode("latin-1").encode("utf-16") for line in lines],
    lambda rng, lines: [noise(rng, rng.randrange(2000))],
]


def hostile(seed: int) -> bytes:
    """A file that started out well-formed."""
    rng = random.Random(seed)
    lines = clean(rng, b"X%d.US" % seed)
    for _ in range(rng.randrange(4)):
        lines = rng.choice(MUTATIONS)(rng, lines) or [b""]
    ending = rng.choice([b"\n", b"\r\n"])
    content = ending.join(lines) + (ending if rng.random() < 0.8 else b"")
    return content[: rng.randrange(len(content) + 1)] if rng.random() < 0.1 else content


def is_header(line: str) -> bool:
    """What the contract calls a header, in plain words: a date and a price column, and no number."""
    for mark in ",;\t|":
        names = {word.strip(BLANKS).strip("<>").lower() for word in line.split(mark)}
        if any(re.fullmatch(r"[+-]?[0-9]*[.,]?[0-9]+", name) for name in names):
            continue
        if "date" in names and names & {"open", "high", "low", "close"}:
            return True
    return False


def data_lines(content: bytes) -> int:
    """Non-blank lines of a file, without its header."""
    encoding = "utf-8-sig"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"  # by the mark, which it takes away
    text = content.decode(encoding, "replace")
    lines = [line for line in re.split(r"\r\n|\r|\n", text) if line.strip(BLANKS)]
    return len(lines) - bool(lines and is_header(lines[0]))


@pytest.mark.xdist_group("workflow_hostile")
@pytest.mark.parametrize("files", [60, pytest.param(500, marks=pytest.mark.faults)])
def test_hostile_files(tmp_path, files):
    project = new_project(tmp_path / "project")
    shutil.rmtree(project.raw)
    folder = project.raw / "nyse stocks" / "1"
    folder.mkdir(parents=True)
    for seed in range(files):
        (folder / f"x{seed}.us.txt").write_bytes(hostile(seed))
    console = project.snakemake("--cores", "4", *LAYERS_AND_CHECKS, "--config", "qa__fail_on=never")
    assert "Traceback" not in console and "failed" not in console
    master = pl.read_parquet(project.folder / "data/bronze/symbol_master/symbol_master.parquet")
    assert master.height == files
    assert master["status"].unique().sort().to_list() == ["empty", "ok", "unreadable"]
    assert master.filter(
        pl.col("rows_valid") + pl.col("rows_rejected") != pl.col("rows_total")
    ).is_empty()
    expected = {f"X{seed}.US": data_lines(hostile(seed)) for seed in range(files)}
    found = dict(master.select("ticker", "rows_total").rows())
    assert {name: count for name, count in found.items() if count != expected[name]} == {}
    assert 0 < master["rows_rejected"].sum() < master["rows_total"].sum()
