"""Figures: one palette, one style, captions that say data, period, view and n."""
