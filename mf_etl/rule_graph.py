"""The picture of the rules: ``snakemake --rulegraph | python -m mf_etl.rule_graph FILE.svg``.

Of the graph that Snakemake tells, what follows from other edges is left out, and so is `all`, in which
everything ends. Rules of a family are one box. Boxes stand in rows: each below all that it needs.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections import Counter
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import NamedTuple

Graph = Mapping[str, frozenset[str]]
"""Each rule with the rules that it needs."""

LEFT_OUT = "all"
FAMILIES = ("validation", "report")
"""Rules whose names begin so, and `_`, are shown as one."""
WIDTH, NARROW, HEIGHT = 150, 4, 28
GAP, ROW = 14, 58
MARGIN = 12

_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f; text-anchor: middle }
  rect { fill: #f6f8fa; stroke: #8c959f }
  path { fill: none; stroke: #8c959f }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } rect { fill: #21262d; stroke: #7d8590 } path { stroke: #7d8590 }
  }
"""


class Box(NamedTuple):
    """A rule, or the place in row `line` at which the edge from `need` to it passes."""

    rule: str
    need: str = ""
    line: int | None = None

    @property
    def width(self) -> int:
        """How much room it takes in its row."""
        return WIDTH if self.line is None else NARROW


def read_graph(dot: str) -> dict[str, frozenset[str]]:
    """The graph in Snakemake's DOT text; other lines are passed over.

    Raises `ValueError` if there is none.
    """
    label = re.compile(r"^\s*(\d+)\[label = \"([^\"\\]+)", re.MULTILINE)
    names = {number: name.strip() for number, name in label.findall(dot)}
    if not names:
        raise ValueError("no rule graph: snakemake --rulegraph has told none")
    edges = re.findall(r"^\s*(\d+) -> (\d+)$", dot, re.MULTILINE)
    return {
        name: frozenset(names[a] for a, b in edges if names[b] == name and names[a] != name)
        for name in names.values()
        if name != LEFT_OUT
    }


def by_family(graph: Graph) -> dict[str, frozenset[str]]:
    """The graph with one box a family, which says how many rules it is."""

    def family(rule: str) -> str:
        return rule.partition("_")[0] if rule.startswith(tuple(f"{f}_" for f in FAMILIES)) else rule

    sizes = Counter(map(family, graph))
    names = {
        rule: name if sizes[name] == 1 else f"{name}: {sizes[name]} rules"
        for rule in graph
        for name in [family(rule)]
    }
    needs: dict[str, set[str]] = {name: set() for name in names.values()}
    for rule, needed in graph.items():
        needs[names[rule]] |= {names[need] for need in needed} - {names[rule]}
    return {name: frozenset(needed) for name, needed in needs.items()}


def reduced(graph: Graph) -> dict[str, frozenset[str]]:
    """Without the edges that follow from others."""
    above = {rule: _all_above(graph, rule) for rule in graph}
    return {
        rule: frozenset(n for n in needs if not any(n in above[other] for other in needs))
        for rule, needs in graph.items()
    }


def rows_of(graph: Graph) -> list[list[Box]]:
    """Boxes by row, in order of place: each rule below all that it needs, and near who needs it.

    An edge that is longer than a row passes the rows between through narrow boxes of its own.
    """
    row = _rows(graph)
    above: dict[Box, list[Box]] = {Box(rule): [] for rule in graph}
    for rule in sorted(graph):
        for need in sorted(graph[rule]):
            way = [Box(rule, need, line) for line in range(row[need] + 1, row[rule])]
            for box, before in zip((*way, Box(rule)), (Box(need), *way), strict=True):
                above.setdefault(box, []).append(before)
    below: dict[Box, list[Box]] = {box: [] for box in above}
    for box, befores in above.items():
        for before in befores:
            below[before].append(box)
    rows: list[list[Box]] = [[] for _ in range(1 + max(row.values()))]
    for box in sorted(above):
        rows[row[box.rule] if box.line is None else box.line].append(box)
    for beside in (above, below, above, below, above):
        place = {box: n - (len(line) - 1) / 2 for line in rows for n, box in enumerate(line)}
        for line in rows[:: 1 if beside is above else -1]:
            line.sort(key=lambda box: (_mean(place, beside[box], place[box]), box))
            place |= {box: n - (len(line) - 1) / 2 for n, box in enumerate(line)}
    return rows


def svg(graph: Graph) -> str:
    """The picture, the same text for the same graph."""
    edges = reduced(by_family(graph))
    rows = rows_of(edges)
    spans = [sum(box.width + GAP for box in line) - GAP for line in rows]
    width = 2 * MARGIN + max(spans)
    height = 2 * MARGIN + (len(rows) - 1) * ROW + HEIGHT
    at: dict[Box, tuple[float, float]] = {}
    for number, (line, span) in enumerate(zip(rows, spans, strict=True)):
        x = (width - span) / 2
        for box in line:
            at[box] = (x + box.width / 2, MARGIN + number * ROW)
            x += box.width + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" role="img">',
        f"<title>Rules of the workflow</title><style>{_STYLE}</style>",
    ]
    for rule in sorted(edges):
        for need in sorted(edges[rule]):
            way = sorted(box for box in at if (box.rule, box.need) == (rule, need))
            stops = [at[box] for box in (Box(need), *way, Box(rule))]
            path = f"M{stops[0][0]:g} {stops[0][1] + HEIGHT:g}"
            for (x, y), (to_x, to_y) in itertools.pairwise(stops):
                middle = (y + HEIGHT + to_y) / 2
                path += f"C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}v{HEIGHT}"
            parts.append(f'<path d="{path}"/>')
    for box, (x, y) in sorted(at.items()):
        if box.line is None:
            parts.append(
                f'<rect x="{x - WIDTH / 2:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="5"/>'
                f'<text x="{x:g}" y="{y + 19:g}">{escape(box.rule)}</text>'
            )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _rows(graph: Graph) -> dict[str, int]:
    """The row of each rule: right above the first that needs it, below all that it needs."""

    def depth(rule: str) -> int:
        return 1 + max(map(depth, graph[rule]), default=-1)

    def row(rule: str) -> int:
        needed_by = [other for other in graph if rule in graph[other]]
        return min(map(row, needed_by)) - 1 if needed_by else depth(rule)

    return {rule: row(rule) for rule in graph}


def _all_above(graph: Graph, rule: str) -> set[str]:
    found: set[str] = set()
    waiting = list(graph[rule])
    while waiting:
        need = waiting.pop()
        if need not in found:
            found.add(need)
            waiting.extend(graph[need])
    return found


def _mean(place: Mapping[Box, float], boxes: list[Box], without: float) -> float:
    return sum(place[box] for box in boxes) / len(boxes) if boxes else without


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(svg(read_graph(sys.stdin.read())), encoding="utf-8", newline="\n")
