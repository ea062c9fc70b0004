"""Draw line charts and histograms as SVG, without colours: the page's style sheet has them, light and dark.

Nobody needs the colours: lines differ in their dashes and have their number at their end, bars are filled or empty. The
same numbers give the same bytes.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import floor, log10
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 50, 18, 26, 42
POINTS = 300
"""A line has at most so many; more cannot be seen."""
APART = 11
"""Between the numbers at the ends of lines, so that each can be read."""


# How a thing that is drawn looks in the legend; {0} is its number.
LINE_KEY = '<path class="line s{0}" d="M0 5H30"/>'
COLUMN_KEY = '<rect class="column s{0}" x="9" y="0" width="12" height="10"/>'


class Line(NamedTuple):
    """A named row of points, drawn in the order of their x."""

    name: str
    points: list[tuple[float, float]]


class Axis(NamedTuple):
    """What an axis measures; its bounds are those of the data where none are given."""

    label: str
    low: float | None = None
    high: float | None = None


def draw_lines(lines: Sequence[Line], x: Axis, y: Axis, above: tuple[str, float] | None = None) -> Markup:
    """Return a line chart, empty where no line has a point.

    above: the label of a second scale over the chart, and its units for one unit of x.
    """
    lines = [line._replace(points=_thin(line.points)) for line in lines if line.points]
    if not lines:
        return Markup()
    frame = _Frame(x, y, [point for line in lines for point in line.points])
    parts = [frame.draw(above)]
    for number, line in enumerate(lines):
        places = " ".join(f"{frame.x(a):.1f},{frame.y(b):.1f}" for a, b in line.points)
        parts.append(
            f'<polyline class="line s{number}" points="{places}"><title>{escape(line.name)}</title></polyline>'
        )
        if len(line.points) <= 12:
            dots = (f'<circle cx="{frame.x(a):.1f}" cy="{frame.y(b):.1f}" r="2.5"/>' for a, b in line.points)
            parts.append(f'<g class="dot s{number}">{"".join(dots)}</g>')
    keys: list[tuple[str, str]] = []
    if len(lines) > 1:
        ends = _spread([frame.y(line.points[-1][1]) for line in lines])
        for number, (line, end) in enumerate(zip(lines, ends, strict=True)):
            place = f'x="{frame.x(line.points[-1][0]) + 6:.1f}" y="{end:.1f}"'
            parts.append(f'<text class="mark s{number}" {place} dy=".35em">{number + 1}</text>')
            keys.append((f"{number + 1} {line.name}", LINE_KEY))
    return _svg(parts, f"{y.label} against {x.label}", keys)


def draw_histogram(names: tuple[str, str], bins: Sequence[tuple[float, int, int]], width: float, label: str) -> Markup:
    """Return two classes' counts side by side, as the square root, so that small bins can be seen.

    bins: the lower bound of each, and how many of either class it has. width: of a bin.
    """
    most = max((max(first, second) for _, first, second in bins), default=0)
    if not most:
        return Markup()
    ends = (bins[0][0], bins[-1][0] + width)
    frame = _Frame(Axis(label, *ends), Axis("documents (square root)", 0, most**0.5), [], lambda value: value**2)
    parts = [frame.draw(None)]
    bar = (frame.x(width) - frame.x(0)) / 2
    for start, *counts in bins:
        for number, count in enumerate(counts):
            top = frame.y(count**0.5)
            title = f"<title>{names[number]}, {start:g} to {start + width:g}: {count:,}</title>"
            place = f'x="{frame.x(start) + number * bar:.1f}" y="{top:.1f}" width="{bar:.1f}"'
            if count:
                parts.append(f'<rect class="column s{number}" {place} height="{frame.y(0) - top:.1f}">{title}</rect>')
    return _svg(parts, f"held-out documents by {label}", [(name, COLUMN_KEY) for name in names])


def choose_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about `count` round numbers from `low` to `high`, steps of 1, 2 or 5 times a power of ten."""
    if high <= low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first = -floor(-low / step - 1e-9) if low % step else round(low / step)
    return [round(step * number, 12) for number in range(int(first), floor(high / step + 1e-9) + 1)]


