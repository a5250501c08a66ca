"""Scripts that misbehave pass or fail as in a process of their own, and harm no other job."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import workflows

HEAD = "import os, sys\nout = open(snakemake.output[0], 'w')\nout.write('x')\nout.flush()\n"

# Each script has written its output before it does what it is named after.
SUCCEEDING = {
    "exit_0": "sys.exit(0)",
    "exit_none": "sys.exit()",
    "exit_256": "sys.exit(256)",
    "hard_exit_0": "os._exit(0)",
    "loud_stdout": "sys.stdout.write('\\1' * 3_000_000 + '\\n')",
    "loud_stderr": "sys.stderr.write('\\2' * 3_000_000 + '\\n')",
    "loud_child": "import subprocess; subprocess.run(['head', '-c', '2000000', '/dev/zero'])",
    "changes_directory": "os.chdir('/')",
    "changes_environment": "os.environ['LEAKED'] = '1'; del os.environ['HOME']; "
    "os.environ['PATH'] = '/nowhere'",
    "changes_path": "sys.path.insert(0, '/nowhere'); sys.argv.append('leaked')",
    "changes_umask": "os.umask(0o777)",
    "changes_streams": "sys.stdout = open(os.devnull, 'w'); sys.stderr = sys.stdout",
    "closes_streams": "sys.stdout.close(); os.close(2)",
    "closes_all_files": "os.closerange(3, 500)",
    "changes_modules": "import json; sys.modules['json'] = None; sys.modules['__main__'] = json; "
    "import builtins; builtins.leaked = 1; builtins.print = None",
    "changes_signals": "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "signal.signal(signal.SIGALRM, signal.SIG_DFL); signal.alarm(1)",
    "changes_logging": "import logging; logging.basicConfig(level=0, "
    "filename=snakemake.output[0] + '.log'); logging.getLogger('mine').addHandler("
    "logging.StreamHandler()); logging.disable(50); logging.warning('in the log')",
    "changes_warnings": "import warnings; warnings.simplefilter('error')",
    "changes_numbers": "import random, decimal, locale; random.seed(1); "
    "decimal.getcontext().prec = 3; sys.setrecursionlimit(77)",
    "changes_collector": "import gc; gc.disable(); gc.set_threshold(1)",
    "traces": "sys.settrace(lambda *a: None); sys.excepthook = None",
    "limits_itself": "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))",
    "leaves_daemon_thread": "import threading, time; threading.Thread(daemon=True, target="
    "lambda: [time.sleep(0.01) or os.environ.update(LEAKED='1') for _ in range(1000)]).start()",
    "leaves_thread": "import threading, time; threading.Thread(target=lambda: ("
    "time.sleep(0.3), open(snakemake.output[0], 'a').write('late'))).start()",
    "leaves_child": "import subprocess; subprocess.Popen(['sleep', '3'])",
    "leaves_pool": "from concurrent.futures import ThreadPoolExecutor\n"
    "pool = ThreadPoolExecutor(2)\npool.submit(print)",
    "forks": "if os.fork() == 0:\n    out.write('child')\n",
    "closes_late": "class Ring: pass\nring = Ring(); ring.self = ring; ring.file = "
    "open(snakemake.output[0], 'w'); ring.file.write('from a cycle')\ndel ring",
    "much_memory": "block = bytearray(120_000_000)\nblock[::4096] = b'x' * len(block[::4096])\n"
    "import builtins; sys.modules['keeper'] = type(sys)('keeper')",
    "warns": "import warnings; warnings.warn('for the console')",
}
FAILING = {
    "raises": "def inner():\n    raise ValueError('this is wrong\\non two lines')\ninner()",
    "raises_base": "class Odd(BaseException): pass\nraise Odd()",
    "exit_3": "sys.exit(3)",
    "exit_text": "sys.exit('a reason')",
    "hard_exit_7": "os._exit(7)",
    "kills_itself": "import signal; os.kill(os.getpid(), signal.SIGKILL)",
    "crashes": "import ctypes; ctypes.string_at(0)",
    "interrupts_itself": "raise KeyboardInterrupt",
    "syntax": "def (:",
    "future": "from __future__ import annotations",
    "unknown_module": "import no_such_module",
    "raises_at_exit": "import threading\nthreading.Thread(target=lambda: os._exit(4)).start()",
    "no_output": "os.remove(snakemake.output[0])",
}

INNOCENT = """
import builtins, gc, logging, os, random, signal, sys, threading, warnings, json, decimal
import resource
print("innocent output")
state = {
    "cwd": os.getcwd(), "leaked": "LEAKED" in os.environ, "home": "HOME" in os.environ,
    "path": os.environ["PATH"] != "/nowhere", "sys.path": "/nowhere" in sys.path,
    "argv": len(sys.argv), "umask": os.umask(0o22), "stdout": sys.stdout is sys.__stdout__,
    "stderr": sys.stderr is sys.__stderr__, "builtins": hasattr(builtins, "leaked"),
    "sigterm": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
    "sigint": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    "alarm": signal.alarm(0), "handlers": len(logging.getLogger().handlers),
    "mine": len(logging.getLogger("mine").handlers), "disabled": logging.root.manager.disable,
    "errors": any(entry[0] == "error" for entry in warnings.filters),
    "precision": decimal.getcontext().prec, "recursion": sys.getrecursionlimit(),
    "gc": [gc.isenabled(), gc.get_threshold()], "trace": sys.gettrace() is None,
    "hook": sys.excepthook is sys.__excepthook__, "files": resource.getrlimit(7)[0] > 20,
    "threads": threading.active_count(), "main": sys.modules["__main__"].snakemake is snakemake,
    "keeper": "keeper" in sys.modules,
}
os.umask(state["umask"])
with open(snakemake.output[0], "w") as out:
    json.dump(state, out, sort_keys=True, indent=1)
