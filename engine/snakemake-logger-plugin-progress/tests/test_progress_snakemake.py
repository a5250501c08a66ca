"""The progress logger in real Snakemake runs: as a command, through the API, on a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from snakemake.api import SnakemakeApi
from snakemake.settings.enums import Quietness
from snakemake.settings.types import (
    DAGSettings,
    ExecutionSettings,
    OutputSettings,
    ResourceSettings,
)

from snakemake_logger_plugin_progress import LogHandlerSettings

SOURCE = Path(__file__).parents[1] / "src"
SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores", "2", "--logger", "progress"]
CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
TIMEOUT_SECONDS = 60

PIPELINE = """
TICKERS = ["A", "B", "C"]
rule all:
    input: expand("silver/{ticker}.txt", ticker=TICKERS)
rule bronze:
    output: "bronze/{ticker}.txt"
    log: "logs/bronze/{ticker}.log"
    shell: "touch {output}"
rule silver:
    input: "bronze/{ticker}.txt"
    output: "silver/{ticker}.txt"
    log: "logs/silver/{ticker}.log"
    shell: "touch {output}"
"""
# C fails always, B at its first attempt.
FAILING = PIPELINE.replace(
    '    shell: "touch {output}"\nrule silver',
    "    resources: tries=lambda wildcards, attempt: attempt\n"
    """    shell: "test {wildcards.ticker} != C && """
    """(test {wildcards.ticker} != B || test {resources.tries} = 2) && touch {output}"\n"""
    "rule silver",
)


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "CI", "SNAKEMAKE_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    path = [str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    return tmp_path


def run_snakemake(*arguments: str) -> tuple[int, str]:
    """Exit status, standard output and error of a run whose output is a pipe."""
    done = subprocess.run(
        [*SNAKEMAKE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def test_failures_retries_and_summary_in_plain_lines(workdir: Path) -> None:
    Path("Snakefile").write_text(FAILING)
    status, output = run_snakemake("--keep-going", "--retries", "1")
    assert status == 1
    assert not CONTROL_CHARACTER.search(output)
    failed_c = "bronze ticker=C: exit status 1 (log: logs/bronze/C.log)"
    assert output.count(f"FAILED {failed_c}\n") == 2
    assert output.count("RETRY  bronze ticker=C\n") == 1
    assert output.count("RETRY  bronze ticker=B\n") == 1
    assert re.search(r"\[00:00:\d\d\] 4/7 jobs  \S+/s  ETA \S+  .*1 failed\n", output)
    assert re.search(
        r"4 of 7 jobs done in 00:00:\d\d \(\S+/s\)\n  bronze  2 of 3\n  silver  2 of 3\n"
        rf"  all     0 of 1\n1 failed:\n  {re.escape(failed_c)}\n2 not run or not finished\n",
        output,
    )
    for chatter in ("Select jobs", "Execute 1", "jobid", "steps (", "Finished job", "Removing"):
        assert chatter not in output
    assert "Complete log(s): " in output


def test_nothing_to_be_done_and_the_profile(workdir: Path) -> None:
    Path("Snakefile").write_text(PIPELINE)
    for name in ("bronze", "silver"):
        Path(name).mkdir()
        for ticker in "ABC":
            Path(name, f"{ticker}.txt").touch()
    Path("profiles/default").mkdir(parents=True)
    Path("profiles/default/config.yaml").write_text(
        "logger: [progress]\nlogger-progress-interval-seconds: 2\nquiet: [host]\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", "--rerun-triggers", "mtime"],
        stderr=subprocess.PIPE,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=True,
    )
    message = "Nothing to be done (all requested files are present and up to date).\n"
    assert done.stderr.endswith(message)
    assert "jobs done" not in done.stderr


def test_workflow_errors_are_shown_in_full(workdir: Path) -> None:
    Path("Snakefile").write_text('rule a:\n    input: "missing.txt"\n    output: "a.txt"\n')
    status, output = run_snakemake()
    assert status == 1
    assert "MissingInputException in rule a in file " in output
    assert "missing.txt" in output.split("Missing input files", 1)[1]
    assert "jobs done" not in output


def test_a_bad_setting_is_one_line(workdir: Path) -> None:
    Path("Snakefile").write_text(PIPELINE)
    status, output = run_snakemake("--logger-progress-interval-seconds", "0")
    assert status == 1
    assert output == (
        "Error: --logger-progress-interval-seconds must be greater than 0, not 0.0.\n"
    )


# Through the API, in this process


def run_through_api(
    capsys: pytest.CaptureFixture[str], *, executor: str = "local", **output_settings: object
) -> str:
    """Run the Snakefile of the working directory; returns what was written."""
    settings = {"progress": LogHandlerSettings()}
    output = OutputSettings(log_handler_settings=settings, **output_settings)
    with SnakemakeApi(output) as api:
        workflow = api.workflow(ResourceSettings(cores=2), snakefile=Path("Snakefile"))
        dag = workflow.dag(DAGSettings())
        dag.execute_workflow(
            executor=executor, execution_settings=ExecutionSettings(keep_going=True)
        )
    return "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("quiet", "jobs_shown"),
    [(set(), 3 + 3 + 1), ({Quietness.RULES}, 0), ({Quietness.RULES, Quietness.PROGRESS}, 0)],
)
def test_dry_run(
    workdir: Path, capsys: pytest.CaptureFixture[str], quiet: set[Quietness], jobs_shown: int
) -> None:
    Path("Snakefile").write_text(PIPELINE.replace('["A", "B", "C"]', "range(30)"))
    output = run_through_api(capsys, executor="dryrun", dryrun=True, stdout=True, quiet=quiet)
    assert re.search(r"bronze +30\nsilver +30\nall +1\ntotal +61\n", output)
    assert output.count("reason: ") == jobs_shown
    assert ("Jobs not shown: bronze 27, silver 27 (" in output) == (jobs_shown > 0)
    assert not Path("bronze").exists()


