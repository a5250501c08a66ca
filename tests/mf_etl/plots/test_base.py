"""Figures as files: the same bytes each time, text that can be searched."""

from __future__ import annotations

from mf_etl.plots.base import LETTERS_AN_INCH, STYLE, caption, panels, save


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


def test_a_caption_is_no_wider_than_its_figure():
    figure, _ = panels(1, 1, 2.2, 1.0)
    caption(figure, "a dataset with a name", n=1234, note="view: known on the day; a long note")
    lines = figure.get_supxlabel().split("\n")
    assert len(lines) > 1 and max(map(len, lines)) <= 3.0 * LETTERS_AN_INCH
    assert " ".join(lines).startswith("data: a dataset with a name · n = 1,234 rows · view")
