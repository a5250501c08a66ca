"""Figures as files: the same bytes each time, text that can be searched."""

from __future__ import annotations

from mf_etl.plots.base import STYLE, caption, panels, save


@STYLE
def drawn():
    figure, axes = panels(1, 1, 2.0, 1.0)
    axes[0, 0].plot([0, 1], [0, 1])
    caption(figure, "market", n=2)
    return figure


def test_the_same_figure_is_the_same_bytes_and_its_text_is_text(tmp_path):
    for name in "ab":
        save(drawn(), tmp_path / name)
    one, other = ((tmp_path / name).read_text() for name in "ab")
    assert one == other and "clipPath" in one
    assert ">data: market · n = 2 rows</text>" in one
