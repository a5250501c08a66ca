"""A dataset to a prepared matrix: features, split with purge, scaling and clipping."""
