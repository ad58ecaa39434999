"""The geometry of an episode's charts: loss by step, and what each step's reward was made of.

Shapes: S steps. Units: SVG user units; losses are plain ratios, 0 = identical.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from myna.evaluation.report.axes import nice_ceiling, ticks

__all__ = ["LossChart", "RewardChart", "loss_chart", "reward_chart"]

WIDTH, LOSS_HEIGHT, REWARD_HEIGHT = 560.0, 220.0, 150.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 14.0, 12.0, 34.0

Tick = tuple[float, str]


@dataclass(frozen=True)
class LossChart:
    """Loss of each preset, the best so far, and the loss that counts as success.

    Attributes:
        line, best: SVG paths; one part of `line` for each stretch of finite losses.
        success_y: height of the success line.
        end: the best preset's point.
        x_ticks, y_ticks: (position, label) pairs.
        width, height, left, right, bottom: of the picture and its plotting area.
    """

    line: str
    best: str
    success_y: float
    end: tuple[float, float]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: float = WIDTH
    height: float = LOSS_HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    bottom: float = LOSS_HEIGHT - BOTTOM


@dataclass(frozen=True)
class RewardChart:
    """Stacked bars, one stack for each step: gains upwards, prices downwards.

    Attributes:
        bars: (index of the part, x, y, width, height).
        names: of the parts, in the order of their indices.
        zero_y: height of the zero line.
        y_ticks: (position, label) pairs.
        width, height, left, right: of the picture and its plotting area.
    """

    bars: tuple[tuple[int, float, float, float, float], ...]
    names: tuple[str, ...]
    zero_y: float
    y_ticks: tuple[Tick, ...]
    width: float = WIDTH
    height: float = REWARD_HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT


def loss_chart(losses: Sequence[float], success_loss: float) -> LossChart | None:
    """Draw the losses (S + 1,) of an episode against its steps; None where none of them is finite.

    A loss far above the others (a broken sound) is cut off at the top.

    Args:
        losses: of the start preset and after each step.
        success_loss: at or under which the target counts as reached.
    """
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite:
        return None
    # What matters is the way from the start to the best; one bad guess may lie far above.
    top = nice_ceiling(max(min(max(finite), 2.0 * finite[0]), 1.2 * success_loss))
    steps = max(1, len(losses) - 1)
    points = [(_x(i, steps), _y(min(loss, top), top) if math.isfinite(loss) else None) for i, loss in enumerate(losses)]
    lowest = list(itertools.accumulate((loss if math.isfinite(loss) else math.inf for loss in losses), min))
    best_at = losses.index(min(finite))
    x_ticks = tuple((_x(at, steps), f"{at:.0f}") for at in ticks(steps, 8) if at == round(at))
    return LossChart(
        line=_line(points),
        best=_stairs([(_x(i, steps), _y(min(loss, top), top)) for i, loss in enumerate(lowest)]),
        success_y=_y(success_loss, top),
        end=(_x(best_at, steps), _y(losses[best_at], top)),
        x_ticks=x_ticks,
        y_ticks=tuple((_y(at, top), f"{at:.3g}") for at in ticks(top, 4)),
    )


def reward_chart(rewards: Sequence[Mapping[str, float]]) -> RewardChart | None:
    """Draw the parts of each step's reward; None without a step.

    Args:
        rewards: for each of S steps, name → signed part; they add up to the reward.
    """
    if not rewards:
        return None
    names = tuple(name for name in rewards[0] if any(parts[name] != 0.0 for parts in rewards))
    up = nice_ceiling(max(1e-3, *(sum(max(0.0, x) for x in parts.values()) for parts in rewards)))
    down = max(0.0, *(sum(max(0.0, -x) for x in parts.values()) for parts in rewards))
    down = nice_ceiling(down) if down > 0.05 * up else down
    scale = (REWARD_HEIGHT - 2.0 * TOP) / (up + down)
    zero_y = TOP + up * scale
    room = (WIDTH - LEFT - RIGHT) / len(rewards)
    bars = [
        (names.index(name), LEFT + (step + 0.12) * room, y, 0.76 * room, height)
        for step, parts in enumerate(rewards)
        for name, y, height in _stack({name: parts[name] for name in names}, zero_y, scale)
    ]
    labels = [*((at, f"+{at:.3g}" if at else "0") for at in ticks(up, 2))]
    if down > 0.05 * up:
        labels.append((-down, f"−{down:.3g}"))
    return RewardChart(tuple(bars), names, zero_y, tuple((zero_y - at * scale, text) for at, text in labels))


def _stack(parts: Mapping[str, float], zero_y: float, scale: float) -> list[tuple[str, float, float]]:
    """(name, y, height) of each part: positive ones pile up from zero, negative ones hang from it."""
    above, below, stacked = zero_y, zero_y, []
    for name, value in parts.items():
        height = abs(value) * scale
        if value > 0.0:
            above -= height
            stacked.append((name, above, height))
        elif value < 0.0:
            stacked.append((name, below, height))
            below += height
    return stacked


def _x(step: float, steps: int) -> float:
    return LEFT + step / steps * (WIDTH - LEFT - RIGHT)


def _y(loss: float, top: float) -> float:
    return LOSS_HEIGHT - BOTTOM - loss / top * (LOSS_HEIGHT - TOP - BOTTOM)


def _line(points: Sequence[tuple[float, float | None]]) -> str:
    path, pen = "", "M"
    for x, y in points:
        path += "" if y is None else f"{pen}{x:.1f} {y:.1f}"
        pen = "M" if y is None else "L"
    return path


def _stairs(points: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = points
    return f"M{x:.1f} {y:.1f}" + "".join(f"H{x:.1f}V{y:.1f}" for x, y in rest)
