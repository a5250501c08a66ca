"""Draws of whole dates, intervals and shifted labels."""
