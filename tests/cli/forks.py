"""Runs many command lines of `mf-etl` from one start: each in a process of its own.

A script for `Command.each`: reads a JSON list of lines, each a list of words, from its input, and
writes a list of exit code, output and errors. What a start costs, importing, is paid once.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import BinaryIO

import snakemake.cli  # noqa: F401 - an option that is not known is looked for there

from mf_etl.cli.main import main


def run(words: list[str]) -> tuple[int, str, str]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            _become(words, out, err)
        _, status = os.waitpid(child, 0)
        told = []
        for file in (out, err):
            file.seek(0)
            told.append(file.read().decode())
    return os.waitstatus_to_exitcode(status), told[0], told[1]


def _become(words: list[str], out: BinaryIO, err: BinaryIO) -> None:
    """The command, with its exit code as that of this process."""
    for file, stream in ((out, sys.stdout), (err, sys.stderr)):
        os.dup2(file.fileno(), stream.fileno())
    sys.argv = ["mf-etl", *words]
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else bool(end.code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    else:
        code = 0
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    json.dump([run(words) for words in json.load(sys.stdin)], sys.stdout)
