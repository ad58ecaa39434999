"""The action towards a known preset: shows that a task can be solved as posed, and what `myna play` can follow.

Shapes: B environments, P parameters, M modules.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from myna.envs.action import ActionDecoder

__all__ = ["Journey", "oracle", "remaining", "steps_needed"]


@dataclass(frozen=True)
class Journey:
    """Where B presets are, and where they are to go.

    Attributes:
        raw_u: (B, P) positions before snapping.
        u: (B, P) the presets, snapped.
        target_u: (B, P) where to go; rows of NaN where nobody knows.
        open: (B, P) bool.
        bound: (B,) the largest |Δu| of a step.
    """

    raw_u: torch.Tensor
    u: torch.Tensor
    target_u: torch.Tensor
    open: torch.Tensor
    bound: torch.Tensor


def oracle(decoder: ActionDecoder, journey: Journey) -> dict[str, torch.Tensor]:
    """Heads that go as far towards the known preset as the bound lets them; `decoder.to_flat` gives the flat form.

    In mode `module` it selects the module with the most left to do. A row without a known preset holds still.

    Args:
        decoder: whose actions.
        journey: B presets and their targets.
    """
    gap, wrong = remaining(decoder, journey)
    heads = decoder.hold(journey.raw_u)
    if decoder.config.absolute:
        delta = 2.0 * (journey.raw_u + gap) - 1.0
    else:
        delta = gap / journey.bound[:, None]
    heads["delta"] = delta[:, decoder.ordered].clamp(-1.0, 1.0).to(torch.float32)
    heads["choice"] = torch.where(wrong, _option(decoder, journey.target_u), 0)[:, decoder.choices]
    if "module" in heads:
        heads["module"] = _by_module(decoder, gap.abs() + wrong).argmax(-1)
    return heads


def remaining(decoder: ActionDecoder, journey: Journey) -> tuple[torch.Tensor, torch.Tensor]:
    """What is left to do: the signed way of ordered parameters (B, P), and which choices are wrong (B, P) bool.

    What is closed, right already or unknown counts as nothing.
    """
    known = journey.open & torch.isfinite(journey.target_u)
    target = torch.where(known, journey.target_u, journey.u)
    ordered = torch.zeros_like(known).index_fill(1, decoder.ordered, True)
    # An integer is there as soon as it snaps to the same value, wherever in its bin.
    there = decoder.twin.discrete & (decoder.twin.snap(target) == journey.u)
    gap = torch.where(ordered & known & ~there, target - journey.raw_u, 0.0)
    return gap, known & ~ordered & ~there


def steps_needed(decoder: ActionDecoder, journey: Journey) -> torch.Tensor:
    """How many steps the oracle takes at most, (B,) whole numbers; a choice takes one."""
    gap, wrong = remaining(decoder, journey)
    reach = torch.ones_like(journey.bound) if decoder.config.absolute else journey.bound
    # A float32 action falls short by less than this share of a step, which is no reason for another one.
    steps = torch.ceil(gap.abs() / reach[:, None] - 1e-6) + wrong
    if decoder.config.mode == "all":
        return steps.amax(-1).to(torch.int64)
    inside = steps[:, :, None] * _membership(decoder)  # (B, P, M)
    return inside.amax(1).sum(-1).to(torch.int64)


def _option(decoder: ActionDecoder, target_u: torch.Tensor) -> torch.Tensor:
    """Which option, counted from 1, each target is, (B, P) whole numbers; only discrete columns mean something."""
    target = decoder.twin.snap(torch.nan_to_num(target_u))
    return torch.floor(target * decoder.twin.steps).to(torch.int64) + 1


def _membership(decoder: ActionDecoder) -> torch.Tensor:
    modules = len(decoder.layout.table.modules)
    return torch.nn.functional.one_hot(decoder.module_of, modules).to(torch.float64)


def _by_module(decoder: ActionDecoder, amount: torch.Tensor) -> torch.Tensor:
    """Sums over each module's parameters, (B, M)."""
    return amount @ _membership(decoder)
