"""Why a step has to run."""

from __future__ import annotations

from mf_etl.reasons import OTHER, changed_parameters, changed_step

BEFORE = {"{'qa': {'limit': 1, 'other': 2}}", "'code-1'", "'content-1'"}


def told(*now: str) -> list[str]:
    return changed_parameters(BEFORE - set(now), set(now) - BEFORE, step="s", code="code-2")


def test_each_change_is_named():
    settings, code, content = sorted(BEFORE, key=len, reverse=True)[0], "'code-1'", "'content-1'"
    other = "{'qa': {'limit': 3, 'other': 2, 'new': 4}}"
    assert told(settings, "'code-2'", content) == ["code of s"]
    assert told(settings, code, "'content-2'") == [OTHER]
    assert told(other, code, content) == ["setting qa.limit", "setting qa.new"]
    assert told(other, "'code-2'", content) == ["code of s", "setting qa.limit", "setting qa.new"]
    assert told(settings, code, content, "'more'") == [OTHER]


def test_what_differs_first_between_two_versions_of_a_step():
    before = {"code": "1", "settings": {"qa": {"limit": 1, "other": 2}}}
    assert changed_step("s", before, before | {"code": "2"}) == "code of s"
    changed = before | {"settings": {"qa": {"limit": 3, "more": 2}}}
    assert changed_step("s", before, changed) == "setting qa.limit"
    assert changed_step("s", {}, before) == "code of s"
