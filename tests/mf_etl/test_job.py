"""The job adapter: arguments by name, one line on failure, the traceback in the log."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from snakemake.iocontainers import InputFiles, OutputFiles

from mf_etl import former, job
from mf_etl.errors import RawFileError
from mf_etl.settings.sections import FlowWeights


def snakemake(tmp_path, log=True, **params) -> SimpleNamespace:
    (tmp_path / "in").touch()
    return SimpleNamespace(
        rule="step",
        input=InputFiles(fromdict={"source": str(tmp_path / "in")}),
        output=OutputFiles(fromdict={"result": str(tmp_path / "out")}),
        params=params,
        wildcards={"ticker": "T.US"},
        threads=2,
        config={},
        resources={},
        log=[str(tmp_path / "logs" / "t.log")] if log else [],
    )


def test_arguments_by_name_and_annotation(tmp_path):
    got = {}

    def main(source: Path, result: Path, *, ticker: str, weights: FlowWeights, threads: int):
        got.update(locals())

    job.run(main, snakemake(tmp_path, weights={"zero": 5}))
    assert got["source"] == tmp_path / "in" and got["result"] == tmp_path / "out"
    assert (got["ticker"], got["threads"]) == ("T.US", 2)
    assert got["weights"] == FlowWeights(zero=5)


def test_one_path_is_a_list_of_one(tmp_path):
    """An input function that gives one path makes a text of it; its letters are no paths."""
    found = []

    def main(source: list[Path]):
        found.extend(source)

    job.run(main, snakemake(tmp_path))
    assert found == [tmp_path / "in"]


def test_scripts_of_equal_code_are_told_apart(tmp_path):
    """In a process of many jobs; annotations are no part of a function's code."""
    found = {}
    for annotation in ("Path", "str"):
        namespace = {"Path": Path, "found": found}
        source = f"def main(source: {annotation}):\n    found[len(found)] = source"
        exec(compile(source, f"{annotation}.py", "exec"), namespace)
        job.run(namespace["main"], snakemake(tmp_path))
    assert found == {0: tmp_path / "in", 1: str(tmp_path / "in")}


def test_a_parameter_nobody_declares(tmp_path):
    def main(other: Path):
        raise AssertionError("called without its argument")

    with pytest.raises(SystemExit, match=r"step T\.US: rule step declares no other"):
        job.run(main, snakemake(tmp_path))


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RawFileError("raw file x cannot be read"), "step T.US: raw file x cannot be read"),
        (ValueError("odd"), "step T.US: ValueError: odd"),
    ],
)
def test_a_failure_is_one_line_and_a_log(tmp_path, error, line):
    def main():
        raise error

    with pytest.raises(SystemExit) as end:
        job.run(main, snakemake(tmp_path))
    log = tmp_path / "logs" / "t.log"
    assert end.value.code == f"{line} (log: {log})"
    assert log.read_text().startswith(line) and "Traceback" in log.read_text()
    with pytest.raises(SystemExit) as end:
        job.run(main, snakemake(tmp_path, log=False))
    assert end.value.code == line


def test_success_writes_no_log(tmp_path):
    job.run(lambda: None, snakemake(tmp_path))
    assert not (tmp_path / "logs").exists()


def test_without_snakemake_it_says_how():
    with pytest.raises(SystemExit, match="run by Snakemake"):
        job.run(lambda: None, None)


def test_a_damaged_input_is_named_with_the_way_to_mend_it(tmp_path):
    source = tmp_path / "in.parquet"
    given = snakemake(tmp_path)
    given.input = InputFiles(fromdict={"source": str(source)})
    source.write_bytes(b"")

    def main(source: Path):
        pl.read_parquet(source)

    with pytest.raises(
        SystemExit, match=r"in\.parquet has 0 bytes; make it anew: snakemake .*--force"
    ):
        job.run(main, given)
    pl.DataFrame({"a": [1] * 100}).write_parquet(source)
    content = source.read_bytes()
    source.write_bytes(content[:4] + bytes(30) + content[34:])
    with pytest.raises(SystemExit, match=r"in\.parquet is damaged \(.*make it anew"):
        job.run(main, given)


def test_the_former_output_is_there_until_the_new_one_is(tmp_path):
    output = tmp_path / "out"
    output.write_text("old")
    former.keep(output)
    output.unlink()
    seen = []

    def main(result: Path):
        seen.append(result.read_text())
        if len(seen) == 1:
            raise ValueError("odd")
        replacement = result.with_name("new")
        replacement.write_text("new")
        replacement.replace(result)

    with pytest.raises(SystemExit):
        job.run(main, snakemake(tmp_path, log=False))
    output.unlink()  # as Snakemake does with the files of a failed job
    assert former.is_lost(output)
    job.run(main, snakemake(tmp_path, log=False))
    assert seen == ["old", "old"] and output.read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_an_input_of_the_future_is_of_the_present(tmp_path):
    given = snakemake(tmp_path)
    later = time.time() + 1e6
    os.utime(tmp_path / "in", (later, later))

    def main(source: Path):
        assert source.stat().st_mtime <= time.time()

    job.run(main, given)
