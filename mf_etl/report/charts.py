"""The two charts as Bokeh documents without data: a script fills them with what is looked at.

A document is the same for every ticker, so it is made once, and a ticker's file holds its data alone.
Sources, figures and tools have names, by which `static/charts.js` finds them. Colours of text and lines
come from the page's style when the chart is shown, so that it fits a light and a dark page.
"""

from __future__ import annotations

import re
from typing import Any

from bokeh.embed import json_item
from bokeh.layouts import column
from bokeh.models import (
    ColumnDataSource,
    FixedTicker,
    PanTool,
    Range1d,
    ResetTool,
    WheelZoomTool,
)
from bokeh.models.annotations import Span
from bokeh.plotting import figure

from mf_etl.report.packed import script

_LEFT, _RIGHT = 84, 14
_LINE = "rgba(128, 128, 128, 0.18)"


def charts_script() -> str:
    """A script with the documents of both charts."""
    charts = {"ticker": json_item(_ticker_chart()), "market": json_item(_market_chart())}
    return _numbered(script("charts", charts))


def _numbered(text: str) -> str:
    """The text with ids of its own: Bokeh goes on counting from whatever the process made before."""
    names: dict[str, str] = {}
    return re.sub(r'"p\d+"', lambda id: names.setdefault(id[0], f'"m{len(names)}"'), text)


def _figure(name: str, height: int, days: Range1d, **more: Any) -> Any:
    """A figure whose days are those of the others; ticks of values are set by the script."""
    plot = figure(
        name=name,
        height=height,
        x_range=days,
        y_range=Range1d(start=0, end=1),
        x_axis_type="datetime",
        sizing_mode="stretch_width",
        toolbar_location=None,
        tools=[],
        border_fill_color=None,
        background_fill_color=None,
        outline_line_color=None,
        min_border_left=_LEFT,
        min_border_right=_RIGHT,
        min_border_top=4,
        min_border_bottom=4,
        **more,
    )
    pan = PanTool(dimensions="width")
    zoom = WheelZoomTool(dimensions="width", modifiers="ctrl")
    plot.add_tools(pan, zoom, ResetTool())
    plot.toolbar.active_drag = pan
    plot.toolbar.active_scroll = zoom
    plot.grid.grid_line_color = _LINE
    plot.yaxis.ticker = FixedTicker(ticks=[])
    for axis in (*plot.xaxis, *plot.yaxis):
        axis.axis_line_color = None
        axis.major_tick_line_color = None
        axis.minor_tick_line_color = None
        axis.major_label_text_font_size = "12px"
    plot.xaxis.visible = False
    return plot


def _source(name: str, *columns: str) -> ColumnDataSource:
    return ColumnDataSource({column: [] for column in columns}, name=f"{name}_data")


def _days() -> Range1d:
    return Range1d(start=0, end=1, name="days", min_interval=7 * 86_400_000)


def _ticker_chart() -> Any:
    days = _days()
    price = _figure("price", 330, days)
    line = _source("line", "day", "close")
    price.line("day", "close", source=line, line_width=1, name="closes")
    bars = _source("bars", "day", "open", "high", "low", "close", "width", "colour", "fill")
    price.segment("day", "high", "day", "low", source=bars, line_color="colour", line_width=1.2)
    price.vbar("day", "width", "open", "close", source=bars, fill_color="fill", line_color="colour")
    marks = _source("marks", "day", "at", "shape", "colour")
    price.scatter(
        "day", "at", source=marks, marker="shape", size=9, line_color="colour", line_width=1.5,
        fill_color=None,
    )  # fmt: skip
    seams = _source("seams", "day", "low", "high")
    price.segment("day", "low", "day", "high", source=seams, line_dash="dashed", name="seams")

    volume = _figure("volume", 78, days)
    volume.vbar(
        "day", "width", "volume", 0, source=_source("volumes", "day", "width", "volume", "colour"),
        fill_color="colour", line_color=None,
    )  # fmt: skip
    volume.ygrid.grid_line_color = None

    strips = _figure("strips", 60, days)
    strips.quad(
        "left", "right", "top", "bottom",
        source=_source("runs", "left", "right", "top", "bottom", "colour", "hatch"),
        fill_color="colour", line_color=None, hatch_pattern="hatch", hatch_scale=8,
        hatch_weight=1.2, hatch_color="rgba(255, 255, 255, 0.75)", name="runs",
    )  # fmt: skip
    fits = _source("fits", "day", "low", "high")
    strips.segment("day", "low", "day", "high", source=fits, line_width=2, name="fits")
    strips.grid.grid_line_color = None

    flow = _figure("flow", 200, days)
    values = _source("indicators", "day", "tmf", "tti")
    area = _source("area", "days", "values")
    flow.patches("days", "values", source=area, fill_alpha=0.16, line_color=None, name="tmf_area")
    flow.line("day", "tti", source=values, line_width=1, line_dash="4 2", name="tti_line")
    flow.line("day", "tmf", source=values, line_width=1.5, name="tmf_line")
    flow.add_layout(Span(location=0, dimension="width", line_width=1, name="zero"))
    flow.scatter(
        "day", "at", source=_source("events", "day", "at", "shape", "colour"), marker="shape",
        size=8, fill_color="colour", line_color=None,
    )  # fmt: skip
    flow.xaxis.visible = True
    return column(price, volume, strips, flow, sizing_mode="stretch_width", spacing=2)


def _market_chart() -> Any:
    days = _days()
    shares = _figure("shares", 300, days)
    # A row a state, each from 0: those below are drawn over those above, so that no seam shows.
    shares.patches(
        "days", "shares", source=_source("areas", "days", "shares", "colour"),
        fill_color="colour", line_color=None, name="areas",
    )  # fmt: skip
    names = _figure("names", 90, days)
    names.patches(
        "days", "names", source=_source("counts", "days", "names"), line_color=None,
        fill_alpha=0.5, name="count_area",
    )  # fmt: skip
    names.xaxis.visible = True
    return column(shares, names, sizing_mode="stretch_width", spacing=2)