def show_tick(value: float) -> str:
    """Return a number as short as an axis needs it: 12k, 0.05, 1e-05."""
    if abs(value) >= 10_000:
        return f"{value / 1e6:.3g}M" if abs(value) >= 1e6 else f"{value / 1e3:.3g}k"
    return f"{value:g}"


class _Frame:
    """The axes of a chart: from data to places in the picture."""

    def __init__(
        self,
        x: Axis,
        y: Axis,
        points: Sequence[tuple[float, float]],
        shown: Callable[[float], float] = lambda value: value,
    ) -> None:
        self.labels = (x.label, y.label)
        self.shown = shown
        across, up = ([point[axis] for point in points] for axis in (0, 1))
        self.x_ends = _bounds(x, across, 0)
        self.y_ends = _bounds(y, up, 0.06)

    def x(self, value: float) -> float:
        low, high = self.x_ends
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low)

    def y(self, value: float) -> float:
        low, high = self.y_ends
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)

    def draw(self, above: tuple[str, float] | None) -> str:
        bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
        parts = []
        for tick in choose_ticks(*self.y_ends, 4):
            y = f"{self.y(tick):.1f}"
            parts.append(f'<path class="grid" d="M{LEFT} {y}H{right}"/>')
            parts.append(f'<text class="end" x="{LEFT - 6}" y="{y}" dy=".35em">{show_tick(self.shown(tick))}</text>')
        for tick in choose_ticks(*self.x_ends):
            x = f"{self.x(tick):.1f}"
            parts.append(f'<path class="grid" d="M{x} {bottom}v4"/>')
            parts.append(f'<text class="middle" x="{x}" y="{bottom + 16}">{show_tick(tick)}</text>')
            if above:
                parts.append(f'<text class="middle" x="{x}" y="{TOP - 4}">{show_tick(tick * above[1])}</text>')
        parts.append(f'<path class="axis" d="M{LEFT} {bottom}H{right}"/>')
        parts.append(f'<text class="name" x="{LEFT - 44}" y="10">{escape(self.labels[1])}</text>')
        parts.append(f'<text class="name end" x="{right}" y="{HEIGHT - 6}">{escape(self.labels[0])}</text>')
        if above:
            parts.append(f'<text class="name end" x="{right}" y="10">{escape(above[0])}</text>')
        return "".join(parts)


def _bounds(axis: Axis, values: Sequence[float], margin: float) -> tuple[float, float]:
    least, most = min(values, default=0.0), max(values, default=1.0)
    room = margin * (most - least)
    low = axis.low if axis.low is not None else least - room
    high = axis.high if axis.high is not None else most + room
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _thin(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return every n-th point, and the last, so that at most about POINTS are left."""
    step = -(-len(points) // POINTS)
    return points[::step] + points[-1:] if step > 1 else points


def _spread(places: Sequence[float]) -> list[float]:
    """Return places down the chart as near as they can be to these, each APART from the next and above the axis."""
    spread = list(places)
    order = sorted(range(len(places)), key=places.__getitem__)
    for before, after in pairwise(order):
        spread[after] = max(spread[after], spread[before] + APART)
    below = max(0.0, spread[order[-1]] - (HEIGHT - BOTTOM))
    return [place - below for place in spread]


def _svg(parts: Sequence[str], label: str, keys: Sequence[tuple[str, str]]) -> Markup:
    """Return the picture, with a legend of names and their signs where several things are drawn."""
    items = "".join(
        f'<li><svg viewBox="0 0 30 10" aria-hidden="true">{sign.format(number)}</svg>{escape(name)}</li>'
        for number, (name, sign) in enumerate(keys)
    )
    legend = f'<ul class="legend">{items}</ul>' if items else ""
    head = f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
    return Markup(f"{head}{''.join(parts)}</svg>{legend}")
