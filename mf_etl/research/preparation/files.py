"""Names of the files of a prepared matrix, once: by the name that a rule's output has.

Imports nothing: every plan reads it.
"""

PREPARED = {
    "prepared_matrix": "matrix.npy",
    "prepared_rows": "rows.parquet",
    "prepared_scaler": "scaler_params.parquet",
    "prepared_summary": "preprocess_summary.json",
    "prepared_split": "split_summary.json",
}
"""``gold/prepared/{dataset}/{preparation}/`` in the data."""

MATRIX, ROWS, SCALER, PREPROCESS_SUMMARY, SPLIT_SUMMARY = PREPARED.values()
FILES = tuple(PREPARED.values())
