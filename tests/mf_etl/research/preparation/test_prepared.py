"""The reader of prepared folders: columns of the dataset by row number, sequences, refusals."""

from __future__ import annotations

import json
import weakref

import numpy as np
import polars as pl
import pytest

from mf_etl.errors import ResearchError
from mf_etl.research.preparation import prepared as prepared_module
from mf_etl.research.preparation.prepared import Prepared
from mf_etl.research.preparation.splits import PERIODS
from tests.mf_etl.research import clusters
from tests.mf_etl.research.states import FEATURES, listing, market, opened, prepared_folder


@pytest.fixture
def folder(tmp_path):
    x = market(0, lengths=(300,)).x
    return prepared_folder(tmp_path / "p", listing("A", x[:180], fit=False), listing("B", x[180:]))


def test_opened_folder(folder):
    prepared = opened(folder)
    assert isinstance(prepared.matrix, np.memmap) and prepared.features == FEATURES
    fit, predict = prepared.is_fit, prepared.is_predict
    gap = {"max_gap_days": 30}
    assert prepared.sequences(fit, **gap, min_length=100).summary["rows"] == 120
    assert prepared.sequences(predict, **gap, min_length=100).summary["rows"] == 300
    with pytest.raises(ResearchError, match=r"121 rows .* lower min_sequence_length"):
        prepared.sequences(fit, **gap, min_length=121)
    with pytest.raises(ResearchError, match=r"181 rows .* lower min_decoded_length"):
        prepared.sequences(predict, **gap, min_length=181, length_option="min_decoded_length")
    assert [PERIODS[code] for code in np.unique(prepared.periods)] == ["all"]


def test_rows_are_taken_by_number(folder):
    table = pl.read_parquet(folder / "dataset.parquet")
    names = ["close", "ticker", "trade_date", "fwd_ret_10"]
    prepared = opened(folder)
    for numbers in ([0], [96, 97], [290, 3, 150], range(300)):
        wanted = np.array(numbers)
        assert prepared.take(wanted, names).equals(table.select(names)[wanted])
    for name in names[1:]:
        expected = table[name].to_physical().to_numpy()
        np.testing.assert_array_equal(prepared.column(name), expected)


def test_rows_of_the_whole_file_are_taken_with_few_row_groups_in_memory(tmp_path, monkeypatch):
    frame = pl.DataFrame({"x": range(1000), "y": [str(n) for n in range(1000)]})
    frame.write_parquet(tmp_path / "t.parquet", row_group_size=50)
    read, held, most = prepared_module._Table._read_group, weakref.WeakValueDictionary(), []

    def watched(table, group, names):
        found = read(table, group, names)
        held[len(most)] = found
        most.append(len(held))
        return found

    monkeypatch.setattr(prepared_module._Table, "_read_group", watched)
    table = prepared_module._Table(tmp_path / "t.parquet")
    for rows in (np.arange(0, 1000, 7), np.arange(1000)[::-7], np.array([], dtype=np.int64)):
        assert table.take(rows, ["y", "x"]).equals(frame.select("y", "x")[rows])
    assert len(most) > 20 and max(most) <= prepared_module._KEPT_GROUPS + 1


def test_columns_of_a_dataset_of_which_rows_are_left_out(tmp_path):
    """Every row finds its own values, also past rows that the preparation dropped."""
    holes = pl.Series([None if n % 7 == 3 else float(n) for n in range(300)])
    frames = [clusters.regime_frame(t, tmf_abs=holes) for t in "ABC"]
    made = clusters.prepared_folder(tmp_path, *frames)
    prepared = clusters.opened(made)
    dataset = pl.read_parquet(tmp_path / "dataset.parquet").drop_nulls("tmf_abs")
    assert prepared.rows == dataset.height < 900
    for name in ("close", "fwd_ret_5", "state_changed", "flow_state_code", "delta_flow_20"):
        np.testing.assert_array_equal(prepared.column(name), dataset[name].to_numpy())
    some = np.array([700, 3, 3, 400])
    names = ["ticker", "period", "close"]
    found = prepared.take(some, names)
    assert found.drop("period").equals(dataset.select("ticker", "close")[some])


def test_a_prepared_folder_is_hardly_larger_than_its_matrix(tmp_path):
    """No second copy of the dataset: at most a tenth beside a matrix of seven features."""
    features = ("tmf_21", "tmf_slope_5", "tmf_slope_10", "delta_flow_20", "flow_activity_20",
                "tmf_abs", "tti_proxy_v1_21")  # fmt: skip
    frames = [clusters.regime_frame(f"T{n:02d}", 2000) for n in range(12)]
    made = clusters.prepared_folder(tmp_path, *frames, features=features)
    sizes = {path.name: path.stat().st_size for path in made.iterdir()}
    assert sizes["matrix.npy"] > 12 * 2000 * 7 * 4
    assert sum(sizes.values()) <= 1.1 * sizes["matrix.npy"], sizes


def test_refusals(folder):
    def refused(message):
        with pytest.raises(ResearchError, match=message) as error:
            opened(folder)
        assert len(str(error.value).splitlines()) == 1

    with pytest.raises(ResearchError, match="its dataset has no column closed"):
        opened(folder).column("closed")
    dataset = folder / "dataset.parquet"
    whole = pl.read_parquet(dataset)
    whole.head(299).write_parquet(dataset)
    refused("which has 299 rows instead of 300; prepare it again")
    dataset.unlink()
    refused(r"dataset .*dataset\.parquet: .*export it again")
    whole.write_parquet(dataset)
    summary = folder / "preprocess_summary.json"
    told = json.loads(summary.read_text())
    summary.write_text(json.dumps({**told, "features": ["a"]}))
    refused(r"matrix\.npy has shape \(300, 3\), its rows and features are \(300, 1\)")
    (folder / "matrix.npy").unlink()
    refused("prepare it again")
    with pytest.raises(ResearchError, match=r"prepared matrix .*No such file"):
        Prepared(folder / "nowhere", dataset)
