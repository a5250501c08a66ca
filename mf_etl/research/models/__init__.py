"""Models that give rows a label: `fit` on a prepared matrix, then a label of every row."""
