"""The environment of `--sdm conda` has all that scripts import, in the versions of the constraints."""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tests.conftest import ROOT

PYTHON = "3.11"
# What packages are called where conda has another name, and what their modules are called.
NAME_IN_CONDA = {"arch": "arch-py", "duckdb": "python-duckdb", "matplotlib": "matplotlib-base"}
MODULE = {"pyyaml": "yaml", "scikit-learn": "sklearn"}
# Parcels are runs of Snakemake, and with software environments there are none.
NOT_UNDER_CONDA = {"snakemake_parts"}


def conda_pins() -> dict[str, str]:
    text = (ROOT / "envs" / "mf_etl.yaml").read_text(encoding="utf-8")
    pins = [line.split(" =") for line in yaml.safe_load(text)["dependencies"]]
    return dict(pins)


def constraints() -> dict[str, str]:
    """Version by package for that Python, on Linux."""
    found = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        pin = Requirement(line)
        environment = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.9"}
        environment |= {"sys_platform": "linux", "platform_machine": "x86_64"}
        if not pin.marker or pin.marker.evaluate(environment):
            found[pin.name] = str(pin.specifier).removeprefix("==")
    return found


def test_pins_are_those_of_the_constraints():
    names = {conda: name for name, conda in NAME_IN_CONDA.items()}
    pins, known = conda_pins(), constraints()
    assert pins.pop("python") == PYTHON
    assert pins
    assert pins == {conda: known[names.get(conda, conda)] for conda in pins}


@functools.cache
def imported(path: Path) -> tuple[str, ...]:
    """Modules that a file imports, also inside functions, but not for types alone."""
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and re.search(r"\bTYPE_CHECKING\b", ast.dump(node.test)):
            node.body = []
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def foreign_modules(path: Path) -> set[str]:
    """Top-level modules from elsewhere that a script needs, itself or by way of the library."""
    files, seen, foreign = [path], set(), set()
    while files:
        file = files.pop()
        if file in seen:
            continue
        seen.add(file)
        for module in imported(file):
            top = module.partition(".")[0]
            if top != "mf_etl":
                foreign.add(top)
                continue
            place = ROOT.joinpath(*module.split("."))
            for parent in (place, *place.parents):
                if parent == ROOT:
                    break
                candidates = (parent / "__init__.py", parent.with_suffix(".py"))
                files += [candidate for candidate in candidates if candidate.is_file()]
    return foreign - set(sys.stdlib_module_names)


@pytest.mark.parametrize("script", sorted((ROOT / "scripts").glob("*.py")), ids=lambda s: s.stem)
def test_a_script_finds_all_that_it_imports(script):
    names = {conda: name for name, conda in NAME_IN_CONDA.items()}
    packages = (names.get(conda, conda) for conda in conda_pins())
    there = {MODULE.get(name, name.replace("-", "_")) for name in packages}
    # Parts of pydantic and of pandas' family come with what is pinned.
    there |= {"pydantic_core"}
    assert foreign_modules(script) <= there | NOT_UNDER_CONDA
