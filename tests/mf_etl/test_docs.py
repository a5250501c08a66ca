"""The generated documents are those in the tree."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from mf_etl.docs import DOCUMENTS
from mf_etl.settings.model import Settings, setting_keys
from tests.conftest import ROOT


@pytest.mark.parametrize("path", DOCUMENTS)
def test_document_is_not_stale(path):
    written = (ROOT / path).read_text(encoding="utf-8")
    assert written == DOCUMENTS[path](), "run `make docs`"


def test_every_option_is_documented():
    text = DOCUMENTS["docs/options.md"]()
    leaves = [
        key for key in setting_keys() if not any(k.startswith(key + ".") for k in setting_keys())
    ]
    assert len(leaves) > 20
    elsewhere = tuple(re.findall(r"`(\S+)\.…`", text))
    assert [k for k in leaves if f"`{k}`" not in text and not k.startswith(elsewhere)] == []


def test_the_shipped_settings_are_valid():
    values = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    Settings(**values)
    schema = json.loads((ROOT / "config" / "settings.schema.json").read_text(encoding="utf-8"))
    assert set(values) <= set(schema["properties"])
