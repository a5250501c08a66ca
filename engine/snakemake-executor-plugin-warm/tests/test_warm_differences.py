"""Workflows that went otherwise than under the local executor, or slower, each as small as can be."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import differential
import psutil
import pytest
import workflows

ALL = 'rule all:\n    input: expand("out/{i}", i=range(%d))\n'
JOB = 'rule job:\n    output: "out/{i}"\n    script: "job.py"\n'
WAIT = """
import time
from pathlib import Path
def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
i, output = snakemake.wildcards.i, Path(snakemake.output[0])
"""


def test_a_variable_that_onstart_sets_is_found(tmp_path):
    files = {
        "Snakefile": ALL % 4
        + JOB
        + 'import os\nonstart:\n    os.environ.update(FROM_ONSTART="set", POLARS_X="1")\n',
        "job.py": "import os\nopen(snakemake.output[0], 'w').write("
        "os.environ.get('FROM_ONSTART', 'not') + os.environ.get('POLARS_X', 'not'))\n",
    }
    pair = differential.both(tmp_path, files, cores=2)
    pair.assert_same()
    assert (pair.warm_directory / "out/0").read_text() == "set1"


THREAD = """
import os, threading, time
from pathlib import Path
class TMonitor(threading.Thread):
    def run(self):
        time.sleep(60)
TMonitor(daemon=True, name="watches").start()
Path(snakemake.output[0]).write_text("made")
Path(f"{snakemake.wildcards.i}.executed").write_text(os.path.basename(__real_file__)[:4])
"""


def test_a_rule_whose_script_leaves_a_thread_goes_the_stock_way_and_is_told_once(tmp_path):
    files = {"Snakefile": ALL % 9 + JOB, "job.py": THREAD}
    workflows.write(tmp_path, files)
    result = workflows.run(tmp_path, *workflows.WARM, cores=1)
    assert result.status == 0, result.console
    told = re.findall(r"^Rule job: .*$", result.console, re.MULTILINE)
    assert len(told) == 1
    assert "the thread 'watches' (TMonitor)" in told[0]
    assert "--warm-exclude job" in told[0]
    executed = sorted(path.read_text() for path in tmp_path.glob("*.executed"))
    # One more may have been on its way to a worker.
    assert executed.count("warm") in (3, 4) and len(executed) == 9


def test_no_job_waits_behind_a_slow_one_while_a_worker_idles(tmp_path):
    slow = """
if i == "0":
    wait_for(lambda: len(list(Path("out").iterdir())) >= 9)
else:
    time.sleep(0.05)
output.write_text(i)
"""
    files = {"Snakefile": ALL % 10 + JOB, "job.py": WAIT + slow}
    workflows.write(tmp_path, files)
    result = workflows.run(tmp_path, *workflows.WARM, cores=2)
    assert result.status == 0, result.console


def test_a_large_config_that_a_busy_worker_does_not_read_holds_up_nobody(tmp_path):
    """The worker that waits for the others gets the second config ahead."""
    files = {
        "Snakefile": """
            rule all:
                input: "small/0", "small/1", expand("big/{i}", i=range(6))
            module big:
                snakefile: "big.smk"
                config: {"text": "x" * 30_000_000}
            use rule * from big
            rule small:
                output: "small/{i}"
                priority: 1
                script: "small.py"
            """,
        "big.smk": 'rule big:\n    output: "big/{i}"\n    script: "big.py"\n',
        "small.py": WAIT + 'if i == "0":\n    wait_for(lambda: Path("big/5").exists())\n'
        "output.write_text(i)\n",
        "big.py": 'open(snakemake.output[0], "w").write(str(len(snakemake.config["text"])))\n',
    }
    workflows.write(tmp_path, files)
    result = workflows.run(tmp_path, *workflows.WARM, cores=2)
    assert result.status == 0, result.console


CLEANS_UP = """
import time
from pathlib import Path
Path("begun").touch()
try:
    time.sleep(30)
finally:
    for number in range(10):
        time.sleep(0.1)
        Path(f"cleaned{number}").touch()
