"""What Ctrl-C does: exit code 130 and no traceback, whatever the process is about.

A process that is started to ignore it, as a shell starts those in the background, goes on ignoring it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

INTERRUPTED = 130
"""Exit code of what a user has interrupted: 128 and the number of SIGINT."""


def end_at_once() -> None:
    """An interrupt ends the process: while modules are loaded, and at its very end."""
    _handle(lambda *_: os._exit(INTERRUPTED))


def raise_here() -> None:
    """An interrupt raises `KeyboardInterrupt`, so that what is under way is tidied up."""
    _handle(signal.default_int_handler)


def _handle(handler: Callable[..., None]) -> None:
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)
