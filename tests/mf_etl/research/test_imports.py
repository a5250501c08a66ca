"""The picture of the house: no circle of imports, and no arrow from a lower part to a higher one."""

from __future__ import annotations

import ast

from tests.conftest import ROOT

PACKAGE = "mf_etl.research"
PARTS = (
    "datasets", "preparation", "models", "labels", "inference", "evaluation", "validation", "runs",
    "walk_forward",
)  # fmt: skip
"""From the bottom up: each may look at those before it."""


def imports() -> dict[str, set[str]]:
    """Modules of research that each module imports when it is loaded, functions left out."""
    folder = ROOT / "mf_etl" / "research"
    found: dict[str, set[str]] = {}
    for path in folder.rglob("*.py"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = {
            target
            for node in loaded(ast.parse(path.read_text(encoding="utf-8")).body)
            for target in targets(node)
            if target.startswith(f"{PACKAGE}.") and target != name
        }
    modules = set(found)
    return {
        name: {t if t in modules else t.rpartition(".")[0] for t in there} & modules
        for name, there in found.items()
    }


def loaded(body: list[ast.stmt]) -> list[ast.stmt]:
    """Imports that run with the module: not those of functions, nor for type checkers alone."""
    return [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]


def targets(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.ImportFrom):
        return {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    assert isinstance(node, ast.Import)
    return {alias.name for alias in node.names}


def part(module: str) -> str:
    return module.removeprefix(f"{PACKAGE}.").split(".")[0]


def test_no_arrow_leads_upwards():
    upward = [
        f"{name} -> {target}"
        for name, there in imports().items()
        for target in there
        if part(name) in PARTS
        and part(target) in PARTS
        and PARTS.index(part(target)) > PARTS.index(part(name))
    ]
    assert upward == []


def test_every_part_is_known():
    known = {*PARTS, "library_threads", "counted"}
    assert {part(name) for name in imports() if name != PACKAGE} - known == set()


def test_there_is_no_circle():
    graph = imports()
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join([*above[above.index(name) :], name])
        if name not in done:
            for target in sorted(graph[name]):
                visit(target, (*above, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())
    assert len(done) == len(graph) > 50
