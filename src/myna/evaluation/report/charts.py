"""The geometry of a report's charts: numbers in, SVG coordinates out; the template draws them.

Units: SVG user units; losses are plain ratios, 0 = identical, 1 = the median pair of random presets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from myna.evaluation.report.axes import nice_ceiling, ticks

__all__ = ["Bar", "Curve", "biggest_term", "curve_chart", "term_bars", "term_words"]

# Loss term → (title on its bar, what it listens to, for a sentence).
TERMS = {
    "log_mel": ("Spectrum", "the spectrum as it unfolds"),
    "mr_stft": ("Partials", "the partials and fast changes: which sound, how strongly and when"),
    "mfcc": ("Tone colour", "the tone colour"),
    "transport": ("Spectral balance", "where in the spectrum the energy lies"),
    "envelope": ("Level over time", "how the level moves over time"),
    "centroid": ("Brightness", "the brightness"),
    "loudness": ("Loudness", "how loud it is"),
    "stereo": ("Stereo", "how wide it is"),
    "silence": ("Too quiet", "that hardly anything is heard"),
    "dc": ("DC offset", "a constant offset"),
    "clipping": ("Clipping", "clipping"),
    "transient": ("Click", "a click that stands for the whole sound"),
    "noise": ("Noise", "noise where the target has a tone"),
    "smear": ("Wobble", "pitch and tone that move where the target's do not"),
    "level": ("Level", "a level far off"),
    "pumping": ("Pumping", "a level that pumps"),
    "tail": ("Tail", "what goes on after the target has ended"),
    "onset": ("Start", "when it starts"),
    "broken": ("Broken", "samples that are no numbers"),
}
CURVE_WIDTH, CURVE_HEIGHT = 560.0, 200.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 26.0, 12.0, 34.0


@dataclass(frozen=True)
class Bar:
    """One horizontal bar: `width` is its share of the longest possible one, 0 to 100."""

    name: str
    title: str
    value: float
    width: float


@dataclass(frozen=True)
class Curve:
    """A stepped line with its axes.

    Attributes:
        line, area: SVG paths.
        x_ticks, y_ticks: (position, label) pairs.
        width, height, left, right, top, bottom: of the picture and its plotting area.
        end: the last point.
    """

    line: str
    area: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    end: tuple[float, float]
    width: float = CURVE_WIDTH
    height: float = CURVE_HEIGHT
    left: float = LEFT
    right: float = CURVE_WIDTH - RIGHT
    top: float = TOP
    bottom: float = CURVE_HEIGHT - BOTTOM


def term_words(name: str) -> str:
    """What a loss term listens to, in words; an unknown name is shown as it is.

    >>> term_words("centroid"), term_words("grain_size")
    ('the brightness', 'grain size')
    """
    return TERMS[name][1] if name in TERMS else name.replace("_", " ")


def _term_title(name: str) -> str:
    return TERMS[name][0] if name in TERMS else name.replace("_", " ")


def biggest_term(terms: Mapping[str, float]) -> str | None:
    """The name of the term that adds most to the loss, or None where there is none above 0."""
    positive = {name: value for name, value in terms.items() if value > 0.0}
    return max(positive, key=lambda name: positive[name]) if positive else None


def term_bars(terms: Mapping[str, float]) -> list[Bar]:
    """The terms above 0 as bars, largest first; the scale ends at the largest, or at 0.1 if all are smaller."""
    end = max([0.1, *(value for value in terms.values() if math.isfinite(value))])
    ranked = sorted(((name, value) for name, value in terms.items() if value != 0.0), key=lambda item: -item[1])
    return [Bar(name, _term_title(name), value, 100.0 * min(max(value, 0.0), end) / end) for name, value in ranked]


def curve_chart(curve: Sequence[tuple[int, float]], renders: int) -> Curve | None:
    """The best loss so far against renders, as a stepped line; None without a point.

    Args:
        curve: (renders, best loss), in order.
        renders: all renders made: the right end of the axis.
    """
    points = [(float(at), float(loss)) for at, loss in curve if math.isfinite(loss)]
    if not points:
        return None
    end = max(float(renders), points[-1][0], 1.0)
    # A first random guess may be far off the scale that matters.
    top = nice_ceiling(min(max(loss for _, loss in points), max(1.2, 2.0 * points[-1][1])))
    spots = [(_x(at, end), _y(min(loss, top), top)) for at, loss in [*points, (end, points[-1][1])]]
    line = f"M{spots[0][0]:.1f} {spots[0][1]:.1f}" + "".join(f"H{x:.1f}V{y:.1f}" for x, y in spots[1:])
    floor = CURVE_HEIGHT - BOTTOM
    area = f"{line}V{floor:.1f}H{spots[0][0]:.1f}Z"
    x_ticks = tuple((_x(at, end), f"{at:,.0f}") for at in ticks(end, 5))
    y_ticks = tuple((_y(at, top), f"{at:.3g}") for at in ticks(top, 4))
    return Curve(line, area, x_ticks, y_ticks, spots[-1])


def _x(at: float, end: float) -> float:
    return LEFT + at / end * (CURVE_WIDTH - LEFT - RIGHT)


def _y(loss: float, top: float) -> float:
    return CURVE_HEIGHT - BOTTOM - loss / top * (CURVE_HEIGHT - TOP - BOTTOM)
