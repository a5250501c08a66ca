"""Why a step has to run."""

from __future__ import annotations

from mf_etl.reasons import CHANGED, OTHER, changed_parameters

BEFORE = {"{'qa': {'limit': 1, 'other': 2}}", "'code-1'", "'content-1'"}


def told(*now: str) -> list[str]:
    return changed_parameters(
        BEFORE - set(now), set(now) - BEFORE, step="s", code="code-2", fingerprint="content-2"
    )


def test_each_change_is_named():
    settings, code, content = sorted(BEFORE, key=len, reverse=True)[0], "'code-1'", "'content-1'"
    other = "{'qa': {'limit': 3, 'other': 2, 'new': 4}}"
    assert told(settings, "'code-2'", content) == ["code of s"]
    assert told(settings, code, "'content-2'") == [CHANGED]
    assert told(other, code, content) == ["setting qa.limit", "setting qa.new"]
    assert told(other, "'code-2'", "'content-2'") == [
        CHANGED, "code of s", "setting qa.limit", "setting qa.new",
    ]  # fmt: skip
    assert told(settings, code, content, "'more'") == [OTHER]
