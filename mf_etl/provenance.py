"""Where a row comes from: digests of raw content, of the code behind a step, and of a row's making.

Nothing here looks at a clock: the same raw bytes, settings and code give the same digests anywhere.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

PACKAGE = "mf_etl"
FINGERPRINT_BYTES = 16
RUN_ID_DIGITS = 12
_PIECE_BYTES = 2**20

# Not part of what makes a row: the values of the settings are a parameter of their own, and the job
# adapter only hands them over.
OUTSIDE_DIGESTS = ("mf_etl.settings", "mf_etl.job", "mf_etl.errors")


def content_fingerprint(content: bytes) -> str:
    """BLAKE2b of a raw file's bytes, 32 hex digits."""
    return hashlib.blake2b(content, digest_size=FINGERPRINT_BYTES).hexdigest()


def file_fingerprint(file: BinaryIO) -> str:
    """BLAKE2b of an open file from its present position, read piece by piece."""
    digest = hashlib.blake2b(digest_size=FINGERPRINT_BYTES)
    while piece := file.read(_PIECE_BYTES):
        digest.update(piece)
    return digest.hexdigest()


def run_id(*parts: Any) -> str:
    """12 hex digits that name how a row was made, from its source, settings and code."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8")).hexdigest()[:RUN_ID_DIGITS]


def code_digest(script: Path, root: Path) -> str:
    """Digest of `script` and of every library module that it reaches by imports.

    `root` is the folder that holds the package. Comments, docstrings, annotations' layout and
    formatting do not count, because the parsed program is digested and not its text. Settings
    modules do not count either (see `OUTSIDE_DIGESTS`).
    """
    digest = hashlib.blake2b(_program(script).encode("utf-8"), digest_size=FINGERPRINT_BYTES)
    for name, source in sorted(_reached(script, root).items()):
        digest.update(f"\0{name}\0{_program(source)}".encode())
    return digest.hexdigest()


def _reached(script: Path, root: Path) -> dict[str, Path]:
    """Modules of the package that `script` imports, directly or through others."""
    reached: dict[str, Path] = {}
    waiting = list(_imports(script))
    while waiting:
        name = waiting.pop()
        source = _source(name, root)
        if name in reached or source is None or name.startswith(OUTSIDE_DIGESTS):
            continue
        reached[name] = source
        waiting.extend(_imports(source))
    return reached


def _source(name: str, root: Path) -> Path | None:
    base = root.joinpath(*name.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@functools.cache
def _imports(source: Path) -> tuple[str, ...]:
    names: set[str] = set()
    for node in ast.walk(_tree(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{source}, line {node.lineno}: relative imports are not followed")
            names.add(node.module or "")
            # `from mf_etl.silver import base` names a module where `base` is one.
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(sorted(_with_parents(n for n in names if n.split(".")[0] == PACKAGE)))


def _with_parents(names: Iterable[str]) -> set[str]:
    """Importing `a.b.c` runs `a` and `a.b` as well."""
    found: set[str] = set()
    for name in names:
        parts = name.split(".")
        found.update(".".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    return found


@functools.cache
def _tree(source: Path) -> ast.Module:
    return ast.parse(source.read_text(encoding="utf-8"), filename=str(source))


@functools.cache
def _program(source: Path) -> str:
    """The program of a module without docstrings and positions."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    for node in _documented(tree):
        node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree, annotate_fields=False, include_attributes=False)


def _documented(tree: ast.Module) -> Iterator[Any]:
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, holders) and node.body and isinstance(node.body[0], ast.Expr):
            value = node.body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield node
