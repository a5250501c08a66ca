"""What well-known libraries keep from one script to the next, and how they are made to forget it.

Entries as in `state`, each about a library that may or may not have been imported. A library that is
not listed keeps what a script sets inside it: `--warm-exclude` names the rules whose scripts do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from snakemake_warm_worker.state import Entry


def _open_figures() -> int:
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    return 0 if helpers is None else len(helpers.Gcf.figs)


def _close_figures(_: int) -> None:
    sys.modules["matplotlib.pyplot"].close("all")


def _rc_params() -> Iterator[tuple[Any, str, Any]]:
    """Settings of matplotlib that are not those of its start; how it draws is another entry."""
    matplotlib = sys.modules.get("matplotlib")
    current = getattr(matplotlib, "rcParams", {})
    for name, value in dict.items(getattr(matplotlib, "rcParamsOrig", {})):
        if name != "backend" and dict.get(current, name) != value:
            yield current, name, value


def _restore_rc_params(_: bool) -> None:
    for current, name, value in list(_rc_params()):
        dict.__setitem__(current, name, value)


def _chosen_backend() -> str:
    """What draws for pyplot; empty as long as it is the one that needs no screen, or undecided."""
    name = dict.get(getattr(sys.modules.get("matplotlib"), "rcParams", {}), "backend")
    return name.lower().removeprefix("agg") if isinstance(name, str) else ""


def _pandas_options() -> Iterator[tuple[dict[str, Any], str, Any]]:
    """Options of pandas that are not at their defaults: where they are kept, name, default."""
    config = sys.modules.get("pandas._config.config")
    for key, option in list(getattr(config, "_registered_options", {}).items()):
        *path, name = key.split(".")
        place = config._global_config  # type: ignore[union-attr]
        for step in path:
            place = place[step]
        if place[name] != option.defval:
            yield place, name, option


def _restore_pandas_options(_: bool) -> None:
    for place, name, option in list(_pandas_options()):
        place[name] = option.defval
        if option.cb is not None:
            option.cb(option.key)


LIBRARIES = [
    Entry("figures of pyplot", _open_figures, _close_figures),
    Entry("settings of matplotlib", lambda: any(_rc_params()), _restore_rc_params),
    Entry("the backend of matplotlib", _chosen_backend),
    Entry("options of pandas", lambda: any(_pandas_options()), _restore_pandas_options),
]