def test_two_runs_in_one_process_count_for_themselves(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("Snakefile").write_text(PIPELINE)
    first = run_through_api(capsys)
    assert re.search(r"\n7 of 7 jobs done in .*\n  bronze  3\n  silver  3\n  all     1\n$", first)
    Path("silver/B.txt").unlink()
    second = run_through_api(capsys)
    assert re.search(r"\n2 of 2 jobs done in .*\n  silver  1\n  all     1\n$", second)


def test_a_checkpoint_raises_the_total(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("Snakefile").write_text(
        """
def parts(wildcards):
    folder = checkpoints.split.get().output[0]
    return expand("done/{part}.txt", part=glob_wildcards(folder + "/{part}.txt").part)
rule all:
    input: parts
checkpoint split:
    output: directory("parts")
    shell: "mkdir {output}; touch {output}/1.txt {output}/2.txt {output}/3.txt"
rule part:
    input: "parts/{part}.txt"
    output: "done/{part}.txt"
    shell: "touch {output}"
"""
    )
    output = run_through_api(capsys)
    assert re.search(r"\n5 of 5 jobs done in .*\n  split  1\n  all    1\n  part   3\n$", output)


def test_a_failing_pipe_group_is_one_failure(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("Snakefile").write_text(
        """
rule target:
    input: pipe_end="end.txt"
rule write:
    output: pipe("stream")
    shell: "echo 1 > {output}"
rule read:
    input: "stream"
    output: "end.txt"
    log: "read.log"
    shell: "cat {input} > /dev/null; exit 4"
"""
    )
    with pytest.raises(Exception, match="At least one job did not complete"):
        run_through_api(capsys)
    output = "".join(capsys.readouterr())
    assert re.search(r"\nFAILED group \S+ \(.*\): exit status 4 \(log: read.log\)\n", output)
    assert output.count("FAILED") == 1
    assert "\n2 failed:\n" in output


# On a terminal


def run_on_terminal(*arguments: str, interrupt_at: bytes | None = None) -> str:
    """What Snakemake writes to a terminal; it is interrupted once a text has appeared."""
    terminal, far_end = pty.openpty()
    process = subprocess.Popen(
        [*SNAKEMAKE, *arguments],
        stdin=far_end,
        stdout=far_end,
        stderr=far_end,
        start_new_session=True,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"},
    )
    os.close(far_end)
    output, deadline = b"", time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1.0)[0]:
            continue
        try:
            received = os.read(terminal, 65536)
        except OSError:  # the way a pseudo-terminal reports its end
            break
        output += received
        if interrupt_at is not None and interrupt_at in output:
            # As a terminal does at Ctrl-C: the signal goes to all processes in the foreground.
            os.killpg(process.pid, signal.SIGINT)
            interrupt_at = None
    os.close(terminal)
    process.wait(TIMEOUT_SECONDS)
    return output.decode()


def screen_lines(output: str) -> list[str]:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", output).replace("\r", "").split("\n")


def test_bars_appear_and_the_cursor_comes_back(workdir: Path) -> None:
    slow = FAILING.replace('shell: "touch {output}"', 'shell: "sleep 1; touch {output}"')
    Path("Snakefile").write_text(slow)
    output = run_on_terminal("--keep-going")
    lines = screen_lines(output)
    assert any(re.search(r"^\d/7 jobs  \S+/s  ETA \S+  elapsed 00:00:\d\d", line) for line in lines)
    assert any(re.search(r"^silver ━+ +\d/3", line) for line in lines)
    assert "FAILED bronze ticker=C: exit status 1 (log: logs/bronze/C.log)" in lines
    assert output.count("\x1b[?25l") == output.count("\x1b[?25h") == 1
    after = output.split("\x1b[?25h")[1]
    assert "of 7 jobs done" in after
    assert "━" not in after
    assert not any("Select jobs" in line for line in lines)


def test_ctrl_c_takes_the_bars_down(workdir: Path) -> None:
    Path("Snakefile").write_text('rule a:\n    output: "a.txt"\n    shell: "sleep 60"\n')
    output = run_on_terminal(interrupt_at="━".encode())
    assert output.count("\x1b[?25l") == output.count("\x1b[?25h") == 1
    after = output.split("\x1b[?25h")[1]
    assert "0 of 1 jobs done" in after
    assert "1 not run or not finished" in after
    assert "FAILED" not in output
    assert not Path("a.txt").exists()
