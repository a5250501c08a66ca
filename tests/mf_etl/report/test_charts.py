"""The charts without data, and what pages load."""

from __future__ import annotations

import re

from mf_etl.report.assets import asset
from mf_etl.report.charts import charts_script
from mf_etl.report.contents import ASSETS, FOLDER, content_of_pages
from tests.mf_etl.report.cases import called

USED = re.compile(r"(?:fill|glyph|model)\(\s*[\"`]([a-z_]+)[\"`]")


def test_a_document_is_the_same_whatever_the_process_has_made_before():
    assert charts_script() == charts_script()


def test_every_model_that_a_script_asks_for_is_in_its_document():
    name, documents = called(charts_script())
    assert name == "charts" and set(documents) == {"ticker", "market"}
    for chart, item in documents.items():
        text = (FOLDER / "static" / f"{chart}.js").read_text(encoding="utf-8")
        known = set(re.findall(r'"name": ?"([a-z_0-9]+)"', str(item).replace("'", '"')))
        for call, model in re.findall(r"\b(fill|glyph|model)\(\"([a-z_]+)\"", text):
            assert (f"{model}_data" if call == "fill" else model) in known, (chart, model)
        assert len(USED.findall(text)) > 3


def test_assets_are_whole_and_none_comes_from_elsewhere():
    for name in ASSETS:
        text = asset(name)
        assert len(text) > 1_000, name
        if name != "bokeh.min.js":
            assert "http://" not in text and "https://" not in text, name
    texts = [path.read_text(encoding="utf-8") for path in FOLDER.glob("templates/*")]
    assert texts and not any(re.search(r"https?://", text) for text in texts)


def test_another_style_is_another_report(tmp_path, monkeypatch):
    before = content_of_pages()
    for folder in ("templates", "static"):
        (tmp_path / folder).mkdir()
        for path in (FOLDER / folder).iterdir():
            (tmp_path / folder / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr("mf_etl.report.contents.FOLDER", tmp_path)
    assert content_of_pages() == before
    (tmp_path / "static" / "style.css").write_text("body { color: red }", encoding="utf-8")
    assert content_of_pages() != before
