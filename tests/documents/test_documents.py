"""README and docs/ are true: commands parse, targets resolve, paths and links lead somewhere."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import click
import pytest
import yaml
from snakemake.cli import parse_args

from mf_etl.cli.main import main
from mf_etl.docs import all_datasets
from mf_etl.settings.model import Settings
from tests.conftest import ROOT, SAMPLE
from tests.documents.reading import DOCUMENTS, Command, blocks, commands, links, spans, split
from tests.workflow.conftest import new_project

MAX_README_WORDS = 900
MAX_PICTURE_BYTES = 200_000
COMMANDS = [command for document in DOCUMENTS for command in commands(document)]
# A word that stands for one of the reader's.
PLACEHOLDER = re.compile(r"^[A-Z]+$|[<>…{}]|^\.\.\.$")


def of(program: str) -> list[Command]:
    """The commands of a program, but for those with a word that stands for another."""
    return [
        command
        for command in COMMANDS
        if command.words[0] == program and not any(map(PLACEHOLDER.search, command.words))
    ]


def is_of_a_cluster(command: Command) -> bool:
    """Whether it needs a plugin that is not here."""
    names_it = any("profiles/" in word for word in command.words)
    return names_it and not importlib.util.find_spec("snakemake_executor_plugin_cluster_generic")


def test_there_is_something_to_try():
    assert len(of("mf-etl")) > 30 and len(of("snakemake")) > 10 and len(of("make")) > 10


def test_the_readme_is_short():
    words = (ROOT / "README.md").read_text(encoding="utf-8").split()
    assert len(words) <= MAX_README_WORDS
    for picture in (ROOT / "docs" / "images").iterdir():
        assert picture.stat().st_size < MAX_PICTURE_BYTES, picture


@pytest.mark.parametrize("command", of("mf-etl"), ids=str)
def test_commands_are_taken_by_the_command_line(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    name, *options = [word for word in command.words[1:] if word not in ("--help", "--version")]
    assert name in main.commands, str(command)
    if not options:
        return  # it may be the bare name of a command, in a text
    try:
        main.commands[name].make_context(name, options)
    except click.BadParameter as error:
        # A file that a build makes; that there can be such a one is seen with all paths.
        assert "does not exist" in error.message, f"{command}: {error.message}"


@pytest.mark.parametrize("command", of("snakemake"), ids=str)
def test_options_of_snakemake_are_known(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    if is_of_a_cluster(command):
        pytest.skip("the plugin of the cluster is not installed")
    try:
        parse_args(command.words[1:])
    except SystemExit as error:
        assert error.code in (None, 0), str(command)


def test_targets_of_snakemake_resolve(tmp_path):
    asked = set()
    for command in of("snakemake"):
        if not is_of_a_cluster(command):
            asked |= set(parse_args(command.words[1:])[1].targets)
    assert "features" in asked and len(asked) > 5
    project = new_project(tmp_path / "project")
    (project.folder / "config" / "config.yaml").write_bytes(
        (ROOT / "config" / "config.yaml").read_bytes()
    )
    spec = project.folder / "results" / "research_runs" / "mine_kmeans_market" / "spec.yaml"
    spec.parent.mkdir(parents=True)
    spec.write_text("kind: clustering_run\nclustering: {method: kmeans, n_clusters: 3}\n")
    project.environment = {"MF_ETL_PATHS__RAW_ROOT": str(SAMPLE)}
    project.snakemake("--dry-run", "--quiet", "all", "--", *sorted(asked))


@pytest.mark.parametrize("command", of("make"), ids=str)
def test_targets_of_make_are_there(command):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(VENV)", ".venv")
    for word in command.words[1:]:
        name, is_variable, _ = word.partition("=")
        shape = rf"^{name} \??=" if is_variable else rf"^{name}:"
        assert re.search(shape, makefile, re.MULTILINE), str(command)


@pytest.mark.parametrize("command", of("python"), ids=str)
def test_modules_that_are_run_are_there(command):
    option, module = command.words[1:3]
    assert option == "-m" and importlib.util.find_spec(module), str(command)


def test_blocks_of_python_are_python():
    found = [
        (document, block.text)
        for document in DOCUMENTS
        for block in blocks(document.read_text(encoding="utf-8"))
        if block.language == "python"
    ]
    assert len(found) >= 5
    for document, text in found:
        ast.parse(text, str(document))


def test_settings_that_are_shown_are_valid():
    shown = [
        block.text
        for document in DOCUMENTS
        for block in blocks(document.read_text(encoding="utf-8"))
        if block.language == "yaml"
    ]
    assert len(shown) >= 2
    for text in shown:
        Settings(**yaml.safe_load(text))


IN_TREE = re.compile(
    r"^(docs|rules|scripts|mf_etl|tests|config|profiles|envs|engine|bench|report)/[\w./*{} -]+$"
)
BUILT = re.compile(r"^(data|results|logs)/[^ ]*$")
# What a build makes besides the files of the catalogue.
ALSO_BUILT = [
    "data/mf_etl.duckdb",
    "data/.cache/parcels/{slot}.json",
    "data/.cache/fingerprints.json",
    "data/.cache/code.json",
    "results/run_history/{start}.json",
    "logs/etl.log",
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_exist_or_can_be_built(document):
    text = document.read_text(encoding="utf-8")
    told = [*spans(text)]
    for block in blocks(text):
        if block.language != "text":  # what a program has printed
            told += [word for line in block.text.splitlines() for word in split(line)]
    patterns = [*map(str, all_datasets()), *ALSO_BUILT]
    patterns += [
        f"{root}/{{run}}/spec.yaml" for root in ("results/research_runs", "results/hmm_runs")
    ]
    for path in told:
        if IN_TREE.match(path):
            assert [*ROOT.glob(re.sub(r"\{\w+\}", "*", path).rstrip("/"))], f"{document}: {path}"
        elif BUILT.match(path):
            assert any(_may_be(path, pattern) for pattern in patterns), f"{document}: {path}"


def _may_be(path: str, pattern: str) -> bool:
    """Whether `path` is a file of the pattern, or a folder on the way to one."""
    parts, known = path.rstrip("/").split("/"), pattern.split("/")
    return len(parts) <= len(known) and all(map(_same, parts, known))


def _same(part: str, known: str) -> bool:
    def shape(text: str) -> str:
        return re.sub(r"\\\{\w+\\\}|<\w+>|\\\*|…", ".+", re.escape(text))

    return bool(re.fullmatch(shape(known), part) or re.fullmatch(shape(part), known))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), f"{document}: {link}"
        assert not anchor or anchor in _anchors(target), f"{document}: {link}"


def _anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }


def test_pages_of_the_site_are_in_its_navigation():
    navigation = (ROOT / "zensical.toml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f'"{page.name}"' in navigation, f"{page.name} is not in zensical.toml"
