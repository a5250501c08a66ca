"""Labelled rows, whatever model made them."""
