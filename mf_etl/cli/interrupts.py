"""What Ctrl-C does: exit code 130 and no traceback, whatever the process is about."""

from __future__ import annotations

import os
import signal

INTERRUPTED = 130
"""Exit code of what a user has interrupted: 128 and the number of SIGINT."""


def end_at_once() -> None:
    """An interrupt ends the process: while modules are loaded, and at its very end."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))


def raise_here() -> None:
    """An interrupt raises `KeyboardInterrupt`, so that what is under way is tidied up."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
