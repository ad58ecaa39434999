"""What a proxy of the synth tells an agent that edits: what each knob would do here, and how far an action would get.

Both come from an observation alone. Differences are believed and no more: the present sound is known as it is, and the
proxy says what it would change by. A gradient through a learned model (Heess et al. 2015, "Learning continuous control
policies by stochastic value gradients", arXiv 1510.09142) tells of a hundred knobs what a reward, one number, cannot.

Shapes: B batch, D numbers of a summary, O ordered parameters, C choices, K options of all choices, H hints = O + K.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import nn

from myna.agents.heads import ActionHeads, Live
from myna.agents.networks import Actor, Noise
from myna.agents.proxy_net import IMPORTANCE, ProxyNet, load_proxy
from myna.envs.observation import CLIP
from myna.envs.summary import SHAPES
from myna.errors import IncompatibleVersionError, UsageError, printable
from myna.params import ParameterTable

__all__ = ["Foresight", "Outlook", "foresight_of", "most_promising"]

_STEP_U = 0.1  # what hints tell of: how much nearer a step of so much of one knob alone would bring it
_STEEP = 20.0  # so that a hint of a twentieth is about 1
_NEAR = 0.02  # distances below it, in spreads, are all alike
_SOFTEN = 0.1
_NARROW = 0.75  # so often hints are about a half of the numbers


class Outlook(NamedTuple):
    """What is seen at observations: `hints` (B, H), and what `Foresight.gain` needs of them.

    `values` (B, O) and `chosen` (B, K) are the preset as the proxy reads it, `probe` (B, 3), `lacks` (B, D) the target
    minus the present sound, `said` (B, D) what the proxy says of the present preset, `distance` (B,) of both sounds.
    """

    hints: torch.Tensor
    values: torch.Tensor
    chosen: torch.Tensor
    probe: torch.Tensor
    bound: torch.Tensor
    lacks: torch.Tensor
    said: torch.Tensor
    distance: torch.Tensor


class Foresight(nn.Module):
    """A frozen proxy, read through observations of one probe and actions that turn all knobs at once.

    Args:
        layout: of the observation: name → where a part lies, and its shape.
        net: the proxy, and `sha256` of its weights where they are known.

    Raises:
        UsageError: an observation of several probes.
    """

    importance: torch.Tensor
    owner: torch.Tensor
    picked: torch.Tensor

    def __init__(self, layout: Mapping[str, tuple[slice, tuple[int, ...]]], net: ProxyNet, sha256: str = "") -> None:
        """See the class."""
        super().__init__()
        if layout["probe"][1][0] != 1:
            raise UsageError("Foresight reads observations of one probe.")
        self.net, self.sha256 = net, sha256
        self._parts = {name: where for name, (where, _) in layout.items()}
        options = net.options.tolist()
        # In an action each choice has one entry more than options, which keeps.
        entries = [entry for option in options for entry in (False, *[True] * option)]
        self.register_buffer("importance", IMPORTANCE, persistent=False)
        self.register_buffer("owner", torch.repeat_interleave(net.options), persistent=False)
        self.register_buffer("picked", torch.tensor(entries).nonzero().squeeze(-1), persistent=False)

    @property
    def numbers(self) -> int:
        """Uniform numbers that `attention` takes, 1 + D."""
        return 1 + len(self.importance)

    @property
    def size(self) -> int:
        """Number of hints, H."""
        return len(self.net.ordered) + len(self.owner)

    def attention(self, uniform: torch.Tensor) -> torch.Tensor:
        """Which of a summary's numbers hints are about, (B, D), of uniform numbers (B, 1 + D): all, or a random half.

        What was tried and failed would be tried again if it looked the same.
        """
        half = 2.0 * (uniform[:, 1:] < 0.5)
        return torch.where(uniform[:, :1] < _NARROW, half, 1.0)

    def see(self, observation: torch.Tensor, attention: torch.Tensor | None = None) -> Outlook:
        """What the proxy says at observations; no gradient flows through it.

        A hint is how much nearer, as a share of the distance and to first order, a step of _STEP_U of an ordered knob
        alone would bring the sound, or another option of a choice.

        Args:
            observation: (B, …) flat.
            attention: (B, D) of `attention`; to all alike where it is left out.
        """
        read = {name: observation[:, where] for name, where in self._parts.items()}
        target, current = (torch.cat([read[f"{of}_{name}"] for name in SHAPES], -1) for of in ("target", "current"))
        lacks = (target - current).float()
        distance = self._distance(lacks)
        values, chosen = self.net.values_of(read["ordered"]), read["choices"].float()
        probe = self.net.probe_of(read["probe"])
        with torch.enable_grad():
            inputs = values.detach().requires_grad_(True), chosen.detach().requires_grad_(True)
            said = self.net.say(*inputs, probe)
            pull = self.importance * lacks / (lacks.abs() + _SOFTEN * lacks.abs().mean(-1, keepdim=True) + 1e-6)
            pull = pull if attention is None else pull * attention
            by_value, by_option = torch.autograd.grad(said, inputs, pull)
        present = self._of_choice(by_option * chosen)[:, self.owner]
        steps = self.net.values_of(torch.tensor(2.0 * _STEP_U)) * by_value, by_option - present
        hints = torch.asinh(_STEEP * torch.cat(steps, -1) / distance.clamp_min(_NEAR)[:, None]).clamp(-CLIP, CLIP)
        return Outlook(hints, values, chosen, probe, read["bound"], lacks, said.detach(), distance)

    def gain(self, outlook: Outlook, action: torch.Tensor) -> torch.Tensor:
        """How much nearer actions (B, A) would bring the sound, as a share of the distance, (B,); differentiable."""
        delta, picks = action.split([len(self.net.ordered), action.shape[1] - len(self.net.ordered)], -1)
        edge = self.net.values_of(torch.tensor(1.0, device=action.device))
        values = outlook.values + self.net.values_of(2.0 * outlook.bound) * delta
        picks = picks[:, self.picked]
        kept = 1.0 - self._of_choice(picks)[:, self.owner]
        said = self.net.say(values.clamp(-edge, edge), outlook.chosen * kept + picks, outlook.probe)
        after = self._distance(outlook.lacks - (said - outlook.said))
        return (outlook.distance - after) / outlook.distance.clamp_min(_NEAR)

    def _distance(self, lacks: torch.Tensor) -> torch.Tensor:
        return (lacks.abs() * self.importance).sum(-1)

    def _of_choice(self, options: torch.Tensor) -> torch.Tensor:
        """Sums (B, C) over the options (B, K) of each choice."""
        sums = options.new_zeros(len(options), len(self.net.options))
        return sums.index_add(1, self.owner, options)


def most_promising(
    actor: Actor, foresight: Foresight, observation: torch.Tensor, live: Live, noise: Noise, uniform: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Of N actions drawn at each of B observations the heads of the one that promises most.

    Planning with a policy for proposals, as in TD-MPC (Hansen et al. 2022, arXiv 2203.04955), one step ahead.

    Args:
        actor: proposes.
        foresight: its own.
        observation: (B, …) flat.
        live: what is open, B rows.
        noise: of N · B draws, the first of every observation first.
        uniform: (N · B, 1 + D), see `Foresight.attention`.
    """
    draws = len(uniform) // len(observation)
    observation, live = observation.repeat(draws, 1), Live(*(mask.repeat(draws, 1) for mask in live))
    outlook = foresight.see(observation, foresight.attention(uniform))
    drawn = actor.draw(actor(observation, live, outlook), noise, live)
    gain = foresight.gain(outlook, drawn.action).unflatten(0, (draws, -1))
    rows = gain.argmax(0) * gain.shape[1] + torch.arange(gain.shape[1], device=gain.device)
    return {name: head[rows] for name, head in drawn.heads.items()}


def foresight_of(
    table: ParameterTable,
    layout: Mapping[str, tuple[slice, tuple[int, ...]]],
    heads: ActionHeads,
    weights: str,
    device: torch.device | str = "cpu",
    sha256: str = "",
) -> Foresight | None:
    """Foresight by the name or path of a proxy's weights; None for an empty one.

    With `sha256` only by the proxy whose tensors have it: an actor reads the hints of the one that it learned with.

    Raises:
        IncompatibleVersionError: another proxy than that.
        UsageError: actions of one module at a time, or an observation of several probes.
        MynaError: see `load_weights`.
    """
    if not weights:
        return None
    if heads.modules:
        raise UsageError("Foresight is for actions that turn all knobs at once: set mode to all, or name no foresight.")
    net, card = load_proxy(table, weights)
    if sha256 and card["sha256"] != sha256:
        raise IncompatibleVersionError(
            f"The policy learned with another proxy than “{printable(weights)}”: train it again, or take its own."
        )
    return Foresight(layout, net, card["sha256"]).to(device)
