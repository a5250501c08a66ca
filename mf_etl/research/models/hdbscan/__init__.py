"""Clusters by density."""
