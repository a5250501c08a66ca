"""Scripts that set process state in known ways, made by chance, each with a look at all of it after.

An atom of `ATOMS` is a statement and an expression whose value the statement changes. A script takes
some atoms, does them in some form, and ends in some way; it writes down what it has changed, so that
an atom that changes nothing is found. The next job of the worker evaluates every expression.
"""

from __future__ import annotations

import random
import textwrap
from typing import NamedTuple


class Atom(NamedTuple):
    """A change of the process, and an expression that shows it."""

    statement: str
    look: str


ATOMS = {
    "variable": Atom("os.environ['FUZZ'] = 'set'", "os.environ.get('FUZZ')"),
    "no_variable": Atom("os.environ.pop('HOME', None)", "'HOME' in os.environ"),
    "path": Atom("os.environ['PATH'] = '/nowhere'", "os.environ['PATH'] == '/nowhere'"),
    "directory": Atom("os.chdir('/')", "os.getcwd() == '/'"),
    "umask": Atom("os.umask(0o711)", "[os.umask(0o22), os.umask(0o22)][0]"),
    "time_zone": Atom("os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()", "time.localtime(0).tm_hour"),
    "handler": Atom(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)", "str(signal.getsignal(signal.SIGTERM))"
    ),
    "blocked": Atom(
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})",
        "str(signal.pthread_sigmask(signal.SIG_BLOCK, ()))",
    ),
    "timer": Atom(
        "signal.setitimer(signal.ITIMER_VIRTUAL, 99)",
        "signal.getitimer(signal.ITIMER_VIRTUAL)[0] > 0",
    ),
    "alarm": Atom("signal.alarm(99)", "signal.getitimer(signal.ITIMER_REAL)[0] > 0"),
    "file_limit": Atom(
        "resource.setrlimit(resource.RLIMIT_NOFILE, "
        "(99, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))",
        "resource.getrlimit(resource.RLIMIT_NOFILE)[0]",
    ),
    "nice": Atom("os.nice(1)", "os.getpriority(os.PRIO_PROCESS, 0)"),
    "processors": Atom(
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})", "len(os.sched_getaffinity(0))"
    ),
    "recursion": Atom("sys.setrecursionlimit(777)", "sys.getrecursionlimit()"),
    "switching": Atom("sys.setswitchinterval(0.5)", "sys.getswitchinterval()"),
    "digits": Atom("sys.set_int_max_str_digits(0)", "sys.get_int_max_str_digits()"),
    "search_path": Atom("sys.path.insert(0, '/fuzz')", "'/fuzz' in sys.path"),
    "arguments": Atom("sys.argv.append('fuzz')", "len(sys.argv)"),
    "output": Atom("sys.stdout = open(os.devnull, 'w')", "sys.stdout is sys.__stdout__"),
    "closed": Atom("sys.stderr.close()", "sys.stderr.closed"),
    "excepthook": Atom("sys.excepthook = print", "sys.excepthook is sys.__excepthook__"),
    "displayhook": Atom("sys.displayhook = print", "sys.displayhook is sys.__displayhook__"),
    "thread_hook": Atom(
        "threading.excepthook = print", "threading.excepthook is threading.__excepthook__"
    ),
    "traced": Atom("sys.settrace(lambda *_: None)", "sys.gettrace() is not None"),
    "tracked_threads": Atom(
        "threading.settrace(lambda *_: None)", "threading.gettrace() is not None"
    ),
    "built_in": Atom("builtins.fuzz = 1", "hasattr(builtins, 'fuzz')"),
    "no_print": Atom("builtins.print = None", "builtins.print is None"),
    "collector": Atom("gc.disable()", "gc.isenabled()"),
    "thresholds": Atom("gc.set_threshold(7)", "gc.get_threshold()[0]"),
    "warnings": Atom(
        "warnings.simplefilter('error')", "any(entry[0] == 'error' for entry in warnings.filters)"
    ),
    "shown_warnings": Atom("warnings.showwarning = print", "warnings.showwarning is print"),
    "log_level": Atom("logging.getLogger().setLevel(7)", "logging.getLogger().level"),
    "log_handler": Atom(
        "logging.getLogger('fuzz').addHandler(logging.NullHandler())",
        "len(logging.getLogger('fuzz').handlers)",
    ),
    "log_off": Atom("logging.disable(50)", "logging.root.manager.disable"),
    "log_names": Atom("logging.addLevelName(33, 'FUZZ')", "logging.getLevelName(33)"),
    "log_class": Atom(
        "logging.setLoggerClass(type('L', (logging.Logger,), {}))",
        "logging.getLoggerClass().__name__",
    ),
    "log_warnings": Atom(
        "logging.captureWarnings(True)", "logging._warnings_showwarning is not None"
    ),
    "decimals": Atom("decimal.getcontext().prec = 5", "decimal.getcontext().prec"),
    "temporary": Atom("tempfile.tempdir = '/fuzz'", "tempfile.tempdir"),
    "time_out": Atom("socket.setdefaulttimeout(7)", "socket.getdefaulttimeout()"),
    "start_method": Atom(
        "multiprocessing.set_start_method('spawn', force=True)",
        "multiprocessing.get_start_method(allow_none=True)",
    ),
    "pickled": Atom("copyreg.pickle(Own, repr)", "len(copyreg.dispatch_table)"),
    "faults": Atom("faulthandler.enable()", "faulthandler.is_enabled()"),
    "memory_trace": Atom("tracemalloc.start()", "tracemalloc.is_tracing()"),
    "event_loop": Atom(
        "asyncio.set_event_loop(asyncio.new_event_loop())",
        "asyncio.events._event_loop_policy is not None",
    ),
    "stack": Atom("threading.stack_size(1 << 20)", "threading.stack_size()"),
    "patched": Atom("json.dumps = lambda *_, **__: 'fuzz'", "json.dumps([1])"),
    "patched_by_another": Atom("os.path.basename = os.path.dirname", "os.path.basename('/a/b')"),
    "constant": Atom("stat.ST_MODE = 99", "stat.ST_MODE"),
    "patched_class": Atom("fractions.Fraction.fuzz = Own", "hasattr(fractions.Fraction, 'fuzz')"),
    "no_module": Atom("sys.modules['csv'] = None", "sys.modules.get('csv', 1) is None"),
    "own_module": Atom("sys.modules['fuzz'] = sys", "'fuzz' in sys.modules"),
    "codec": Atom("codecs.register_error('fuzz', Own)", "known_error('fuzz')"),
    "file": Atom("os.open('fuzz.txt', os.O_CREAT | os.O_WRONLY)", "open_here()"),
    "lock": Atom(
        "fcntl.flock(os.open(HERE + '/fuzz.lock', os.O_CREAT | os.O_RDWR), fcntl.LOCK_EX)",
        "is_locked()",
    ),
    "kept_file": Atom("json.fuzz = open(HERE + '/kept.txt', 'w')", "open_here()"),
    "thread": Atom(
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "threading.active_count()",
    ),
    "late_thread": Atom(
        "threading.Thread(target=time.sleep, args=(0.2,)).start()", "threading.active_count()"
    ),
    "child": Atom("subprocess.Popen(['sleep', '1'])", "len(psutil.Process().children())"),
    "shell_prefix": Atom("shell.prefix('true; ')", "str(shell._process_prefix)"),
    "numbers": Atom("numpy.set_printoptions(precision=2)", "numpy.get_printoptions()['precision']"),
    "errors": Atom("numpy.seterr(all='raise')", "numpy.geterr()['divide']"),
}
# Those that hide others in the script itself, or do so by what they are.
_LAST = ("closed", "no_print", "output", "directory", "file_limit")
HEAD = """
import asyncio, builtins, codecs, copyreg, decimal, faulthandler, fcntl, fractions, gc, json, logging
import multiprocessing, os, resource, signal, socket, stat, subprocess, sys, tempfile, threading, time
import tracemalloc, warnings
import numpy, psutil
from snakemake.shell import shell

HERE = os.getcwd()
OUTPUT = os.path.abspath(snakemake.output[0])
dumps = json.dumps

class Own(Exception):
    pass

def known_error(name):
    try:
        return bool(codecs.lookup_error(name))
    except LookupError:
        return False

def open_here():
    names = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return sum(os.readlink(n).startswith(HERE) for n in names if os.path.lexists(n))

def is_locked():
    file = os.open(HERE + "/fuzz.lock", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False

def look(names):
    return {name: eval(LOOKS[name]) for name in names}
"""
FORMS = {
    "plain": "{body}",
    "function": "def work():\n{indented}\nwork()",
    "caught": "try:\n{indented}\n    raise Own\nexcept Own:\n    pass",
    "method": "class Work:\n    def __init__(self):\n{twice}\nkept = Work()",
}
ENDS = {
    "end": "",
    "exit": "sys.exit(0)",
    "raise": "raise Own('on purpose')",
    "status": "sys.exit(3)",
}