"""


def interrupted(directory: Path, *options: str) -> list[psutil.Process]:
    """A run that gets Ctrl-C in a terminal; returns what was below its main process."""
    process = workflows.start(directory, *workflows.WARM, *options)
    try:
        workflows.wait_for((directory / "begun").exists)
        below = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) != 0
    finally:
        process.kill()
    workflows.wait_for(lambda: workflows.all_gone(below))
    return below


def test_ctrl_c_reaches_a_script_once(tmp_path):
    workflows.write(tmp_path, {"Snakefile": ALL % 1 + JOB, "job.py": CLEANS_UP})
    interrupted(tmp_path)
    assert len(list(tmp_path.glob("cleaned*"))) == 10


def test_ctrl_c_ends_what_a_script_has_started(tmp_path):
    script = """
        import subprocess
        child = subprocess.Popen(["sleep", "60"])
        open("begun", "w").close()
        child.wait()
        """
    workflows.write(tmp_path, {"Snakefile": ALL % 1 + JOB, "job.py": script})
    assert len(interrupted(tmp_path)) >= 2


def test_the_time_to_clean_up_is_an_option(tmp_path):
    workflows.write(tmp_path, {"Snakefile": ALL % 1 + JOB, "job.py": CLEANS_UP})
    interrupted(tmp_path, "--warm-grace-seconds", "0.3")
    assert len(list(tmp_path.glob("cleaned*"))) < 10


FAILS = {
    "Snakefile": """
        rule all:
            input: "table", "text", "old", "none"
        rule table:
            output: "table"
            log: "table.json"
            script: "fails.py"
        rule text:
            output: "text"
            log: "text.log"
            script: "fails.py"
        rule old:
            output: "old"
            log: "binary.log"
            script: "fails.py"
        rule none:
            output: "none"
            script: "fails.py"
        """,
    "fails.py": """
        for name in snakemake.log:
            if name == "binary.log":
                open(name, "wb").write(b"PK\\0\\1\\2")
            elif name == "table.json":
                open(name, "w").write("{}")
        raise ValueError("this fails")
        """,
}


def test_a_traceback_does_not_go_into_a_log_that_is_no_text_nor_over_an_earlier_one(tmp_path):
    workflows.write(tmp_path, FAILS)
    for _ in range(2):
        result = workflows.run(tmp_path, "--keep-going", *workflows.WARM)
        assert "Traceback" not in result.console
    assert (tmp_path / "table.json").read_text() == "{}"
    assert (tmp_path / "binary.log").read_bytes() == b"PK\0\1\2"
    assert "Traceback" in (tmp_path / "text.log").read_text()
    logs = [path.name for path in (tmp_path / ".snakemake/log/warm").rglob("*.log")]
    assert (
        sorted(name.partition(".")[0] for name in logs)
        == ["none"] * 2 + ["old"] * 2 + ["table"] * 2
    )


@pytest.mark.parametrize("option", ["--verbose", "--show-failed-logs"])
def test_a_traceback_reaches_the_console_when_asked_for(tmp_path, option):
    workflows.write(tmp_path, FAILS)
    result = workflows.run(tmp_path, "--keep-going", *workflows.WARM, option)
    assert result.console.count('raise ValueError("this fails")') >= 4


def test_idle_workers_end_when_they_hold_too_much(tmp_path):
    """A phase of jobs of one thread, then one of two: the workers of the first idle."""
    files = {
        "Snakefile": """
            rule all:
                input: "last"
            rule narrow:
                output: "out/{i}"
                script: "narrow.py"
            rule last:
                input: expand("out/{i}", i=range(4))
                output: "last"
                threads: 2
                script: "last.py"
            """,
        "narrow.py": "import time\ntime.sleep(0.3)\nopen(snakemake.output[0], 'w').close()\n",
        "last.py": """
            import os, time, psutil
            def others():
                words = [c.cmdline() for c in psutil.Process(os.getppid()).children()]
                return sum("snakemake_warm_worker" in " ".join(w) for w in words) - 1
            deadline = time.monotonic() + 3
            while others() > int(snakemake.config["most"]) and time.monotonic() < deadline:
                time.sleep(0.02)
            open(snakemake.output[0], "w").write(str(others()))
            """,
    }
    for name, options, most, left in (
        ("all", (), 9, 2),
        ("few", ("--warm-max-idle-mb", "1"), 0, 0),
    ):
        directory = workflows.write(tmp_path / name, files)
        config = ("--config", f"most={most}")
        result = workflows.run(directory, *workflows.WARM, *options, *config, cores=2)
        assert result.status == 0, result.console
        assert int((directory / "last").read_text()) == left


def test_settings_change_nothing_in_their_process():
    import gc
    import os
    import sys

    from snakemake_executor_plugin_warm import ExecutorSettings

    before = gc.get_threshold(), gc.get_freeze_count(), dict(os.environ), list(sys.path)
    ExecutorSettings()
    assert (gc.get_threshold(), gc.get_freeze_count(), dict(os.environ), list(sys.path)) == before


def test_rules_can_be_named_in(tmp_path):
    files = {
        "Snakefile": """
            rule all:
                input: "one", "two"
            rule one:
                output: "one"
                script: "job.py"
            rule two:
                output: "two"
                script: "job.py"
            """,
        "job.py": "from pathlib import Path\n"
        "Path(snakemake.output[0]).write_text(Path(__real_file__).name[:4])\n",
    }
    workflows.write(tmp_path, files)
    assert workflows.run(tmp_path, *workflows.WARM, "--warm-only", "two").status == 0
    assert (tmp_path / "two").read_text() == "warm" != (tmp_path / "one").read_text()
    result = workflows.run(tmp_path, *workflows.WARM, "--forceall", "--warm-exclude", "tow")
    assert result.status == 1 and "--warm-exclude: no rule is named tow" in result.console


def test_a_name_that_snakemake_lacks_is_told_at_the_start(monkeypatch):
    from snakemake_interface_common.exceptions import WorkflowError

    from snakemake_executor_plugin_warm import relied_on

    gone = relied_on.Name("snakemake.shell:shell", "_gone", "nothing")
    monkeypatch.setattr(relied_on, "RELIED_ON", (gone,))
    with pytest.raises(WorkflowError, match=r"lacks snakemake\.shell:shell _gone \(nothing\)"):
        relied_on.check_snakemake(None)
