"""Marks within tables, as SVG or HTML: an interval, a bar, a shaded cell, a curve.

The numbers stand beside them, so that a mark is for the eye alone and hidden from a screen reader.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

Number = float | None


def swatch(light: str, dark: str) -> Markup:
    """A small square of a colour, for a light and a dark page."""
    return Markup('<i class="swatch" style="--l:{};--d:{}"></i>').format(light, dark)


def bar(share: Number, colours: tuple[str, str] | None = None) -> Markup:
    """A bar of this share of the width of its cell."""
    if share is None or not math.isfinite(share):
        return Markup("")
    fill = Markup(";--l:{};--d:{}").format(*colours) if colours else ""
    kind = "bar swatch" if colours else "bar"
    width = f"{100 * min(max(share, 0.0), 1.0):.1f}"
    return Markup('<i class="{}" style="width:{}%{}" aria-hidden="true"></i>').format(
        kind, width, fill
    )


def interval(low: Number, mean: Number, high: Number, reach: tuple[float, float]) -> Markup:
    """An interval and its mean on an axis from `reach[0]` to `reach[1]`, with a dashed line at 0."""
    if mean is None or not math.isfinite(mean):
        return Markup("")
    start, end = reach

    def at(value: float) -> str:
        return f"{100 * min(max((value - start) / (end - start or 1.0), 0.0), 1.0):.1f}%"

    parts = []
    if start <= 0 <= end:
        parts.append(f'<line class="axis" x1="{at(0)}" x2="{at(0)}" y1="0" y2="16"/>')
    if low is not None and high is not None and math.isfinite(low) and math.isfinite(high):
        parts.append(f'<line class="range" x1="{at(low)}" x2="{at(high)}" y1="8" y2="8"/>')
    parts.append(f'<circle class="mean" cx="{at(mean)}" cy="8" r="4"/>')
    return Markup('<svg class="interval" aria-hidden="true">' + "".join(parts) + "</svg>")


def reach_of(values: Sequence[Number]) -> tuple[float, float]:
    """An axis that holds all these values and 0, with a little room."""
    known = [value for value in values if value is not None and math.isfinite(value)] + [0.0]
    low, high = min(known), max(known)
    room = 0.06 * (high - low) or 1.0
    return low - room, high + room


def shade(value: Number, most: float, text: str) -> Markup:
    """A cell whose shade is the size of its value over `most`; below 0 in the other colour."""
    if value is None or not math.isfinite(value):
        return Markup('<td class="cell">–</td>')
    size = min(abs(value) / most, 1.0) if most else 0.0
    kind = "shade minus" if value < 0 else "shade"
    return Markup('<td class="{}" style="--v:{}">{}</td>').format(kind, f"{size:.3f}", text)


WIDTH, HEIGHT, LEFT, BOTTOM = 360, 190, 46, 34


def curve(
    lines: Sequence[tuple[str, Sequence[Number], Sequence[Number]]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    log_x: bool = False,
    low: Number = None,
    high: Number = None,
    whole: bool = False,
    x_form: str = ",.6g",
) -> Markup:
    """Lines of points on common axes, as SVG with plain numbers.

    `lines` are a class (``first``, ``second``, ``third``), x and y; points with a null are left
    out. `whole` has a tick at each x, written by `x_form`. The numbers are in a table beside it.
    """
    points = [
        (float(x), float(y))
        for _, xs, ys in lines
        for x, y in zip(xs, ys, strict=True)
        if x is not None and y is not None and math.isfinite(x) and math.isfinite(y)
    ]
    if not points:
        return Markup("")
    xs, ys = [x for x, _ in points], [y for _, y in points]
    x0, x1 = min(xs), max(xs)
    y0 = min(ys) if low is None else low
    y1 = max(ys) if high is None else high
    if y1 <= y0:
        y0, y1 = y0 - 1, y1 + 1

    def px(x: float) -> float:
        if log_x:
            x, a, b = math.log(x), math.log(x0), math.log(x1)
        else:
            a, b = x0, x1
        return LEFT + (WIDTH - LEFT - 12) * ((x - a) / (b - a) if b > a else 0.5)

    def py(y: float) -> float:
        return 10 + (HEIGHT - BOTTOM - 10) * (1 - (min(max(y, y0), y1) - y0) / (y1 - y0))

    parts = []
    for tick in ticks(y0, y1, 4):
        parts.append(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                LEFT, WIDTH - 12, f"{py(tick):.1f}", f"{py(tick):.1f}"
            )
            + Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(
                LEFT - 6, f"{py(tick) + 4:.1f}", f"{tick:,.6g}".replace("-", "−")
            )
        )
    for tick in _x_ticks(x0, x1, sorted(set(xs)), log_x, whole):
        parts.append(
            Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
                f"{px(tick):.1f}", HEIGHT - BOTTOM + 16, f"{tick:{x_form}}"
            )
        )
    for kind, line_x, line_y in lines:
        drawn = [
            f"{px(x):.1f},{py(y):.1f}"
            for x, y in zip(line_x, line_y, strict=True)
            if x is not None and y is not None and math.isfinite(y)
        ]
        parts.append(Markup('<path class="{}" d="M{}"/>').format(kind, " L".join(drawn)))
        if kind == "first" and len(drawn) <= 30:
            parts += [
                Markup('<circle class="dot" cx="{}" cy="{}" r="3"/>').format(*point.split(","))
                for point in drawn
            ]
    parts.append(
        Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
            (LEFT + WIDTH) // 2, HEIGHT - 2, x_label
        )
    )
    parts.append(Markup('<text x="0" y="8">{}</text>').format(y_label))
    return (
        Markup('<svg class="curve" viewBox="0 -6 {} {}" role="img" aria-label="{}">').format(
            WIDTH, HEIGHT + 8, title
        )
        + Markup("").join(parts)
        + Markup("</svg>")
    )


def histogram(
    values: Sequence[float], mark: Number, *, title: str, x_label: str, bins: int = 40
) -> Markup:
    """How often values fall into each of so many bins, as SVG, and a line at `mark`."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return Markup("")
    marked = [mark] if mark is not None and math.isfinite(mark) else []
    low, high = min([*known, *marked]), max([*known, *marked])
    width = (high - low) / bins or 1.0
    counts = [0] * bins
    for value in known:
        counts[min(int((value - low) / width), bins - 1)] += 1
    room, floor, most = WIDTH - LEFT - 12, HEIGHT - BOTTOM, max(counts)
    parts = [
        f'<rect x="{LEFT + room * k / bins:.1f}" y="{floor - (floor - 10) * n / most:.1f}" '
        f'width="{room / bins - 1:.1f}" height="{(floor - 10) * n / most:.1f}"/>'
        for k, n in enumerate(counts)
        if n
    ]
    for value in marked:
        x = LEFT + room * (value - low) / ((high - low) or 1.0)
        parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{floor}"/>')
    for tick in ticks(low, high, 4):
        x = LEFT + room * (tick - low) / ((high - low) or 1.0)
        parts.append(
            f'<text x="{x:.1f}" y="{floor + 16}" text-anchor="middle">'
            + f"{tick:,.4g}".replace("-", "−")
            + "</text>"
        )
    label = Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
        (LEFT + WIDTH) // 2, HEIGHT - 2, x_label
    )
    head = Markup('<svg class="curve" viewBox="0 -6 {} {}" role="img" aria-label="{}">')
    whole = head.format(WIDTH, HEIGHT + 8, title) + Markup("".join(parts)) + label
    return whole + Markup("</svg>")


def ticks(low: float, high: float, wanted: int) -> list[float]:
    """Round numbers from `low` to `high`, 1, 2 or 5 times a power of ten apart."""
    rough = (high - low) / max(wanted, 1)
    if rough <= 0 or not math.isfinite(rough):
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s for s in (power, 2 * power, 5 * power, 10 * power) if s >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def _x_ticks(
    low: float, high: float, own: Sequence[float], log_x: bool, whole: bool
) -> list[float]:
    if whole and len(own) <= 14:
        return list(own)
    if not log_x:
        found = ticks(low, high, 6)
        return [tick for tick in found if not whole or tick == int(tick)]
    found = [k * 10.0**p for p in range(-2, 7) for k in (1, 2, 5)]
    return [tick for tick in found if low <= tick <= high]
