"""Where lines of a chart go, as numbers for an SVG; the markup is the template's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Final

from audit.narration import Figures
from audit.trail.timeline import Timeline
from functions.audit.lag_history import LagSample

__all__ = ["FiguresChart", "Place", "figures_chart", "sparkline"]

WIDTH: Final = 880
HEIGHT: Final = 180
_DRAWN: Final = 440
_LINKS: Final = 44


@dataclass(frozen=True, slots=True)
class Place:
    """A version in the chart, as far from left and top as `x` and `y`; `left` and `right` bound its area to click."""

    version: int
    x: float
    y: float
    values: Mapping[str, int]
    running: int
    recorded_at: str
    left: float = 0.0
    right: float = 0.0


@dataclass(frozen=True, slots=True)
class FiguresChart:
    """`running` and `second` are points of polylines: the first of the figures, and the last ("" for a lone one).

    `names` are those of the two; `links` are places to click, `now` the chosen version.
    """

    width: int
    height: int
    names: tuple[str, str]
    running: str
    second: str
    zero: float
    top: int
    bottom: int
    first: str
    last: str
    links: list[Place]
    now: Place | None


def figures_chart(timeline: Timeline, chosen: int) -> FiguresChart | None:
    """The figures over the versions of a stream as steps; None for streams without, and for less than two versions.

    Versions are spaced evenly: an auditor walks from event to event, and years of silence would squeeze busy days.
    """
    moments = [figures for figures in timeline.figures.values() if figures.running is not None]
    if len(moments) < 2:
        return None
    numbers = [figures.running or 0 for figures in moments]
    names = list(moments[-1].values)
    top, bottom = max(*numbers, 0), min(*numbers, 0)
    scale = HEIGHT / ((top - bottom) or 1)
    step = WIDTH / (len(moments) - 1)

    def place(index: int) -> Place:
        moment = moments[index]
        x, running = index * step, moment.running or 0
        return Place(moment.version, x, (top - running) * scale, moment.values, running, moment.recorded_at)

    drawn = [place(index) for index in _spread(len(moments), _DRAWN)]
    return FiguresChart(
        width=WIDTH,
        height=HEIGHT,
        names=(names[0], names[-1]),
        running=_steps([(each.x, each.y) for each in drawn]),
        second=_steps([(each.x, (top - each.values.get(names[-1], 0)) * scale) for each in drawn])
        if len(names) > 1
        else "",
        zero=top * scale,
        top=top,
        bottom=bottom,
        first=moments[0].recorded_at,
        last=moments[-1].recorded_at,
        links=_areas([place(index) for index in _spread(len(moments), _LINKS)]),
        now=_chosen(moments, chosen, place),
    )


def sparkline(samples: Sequence[LagSample], *, width: int = 160, height: int = 28) -> str:
    """Seconds of lag over time as points of a polyline; empty for less than two looks."""
    if len(samples) < 2:
        return ""
    start, end = samples[0].at, samples[-1].at
    most = max(max(sample.seconds for sample in samples), 1.0)
    return " ".join(
        f"{_share(sample.at, start, end) * width:.1f},{height - 1 - sample.seconds / most * (height - 2):.1f}"
        for sample in samples
    )


def _chosen(moments: Sequence[Figures], version: int, place: Callable[[int], Place]) -> Place | None:
    for index, moment in enumerate(moments):
        if moment.version == version:
            return place(index)
    return None


def _spread(count: int, most: int) -> list[int]:
    """Evenly spread indices, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(number * (count - 1) / (most - 1)) for number in range(most)})


def _steps(points: Sequence[tuple[float, float]]) -> str:
    parts, before = [], points[0][1]
    for x, y in points:
        parts.append(f"{x:.1f},{before:.1f} {x:.1f},{y:.1f}" if y != before else f"{x:.1f},{y:.1f}")
        before = y
    return " ".join(parts)


def _areas(places: list[Place]) -> list[Place]:
    """Each place with half of the way to its neighbours."""
    edges = [0.0, *((a.x + b.x) / 2 for a, b in pairwise(places)), float(WIDTH)]
    return [replace(each, left=left, right=right) for each, left, right in zip(places, edges, edges[1:], strict=False)]


def _share(at: datetime, start: datetime, end: datetime) -> float:
    whole = (end - start).total_seconds()
    return (at - start).total_seconds() / whole if whole else 0.0
