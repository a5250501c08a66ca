"""Market regimes as clusters: estimators, metrics, profiles and the artifacts of runs."""