def looks() -> str:
    """The expressions, by name of their atom, as a part of a script."""
    return f"LOOKS = { ({name: atom.look for name, atom in ATOMS.items()})!r}\n"


def probe() -> str:
    """The script that looks at everything."""
    end = """
found = look(LOOKS)
with open(OUTPUT, "w") as file:
    file.write(dumps({"found": found, "pid": os.getpid()}, sort_keys=True))
"""
    return HEAD + looks() + end


def script(seed: int) -> tuple[list[str], str]:
    """The names of the atoms of a generated script, and the script: the same for the same seed."""
    choose = random.Random(seed)
    # Every atom is in some script, whatever else chance adds.
    names = {list(ATOMS)[seed % len(ATOMS)], *choose.sample(list(ATOMS), choose.randint(0, 2))}
    ordered = sorted(names, key=lambda name: (name in _LAST, choose.random()))
    body = "\n".join(ATOMS[name].statement for name in ordered)
    form = FORMS[choose.choice(list(FORMS))].format(
        body=body,
        indented=textwrap.indent(body, "    "),
        twice=textwrap.indent(body, "        "),
    )
    end = ENDS[choose.choice(list(ENDS))]
    told = f"""
before = look({ordered!r})
{form}
after = look({ordered!r})
with open(OUTPUT + ".told", "w") as file:
    file.write(dumps([name for name in before if before[name] == after[name]]))
with open(OUTPUT, "w") as file:
    file.write("made")
{end}
"""
    return ordered, HEAD + looks() + told
