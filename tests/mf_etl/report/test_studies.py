"""Pages of sweeps and stability studies: curves and matrices with numbers in them."""

from __future__ import annotations

import json
import re

import polars as pl
import pytest
import yaml

from mf_etl.report.run_pages import run_page
from mf_etl.report.studies import stability_values, sweep_values
from mf_etl.research.runs.catalog import STABILITY, SWEEP
from mf_etl.research.runs.cells import CELL_SCHEMA


def asked(folder, kind: str) -> None:
    folder.mkdir(parents=True)
    (folder / "spec.yaml").write_text(yaml.safe_dump({"kind": kind, "dataset": "market"}))


def cells(research: str, rows: list[dict]) -> pl.DataFrame:
    """Rows of a sweep; what is not named is null."""
    schema = CELL_SCHEMA[research]
    return pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema)


@pytest.fixture
def root(tmp_path):
    """A sweep of a hidden Markov model of which one cell failed, and a study of three seeds."""
    sweep, study = "few_hmm_sweep_market", "few_hmm_stability_market"
    asked(tmp_path / sweep, "hmm_sweep")
    rows = [
        {"n_components": 2, "status": "ok", "log_likelihood_per_row": -7.0, "bic": 900.0,
         "test_log_likelihood_per_row": -7.5},
        {"n_components": 3, "status": "ok", "log_likelihood_per_row": -6.0, "bic": 800.0,
         "test_log_likelihood_per_row": -7.6},
        {"n_components": 4, "status": "failed", "error": "too <few> rows"},
    ]  # fmt: skip
    files = {name: tmp_path / file.format(run=sweep) for name, file in SWEEP["hmm"].items()}
    cells("hmm", rows).write_csv(files["sweep_csv"])
    files["sweep_json"].write_text(json.dumps({"notes": ["a note"]}))
    asked(tmp_path / study, "hmm_stability")
    files = {name: tmp_path / study / file for name, file in STABILITY["hmm"].items()}
    summary = {"seeds": [0, 1, 2], "converged": 2, "pairs": 1, "mean_ari": 0.75,
               "smallest_ari": 0.75, "largest_ari": 0.75, "notes": ["one did not end"]}  # fmt: skip
    files["stability_summary"].write_text(json.dumps(summary))
    cells("hmm", [{"n_components": 3, "seed": seed} for seed in range(3)]).write_parquet(
        files["stability_by_seed"]
    )
    pairs = pl.DataFrame({"seed_a": [0], "seed_b": [2], "ari": [0.75]})
    pairs.write_csv(files["stability_pairwise_csv"])
    return tmp_path


def test_a_sweep_as_curves_with_the_failed_cell_told(root):
    values = sweep_values(root, "few_hmm_sweep_market", "hmm")
    titles = [told for told, _ in values["curves"]]
    assert titles[0].startswith("log-likelihood a row, train") and len(titles) == 2
    curve = str(values["curves"][0][1])
    train = re.search(r'class="first" d="M([^"]+)"', curve)[1].split(" L")
    assert len(train) == 2 and 'class="second"' in curve, "the failed cell has no point"
    heights = [float(point.split(",")[1]) for point in train]
    assert heights[0] > heights[1], "a higher likelihood is higher up"
    assert values["spent"] and "icl" not in values["head"], "columns without a value are left out"
    text = run_page(root, "few_hmm_sweep_market", "hmm", "hmm_sweep")
    assert "too &lt;few&gt; rows" in text and "a note" in text and "has spent the test" in text


def test_a_study_as_a_matrix_with_numbers(root):
    folder = root / "few_hmm_stability_market"
    values = stability_values(folder, "hmm")
    assert values["seeds"] == [0, 2]
    (zero, first), (two, second) = values["matrix"]
    assert (zero, two) == (0, 2)
    assert "0.750" in first[1] and "--v:0.750" in second[0] and "diagonal" in first[0]
    text = run_page(root, folder.name, "hmm", "hmm_stability")
    assert "one did not end" in text and "2 fits of 3 compared, 1 pair" in text
