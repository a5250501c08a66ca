"""What the documents say that can be tried: blocks of code, commands, paths and links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.conftest import ROOT

DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "config" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
PROGRAMS = ("mf-etl", "snakemake", "make", "python")
_ASSIGNMENT = re.compile(r"[A-Z_][A-Z0-9_]*=")


class Block(NamedTuple):
    """A fenced or indented block; `language` is empty for an indented one."""

    language: str
    text: str


class Command(NamedTuple):
    """A command line in a document, without variables before it and comments after it."""

    document: str
    words: list[str]

    def __str__(self) -> str:
        return f"{self.document}: {shlex.join(self.words)}"


def blocks(text: str) -> Iterator[Block]:
    """Every block of code in a document, in order."""
    fence = re.compile(r"^```(\w*)\n(.*?)^```$|((?:^ {4}.*\n|^\n)+)", re.MULTILINE | re.DOTALL)
    for found in fence.finditer(text):
        language, fenced, indented = found.groups()
        if indented is None:
            yield Block(language, fenced)
        elif indented.strip():
            yield Block("", re.sub(r"^ {4}", "", indented, flags=re.MULTILINE))


def spans(text: str) -> Iterator[str]:
    """Every piece of code within a line, outside of blocks."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for found in re.finditer(r"(?<!`)`([^`\n]+)`(?!`)", prose):
        yield found[1]


def commands(document: Path) -> Iterator[Command]:
    """The command lines of `PROGRAMS` in a document, in blocks and in the text."""
    text = document.read_text(encoding="utf-8")
    name = str(document.relative_to(ROOT))
    lines = [
        line
        for block in blocks(text)
        if block.language in ("", "sh")
        for line in block.text.replace("\\\n", " ").splitlines()
    ]
    for line in [*lines, *spans(text)]:
        words = _words(line)
        if words and words[0] in PROGRAMS and len(words) > 1:
            yield Command(name, words)


def split(line: str) -> list[str]:
    """The words of a line, as a shell has them; none if it is no line of a shell."""
    try:
        return shlex.split(line, comments=True)
    except ValueError:  # an apostrophe in a text
        return []


def _words(line: str) -> list[str]:
    words = split(line)
    while words and _ASSIGNMENT.match(words[0]):
        words = words[1:]
    for stop in ("|", "&&", ">", "2>&1"):
        words = words[: words.index(stop)] if stop in words else words
    return words


def links(document: Path) -> Iterator[str]:
    """Targets of the links and pictures of a document, but for those on the web."""
    text = document.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for found in re.finditer(r"\]\(<?([^)>]+)>?\)", prose):
        if not re.match(r"[a-z]+:", found[1]):
            yield found[1]
