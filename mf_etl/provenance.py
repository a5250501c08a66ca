"""Where a row comes from: digests of raw content, of the code behind a step, and of a row's making.

Nothing here looks at a clock: the same raw bytes, settings and code give the same digests anywhere.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import platform
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from mf_etl.io import write_json

PACKAGE = "mf_etl"
FINGERPRINT_BYTES = 16
RUN_ID_DIGITS = 12
_PIECE_BYTES = 2**20
_PYTHON = platform.python_version()

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


class CodeDigests:
    """Digests of steps: of a script and of every library module that it reaches by imports.

    Comments, docstrings, annotations' layout and formatting do not count, because the parsed program
    is digested and not its text. Settings modules do not count either (see `OUTSIDE_DIGESTS`). What a
    module holds is remembered in a JSON file, by its size and time stamp; the file can be deleted at
    any time.
    """

    def __init__(self, root: Path, cache: Path | None = None) -> None:
        """`root` is the folder that holds the package; without `cache` nothing is remembered."""
        self._root = root
        self._cache = cache and cache.absolute()
        self._modules: dict[str, Module] = {}
        self._remembered = _remembered(self._cache)

    def of(self, script: Path) -> str:
        """Digest of a step, 32 hex digits."""
        digest = hashlib.blake2b(digest_size=FINGERPRINT_BYTES)
        digest.update(self._module(script).program.encode())
        for name, source in sorted(self.reached(script).items()):
            digest.update(f"\0{name}\0{self._module(source).program}".encode())
        return digest.hexdigest()

    def reached(self, script: Path) -> dict[str, Path]:
        """Modules of the package that `script` imports, directly or through others."""
        reached: dict[str, Path] = {}
        waiting = list(self._module(script).imports)
        while waiting:
            name = waiting.pop()
            source = _source(name, self._root)
            if name in reached or source is None or name.startswith(OUTSIDE_DIGESTS):
                continue
            reached[name] = source
            waiting.extend(self._module(source).imports)
        return reached

    def save(self) -> None:
        """Write what was learnt; the file is an aid, so a failure to write it is no error."""
        known = {path: list(module) for path, module in self._modules.items()}
        if self._cache is None or known.items() <= self._remembered.items():
            return
        with contextlib.suppress(OSError):
            write_json(self._remembered | known, self._cache)

    def _module(self, source: Path) -> Module:
        path = str(source)
        if path not in self._modules:
            status = source.stat()
            state = f"{status.st_size} {status.st_mtime_ns} {_PYTHON}"
            known = self._remembered.get(path, [])
            is_known = isinstance(known, list) and len(known) == 3 and known[0] == state
            self._modules[path] = Module(*known) if is_known else _parsed(source, state)
        return self._modules[path]


class Module(NamedTuple):
    """What is known of a source file."""

    state: str
    """Size, time stamp and version of Python; while it is the same, so is the rest."""
    program: str
    """Digest of the parsed program."""
    imports: list[str]
    """Modules of the package that it imports, their parents included."""


def _remembered(cache: Path | None) -> dict[str, Any]:
    try:
        known = json.loads(cache.read_text(encoding="utf-8")) if cache else {}
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _parsed(source: Path, state: str) -> Module:
    tree = ast.parse(source.read_text(encoding="utf-8"), filename=str(source))
    imports = _imports(tree, source)
    for node in _documented(tree):
        node.body = node.body[1:] or [ast.Pass()]
    program = ast.dump(tree, annotate_fields=False, include_attributes=False)
    digest = hashlib.blake2b(program.encode("utf-8"), digest_size=FINGERPRINT_BYTES)
    return Module(state, digest.hexdigest(), imports)


def _source(name: str, root: Path) -> Path | None:
    base = root.joinpath(*name.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _imports(tree: ast.Module, source: Path) -> list[str]:
    names: set[str] = set()
    for node in _run(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{source}, line {node.lineno}: relative imports are not followed")
            names.add(node.module or "")
            # `from mf_etl.silver import base` names a module where `base` is one.
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return sorted(_with_parents(n for n in names if n.split(".")[0] == PACKAGE))


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, but for what only type checkers read."""
    yield node
    below: Iterable[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        below = node.orelse
    for child in below:
        yield from _run(child)


def _with_parents(names: Iterable[str]) -> set[str]:
    """Importing `a.b.c` runs `a` and `a.b` as well."""
    found: set[str] = set()
    for name in names:
        parts = name.split(".")
        found.update(".".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    return found


def _documented(tree: ast.Module) -> Iterator[Any]:
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, holders) and node.body and isinstance(node.body[0], ast.Expr):
            value = node.body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield node
