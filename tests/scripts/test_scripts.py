"""Scripts are functions of paths: the five steps without Snakemake."""

from __future__ import annotations

import importlib.util
import itertools
import json

import polars as pl
import pytest

from mf_etl.errors import RawFileError
from mf_etl.provenance import content_fingerprint
from mf_etl.settings.model import Settings
from mf_etl.settings.steps import STEPS, step_settings
from tests.conftest import ROOT, raw_file, raw_row


def script(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def settings(step: str):
    return STEPS[step].model_validate(step_settings(Settings(), step))


def bronze(folder, content: bytes, **other):
    raw = folder / "t.us.txt"
    raw.write_bytes(content)
    script("bronze_ohlcv").main(
        raw,
        folder / "ohlcv.parquet",
        folder / "rejects.parquet",
        folder / "quality.json",
        **{
            "ticker": "T.US",
            "exchange": "NYSE",
            "source_file": "nyse stocks/t.us.txt",
            "fingerprint": content_fingerprint(content),
            "settings": settings("bronze_ohlcv"),
            "code": "code",
        }
        | other,
    )


def test_the_five_steps(tmp_path):
    bronze(tmp_path, raw_file(*(raw_row(f"202401{d:02d}") for d in range(1, 31)), "x"))
    assert json.loads((tmp_path / "quality.json").read_text())["rows_rejected"] == 1
    steps = ["ohlcv", "silver_base", "silver_indicators", "gold_events", "gold_features"]
    for above, step in itertools.pairwise(steps):
        source, result = tmp_path / f"{above}.parquet", tmp_path / f"{step}.parquet"
        script(step).main(source, result, settings=settings(step), code="code")
    features = pl.read_parquet(tmp_path / "gold_features.parquet")
    assert features.height == 30
    assert features["tmf_21"].is_not_null().sum() == 10


def test_a_file_that_changed_under_the_build_is_refused(tmp_path):
    with pytest.raises(RawFileError, match=r"t\.us\.txt changed while the build ran; run it again"):
        bronze(tmp_path, raw_file(raw_row("20240102")), fingerprint="0" * 32)
    assert [path.name for path in tmp_path.iterdir()] == ["t.us.txt"]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "scripts").glob("*.py")), ids=lambda path: path.stem
)
def test_scripts_are_short(path):
    assert len(path.read_text().splitlines()) <= 60
