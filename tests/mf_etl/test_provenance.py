"""Digests of code and of a row's making."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mf_etl import provenance
from tests.conftest import ROOT

LIBRARY = {
    "mf_etl/__init__.py": "",
    "mf_etl/top.py": '"""Doc."""\nfrom mf_etl.low import f\nfrom mf_etl.settings import x\n'
    "if TYPE_CHECKING:\n    from mf_etl.other import y\n\n"
    'def g():\n    """Doc."""\n    return f(1)\n',
    "mf_etl/low.py": "import math\n\ndef f(x):\n    # why\n    return math.floor(x)\n",
    "mf_etl/other.py": "y = 1\n",
    "mf_etl/settings/__init__.py": "x = 1\n",
    "scripts/step.py": "from mf_etl import top\nprint(top.g())\n",
}


@pytest.fixture
def digest(tmp_path):
    def take(**edits: tuple[str, str]) -> str:
        for path, text in LIBRARY.items():
            old, new = edits.get(path.rsplit("/", 1)[-1].removesuffix(".py"), ("", ""))
            assert old in text
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text.replace(old, new, 1) if old else text)
        return taken(tmp_path)

    return take


def taken(folder: Path, cache: Path | None = None) -> str:
    code = provenance.CodeDigests(folder, cache)
    digest = code.of(folder / "scripts" / "step.py")
    code.save()
    return digest


@pytest.mark.parametrize(
    "edit",
    [
        {"low": ("# why", "# because\n    # of this")},
        {"top": ('"""Doc."""', '"""Another text."""')},
        {"low": ("return math.floor(x)", "return math.floor(\n        x\n    )")},
        {"other": ("y = 1", "y = 2")},
    ],
)
def test_comments_docstrings_format_and_other_modules_do_not_count(digest, edit):
    assert digest(**edit) == digest()


@pytest.mark.parametrize(
    "edit",
    [
        {"low": ("floor", "ceil")},
        {"top": ("f(1)", "f(2)")},
        {"step": ("top.g()", "top.g(), 1")},
    ],
)
def test_reached_code_counts(digest, edit):
    assert digest(**edit) != digest()


def test_settings_modules_do_not_count(digest, tmp_path):
    before = digest()
    (tmp_path / "mf_etl/settings/__init__.py").write_text("x = 2\n")
    assert taken(tmp_path) == before


def test_what_is_remembered_is_as_good_as_parsed_and_stale_at_once(digest, tmp_path, monkeypatch):
    digest()
    cache = tmp_path / "cache" / "code.json"
    first = taken(tmp_path, cache)
    assert first == taken(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(provenance, "_parsed", None)  # nothing may be parsed again
        assert taken(tmp_path, cache) == first
    low = tmp_path / "mf_etl" / "low.py"
    low.write_text(low.read_text().replace("floor", "trunc"))  # as long as before
    assert taken(tmp_path, cache) == taken(tmp_path) != first
    for text in ("{", "[]", json.dumps({str(low): 3})):
        cache.write_text(text)
        assert taken(tmp_path, cache) == taken(tmp_path)


def test_a_cache_that_cannot_be_written_is_no_error(digest, tmp_path):
    digest()
    (tmp_path / "file").write_text("")
    assert taken(tmp_path, tmp_path / "file" / "code.json") == taken(tmp_path)


def reached(step: str) -> set[str]:
    return set(provenance.CodeDigests(ROOT).reached(ROOT / "scripts" / f"{step}.py"))


def test_no_layer_reaches_a_later_one():
    order = ["bronze_ohlcv", "silver_base", "silver_indicators", "gold_events", "gold_features"]
    own = {
        "bronze_ohlcv": "mf_etl.bronze.build",
        "silver_base": "mf_etl.silver.base",
        "silver_indicators": "mf_etl.silver.indicators",
        "gold_events": "mf_etl.gold.events",
        "gold_features": "mf_etl.gold.features",
    }
    for place, step in enumerate(order):
        assert own[step] in reached(step)
        for later in order[place + 1 :]:
            assert own[later] not in reached(step)
            assert f"mf_etl.schemas.{later}" not in reached(step)


def test_run_id_tells_its_parts_apart():
    ids = {
        provenance.run_id("a", {"x": 1}, "c"),
        provenance.run_id("b", {"x": 1}, "c"),
        provenance.run_id("a", {"x": 2}, "c"),
        provenance.run_id("a", {"x": 1}, "d"),
    }
    assert len(ids) == 4 and all(len(i) == 12 and int(i, 16) >= 0 for i in ids)
