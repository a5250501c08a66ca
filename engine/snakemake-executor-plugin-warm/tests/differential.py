"""Runs a small workflow with warm workers and with the local executor, and compares what is there.

A case is a script; `turns` runs it twice in turn, with `i` and `output` at hand, as jobs of
one worker. `both` runs any workflow. Whoever finds a difference adds a case.
"""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass
from pathlib import Path

import workflows

TURNS = 2
HEAD = "i, output = int(snakemake.wildcards.i), snakemake.output[0]\n"
OWN_FILES = (".snakemake", "console.txt")


@dataclass
class Pair:
    """The same workflow in two folders of equal names, run by either executor."""

    warm: workflows.Result
    local: workflows.Result
    warm_directory: Path
    local_directory: Path

    def files(self, below: str = "") -> tuple[dict[str, bytes], dict[str, bytes]]:
        """What the runs made or left, by name: warm, local."""
        return _files(self.warm_directory, below), _files(self.local_directory, below)

    def assert_same(self) -> None:
        """Same exit code, same files, same bytes."""
        assert self.warm.status == self.local.status, self.warm.console
        warm, local = self.files()
        assert warm.keys() == local.keys(), self.warm.console
        for name in local:
            assert warm[name] == local[name], name


def both(
    base: Path, files: dict[str, str], *options: str, warm: tuple[str, ...] = (), cores: int = 1
) -> Pair:
    """Run the workflow in `files` by either executor; `warm` are options of the warm one alone.

    Both runs are in the same folder, which scripts may write down, and are moved apart afterwards.
    """
    place = base / "work"
    results, folders = {}, {}
    for name, executor in {"local": workflows.LOCAL, "warm": (*workflows.WARM, *warm)}.items():
        workflows.write(place, files)
        results[name] = workflows.run(place, "--keep-going", *executor, *options, cores=cores)
        folders[name] = place.rename(base / name)
    return Pair(results["warm"], results["local"], folders["warm"], folders["local"])


def turns(base: Path, cases: dict[str, str], number: int = TURNS) -> Pair:
    """Run the script of each case `number` times in turn, all cases in one workflow and worker."""
    rules = ["rule all:\n    input:"]
    rules += [f"        expand('{name}/{{i}}', i=range({number}))," for name in cases]
    files = {}
    for place, (name, script) in enumerate(cases.items()):
        # In the order of `cases`, then of `i`: depth first goes by priority, then by name.
        rules.append(
            f"rule {name}:\n    output: '{name}/{{i}}'\n    priority: {len(cases) - place}\n"
            f"    script: '{name}.py'"
        )
        files[f"{name}.py"] = HEAD + textwrap.dedent(script)
    return both(base, {"Snakefile": "\n".join(rules) + "\n", **files})


def _files(directory: Path, below: str) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else b""
        for path in sorted((directory / below).rglob("*"))
        if not str(path.relative_to(directory)).startswith(OWN_FILES) and not os.path.isdir(path)
    }
