"""A ticker as a figure: price, volume, flow state and money flow by day."""

from __future__ import annotations

from datetime import date

import matplotlib.patches
import numpy as np
import polars as pl
from matplotlib.figure import Figure

from mf_etl.plots.base import STYLE, caption, plain_axis
from mf_etl.plots.palette import DEMAND, FAINT, FLOW_ORDER, INK, NOISE, SUPPLY, flow_colours

NOT_READY = -1


@STYLE
def ticker_figure(
    name: str, bars: pl.DataFrame, events: pl.DataFrame, state_names: dict[int, str]
) -> Figure:
    """Close (logarithmic), volume, flow state, TMF and TTI proxy of a ticker with a bar at least.

    `bars` has trade_date, close and volume, `events` tmf_ready_21, flow_state_code, tmf_21 and
    tti_proxy_v1_21 of the same days. Lines are not drawn across a gap of more than 40 days.
    """
    days = bars["trade_date"].to_numpy()
    codes = np.where(
        events["tmf_ready_21"].to_numpy(), events["flow_state_code"].to_numpy(), NOT_READY
    )
    colours = dict(enumerate(flow_colours())) | {NOT_READY: NOISE}
    figure = Figure(figsize=(10.0, 6.4), layout="constrained")
    price, volume, strip, flow = figure.subplots(4, 1, sharex=True, height_ratios=[8, 2, 0.7, 4])
    pauses = np.flatnonzero(np.diff(days).astype(np.int64) > 40) + 1

    def broken(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.insert(days, pauses, days[pauses]), np.insert(values, pauses, np.nan)

    price.plot(*broken(bars["close"].to_numpy()), color=INK, linewidth=0.8)
    price.set(ylabel="close", yscale="log", title=name)
    plain_axis(price.yaxis)
    volume.fill_between(
        *broken(bars["volume"].to_numpy() / 1e6), color=FAINT, linewidth=0, step="mid"
    )
    volume.set(ylabel="million shares", ylim=(0, None))
    starts = np.flatnonzero(np.diff(codes, prepend=codes[0] - 1) != 0)
    ends = np.append(starts[1:], len(codes) - 1)
    for code, colour in colours.items():
        runs = [
            (days[a], days[b] - days[a])
            for a, b in zip(starts, ends, strict=True)
            if codes[a] == code
        ]
        strip.broken_barh(runs, (0, 1), facecolors=colour, linewidth=0)
    strip.set(yticks=[], ylim=(0, 1))
    strip.spines[:].set_visible(False)
    strip.set_ylabel("flow", rotation=0, ha="right", va="center")
    tmf = events["tmf_21"].fill_null(float("nan")).to_numpy()
    tti = events["tti_proxy_v1_21"].fill_null(float("nan")).to_numpy()
    flow.fill_between(days, 0, tmf, where=tmf > 0, color=DEMAND, alpha=0.25, linewidth=0)
    flow.fill_between(days, 0, tmf, where=tmf < 0, color=SUPPLY, alpha=0.6, linewidth=0)
    flow.plot(*broken(tmf), color=DEMAND, linewidth=0.9, label="TMF")
    flow.plot(*broken(tti), color=FAINT, linewidth=0.7, linestyle="--", label="TTI proxy")
    flow.axhline(0, color=INK, linewidth=0.6)
    flow.set_ylabel("−1 to 1")
    flow.legend(loc="lower right", ncols=2, frameon=False, fontsize=7)
    handles = [
        matplotlib.patches.Patch(color=colours[code], label=state_names[code])
        for code in FLOW_ORDER
    ]
    price.legend(handles=handles, loc="upper left", frameon=False, fontsize=7)
    first, last = (date.fromisoformat(str(day)) for day in (days[0], days[-1]))
    caption(figure, name, n=len(days), what="days", note=f"{first} to {last}; view: flow state")
    return figure