"""


def snakefile() -> str:
    rules = ["rule all:\n    input: expand('out/{n}', n=config['names'].split()),"]
    rules.append("        expand('innocent/{n}.json', n=config['names'].split())")
    for name in SUCCEEDING | FAILING:
        log = f"    log: 'logs/{name}.log'\n" if name != "exit_3" else ""
        rules.append(
            f"rule {name}:\n    output: 'out/{name}'\n    priority: 2\n{log}"
            f"    script: 'scripts/{name}.py'"
        )
    rules.append(
        "rule innocent:\n    output: 'innocent/{name}.json'\n    priority: 2\n"
        "    script: 'scripts/innocent.py'"
    )
    return "\n".join(rules) + "\n"


def files() -> dict[str, str]:
    scripts = {f"scripts/{name}.py": HEAD + body for name, body in (SUCCEEDING | FAILING).items()}
    scripts["scripts/future.py"] = FAILING["future"] + "\n" + HEAD
    return {"Snakefile": snakefile(), "scripts/innocent.py": INNOCENT, **scripts}


class Run:
    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = workflows.write(directory, files())
        names = " ".join(SUCCEEDING | FAILING)
        self.result = workflows.run(
            directory, "--keep-going", *options, "--config", f"names={names}"
        )

    @property
    def outputs(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in (self.directory / "out").glob("*")}

    @property
    def innocents(self) -> dict[str, str]:
        return {path.stem: path.read_text() for path in (self.directory / "innocent").glob("*")}


@pytest.fixture(scope="module")
def warm(tmp_path_factory) -> Run:
    return Run(tmp_path_factory.mktemp("warm"), *workflows.WARM, "--warm-max-rss-mb", "150")


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Run:
    return Run(tmp_path_factory.mktemp("local"), *workflows.LOCAL)


def test_the_same_jobs_succeed_with_the_same_output(warm, local):
    assert warm.result.status == local.result.status == 1
    assert set(local.outputs) - {"changes_logging.log"} == set(SUCCEEDING)
    assert warm.outputs == local.outputs


def test_no_other_job_notices(warm, local):
    assert set(warm.innocents) == set(SUCCEEDING | FAILING)
    directories = (str(warm.directory), str(local.directory))
    expected = {text.replace(directories[1], "HERE") for text in local.innocents.values()}
    assert {text.replace(directories[0], "HERE") for text in warm.innocents.values()} == expected
    assert len(expected) == 1


def test_console_has_the_output_of_scripts_whole(warm, local):
    for run in (warm, local):
        # The jobs share a console: another one's line may come in between.
        assert run.result.console.count("\1") == 3_000_000
        assert run.result.console.count("\2") == 3_000_000
        assert run.result.console.count("innocent output") == len(SUCCEEDING | FAILING)
        assert run.result.console.count("UserWarning: for the console") == 1


def test_one_line_names_the_error_and_the_log_has_the_traceback(warm):
    console = warm.result.console
    assert "message: ValueError: this is wrong on two lines\n" in console
    assert "log: logs/raises.log " in console
    assert "in inner" not in console
    log = (warm.directory / "logs" / "raises.log").read_text()
    assert "in inner" in log and "ValueError: this is wrong\non two lines" in log
    assert "snakemake_warm_worker" not in log


@pytest.mark.parametrize(
    ("name", "error"),
    {
        "hard_exit_7": "exit status 7",
        "exit_text": "exit status 1: a reason",
        "kills_itself": "killed by SIGKILL",
        "crashes": "killed by SIGSEGV",
        "interrupts_itself": "killed by SIGINT",
        "syntax": "SyntaxError: ",
        "future": "SyntaxError: from __future__ imports must occur at the beginning",
        "unknown_module": "ModuleNotFoundError: No module named 'no_such_module'",
        "raises_at_exit": "exit status 4",
    }.items(),
)
def test_how_a_job_ended_is_told_on_the_console_and_in_its_log(warm, name, error):
    block = warm.result.console.partition(f"Error in rule {name}:")[2]
    assert error in block.partition("jobid:")[0]
    assert error in (warm.directory / "logs" / f"{name}.log").read_text()


def test_a_job_without_log_file_gets_one(warm):
    block = warm.result.console.partition("Error in rule exit_3:")[2]
    path = re.search(r"log: (\.snakemake/log/warm/[^/]+/exit_3\.\d+\.log)", block)[1]
    assert "exit status 3" in (warm.directory / path).read_text()
