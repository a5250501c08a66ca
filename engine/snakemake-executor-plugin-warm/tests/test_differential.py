"""What a script finds and makes is the same in a warm worker as in a process of its own.

To add a case, add a script: it runs as jobs 0 and 1 in turn, with `i` and `output` at hand.
"""

from __future__ import annotations

import differential
import pytest

CASES = {
    "pyplot_figures": """
        import matplotlib
        matplotlib.use("agg")
        import matplotlib.pyplot as plt
        plt.plot([0, 1], [0, i])
        plt.savefig(output, format="png")
        """,
    "pyplot_style": """
        import matplotlib
        import matplotlib.pyplot as plt
        found = matplotlib.rcParams["lines.linewidth"]
        plt.style.use("ggplot")
        matplotlib.rcParams["lines.linewidth"] = 7 + i
        open(output, "w").write(str(found))
        """,
    "time_zone": """
        import os, time
        if i == 0:
            os.environ["TZ"] = "Asia/Tokyo"
            time.tzset()
        open(output, "w").write(time.strftime("%H:%M %Z", time.localtime(0)))
        """,
    "time_zone_without_a_word": """
        import os, time
        found = time.tzname
        os.environ["TZ"] = "Asia/Tokyo"
        time.tzset()
        del os.environ["TZ"]
        open(output, "w").write(str(found))
        """,
    "lock_of_a_raw_descriptor": """
        import fcntl, os
        descriptor = os.open("lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        open(output, "w").write("locked")
        """,
    "lock_for_reading": """
        import fcntl, os
        open("lock2", "a").close()
        descriptor = os.open("lock2", os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        open(output, "w").write("locked")
        """,
    "raw_descriptors": """
        import os
        for n in range(3):
            os.open("kept", os.O_WRONLY | os.O_CREAT)
        names = [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
                 if os.path.exists(f"/proc/self/fd/{n}")]
        open(output, "w").write(str(sum(name.endswith("/kept") for name in names)))
        """,
    "pipe_left_open": """
        import os
        first, second = os.pipe()
        kinds = [os.readlink(f"/proc/self/fd/{n}")[:4] for n in (first, second)]
        open(output, "w").write(str(kinds))
        """,
    "file_kept_in_a_library": """
        import json
        json.kept = open(output, "w")
        json.kept.write("written when the process ends")
        """,
    "start_method": """
        import multiprocessing
        multiprocessing.set_start_method("spawn")
        open(output, "w").write(multiprocessing.get_start_method())
        """,
    "patched_function": """
        import json
        from fractions import Fraction
        def dumps(value):
            return "patched " + helper(value)
        def helper(value):
            return str(value)
        if i == 0:
            json.dumps = dumps
        open(output, "w").write(json.dumps([i]))
        """,
    "patched_by_another_library": """
        import json, pprint
        found = json.loads("[1]")
        json.loads = pprint.pformat
        open(output, "w").write(str(found))
        """,
    "patched_class": """
        from fractions import Fraction
        found = hasattr(Fraction, "half")
        Fraction.half = lambda self: self / TWO
        TWO = 2
        open(output, "w").write(f"{found} {Fraction(1).half()}")
        """,
    "registered_adapter": """
        import copyreg, pickle
        class Point:
            pass
        found = [kind.__name__ for kind in copyreg.dispatch_table]
        copyreg.pickle(Point, lambda point: (Point, ()))
        open(output, "w").write(str("Point" in found))
        """,
    "registered_by_an_import": """
        import copyreg, pickle
        import numpy
        again = pickle.loads(pickle.dumps(numpy.add))
        kinds = sorted(kind.__name__ for kind in copyreg.dispatch_table)
        open(output, "w").write(f"{again.__name__} {'ufunc' in kinds}")
        """,
    "error_handler": """
        import codecs
        class Own(Exception):
            pass
        try:
            found = codecs.lookup_error("own")
        except LookupError:
            found = None
        codecs.register_error("own", Own)
        open(output, "w").write(str(found))
        """,
    "shell_prefix": """
        from snakemake.shell import shell
        if i == 0:
            shell.prefix("echo leaked; ")
            shell.suffix("; echo leaked, too")
        open(output, "w").write(shell("echo own", read=True))
        """,
    "optional_of_own_class": """
        import dataclasses, typing
        @dataclasses.dataclass
        class Own:
            one: int
        def function(own: typing.Optional[Own]) -> list[Own]:
            return [own]
        open(output, "w").write(str(function(Own(i))))
        """,
    "pandas_options": """
        import pandas
        found = pandas.get_option("display.max_rows")
        pandas.set_option("display.max_rows", 3)
        open(output, "w").write(str(found))
        """,
    "signal_mask": """
        import signal
        found = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        open(output, "w").write(str(found))
        """,
    "random_state": """
        import random
        import numpy
        numpy.random.seed(1)
        random.seed(1)
        open(output, "w").write(f"{random.random()} {numpy.random.random()}")
        """,
    "socket_timeout": """
        import socket
        found = socket.getdefaulttimeout()
        socket.setdefaulttimeout(3)
        open(output, "w").write(str(found))
        """,
    "int_digits": """
        import sys
        found = (sys.get_int_max_str_digits(), sys.getswitchinterval())
        sys.set_int_max_str_digits(0)
        sys.setswitchinterval(0.5)
        open(output, "w").write(str(found))
        """,
    "class_of_logger": """
        import logging
        found = (logging.getLoggerClass().__name__, logging.getLevelName(33), logging.raiseExceptions)
        class Own(logging.Logger):
            pass
        logging.setLoggerClass(Own)
        logging.addLevelName(33, "OWN")
        logging.raiseExceptions = False
        open(output, "w").write(str(found))
        """,
    "core_limits": """
        import resource
        found = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, found[1]))
        open(output, "w").write(str(found))
        """,
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> differential.Pair:
    return differential.turns(tmp_path_factory.mktemp("turns"), CASES)


@pytest.mark.parametrize("case", CASES)
def test_a_job_sees_nothing_of_the_jobs_before(pair, case):
    warm, local = pair.files(case)
    assert len(local) == differential.TURNS, pair.local.console
    assert warm == local, pair.warm.console


def test_nothing_else_differs(pair):
    pair.assert_same()


def test_exit_handlers_of_a_library_run_at_the_end_of_a_worker(tmp_path):
    """Though its process is not taken apart when no job has left anything."""
    library = "import atexit\natexit.register(lambda: open('ended', 'a').write('library'))\n"
    rule = "rule job:\n    output: 'out'\n    script: 'job.py'\n"
    script = "import library\nopen(snakemake.output[0], 'w').write('done')\n"
    files = {"Snakefile": rule, "job.py": script, "library.py": library}
    pair = differential.both(tmp_path, files)
    pair.assert_same()
    assert (pair.warm_directory / "ended").read_text() == "library"
