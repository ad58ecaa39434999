"""Soft actor-critic (Haarnoja et al. 2018, arXiv 1812.05905) for actions of many deltas and many choices.

What differs from the textbook, and why:
- Entropy counts as what exceeds its target, per live dimension. For one set of open parameters that is a constant, so
  the best policy is the same, but values no longer shift as a curriculum opens more of them.
- Deltas and choices have a temperature each; closed parameters are in no sum.
- The critic may learn a distribution by cross-entropy (two-hot or HL-Gauss: Farebrother et al. 2024, arXiv 2403.03950).
- With foresight, a proxy of the synth, the actor sees what each knob would do, and the critics what an action is said
  to gain: so they need only learn how far to believe it. What is said to be gained is climbed directly, too.
- A cloning term holds the actor to edits that are known to be right; its weight falls to a floor, not to 0. As in
  TD3+BC (arXiv 2106.06860) the other terms are then divided by the mean |Q|, so that the weight means the same always.

Shapes: B batch, D observation, O deltas, C choices, M modules, A entries of an action, K bins of a critic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import NamedTuple

import torch
from torch.nn.functional import mse_loss, one_hot
from torch.optim.swa_utils import get_ema_multi_avg_fn

from myna.agents.foresight import Foresight, Outlook, most_promising
from myna.agents.heads import ActionHeads, Live
from myna.agents.networks import Actor, Critics, Drawn, Layout, NetworkConfig, Noise, Policy, precision, torch_generator
from myna.agents.replay import Batch, Edits, Observed
from myna.errors import UsageError

__all__ = [
    "SAC",
    "SACConfig",
    "actor_loss",
    "bellman",
    "cloning_loss",
    "critic_loss",
    "imagined_loss",
    "project",
    "temperature_loss",
]


@dataclass(frozen=True)
class SACConfig:
    """How SAC learns.

    Attributes:
        networks: sizes; `outputs` follows from `critic` and `bins`.
        discount: 0.8 was better than 0.99 wherever it was tried on editing sounds.
        batch: transitions per update.
        actor_rate, critic_rate, temperature_rate: Adam's learning rates.
        target_rate: share by which the target critics follow at each update.
        temperature: of both kinds at first.
        critic: `squared`, `two-hot` or `hl-gauss`.
        bins, value_range: of a categorical critic; values outside the range are clipped.
        warm_up: updates at first in which the critics learn alone.
        actor_every: updates of the critics per update of the actor.
        clone_start, clone_floor, clone_updates: the cloning term's weight falls from start to floor over so many.
        imagine: weight of the gain that foresight promises in the actor's loss; see `imagined_loss`.
        draws: actions that are drawn where there is foresight; the one that promises most is made. What helped of them
            is an example for the actor, who so learns to do without (expert iteration: Anthony et al. 2017).
        compile: torch.compile the losses. It pays on a GPU; on a CPU it costs half a minute for nothing.
        bf16: run the networks in bfloat16, see `networks.precision`.

    Raises:
        UsageError: a setting that is out of range.
    """

    networks: NetworkConfig = field(default_factory=NetworkConfig)
    discount: float = 0.8
    batch: int = 256
    actor_rate: float = 3e-4
    critic_rate: float = 3e-4
    temperature_rate: float = 3e-4
    target_rate: float = 0.005
    temperature: float = 0.05
    critic: str = "squared"
    bins: int = 101
    value_range: tuple[float, float] = (-10.0, 10.0)
    warm_up: int = 0
    actor_every: int = 1
    clone_start: float = 2.0
    clone_floor: float = 0.5
    clone_updates: int = 10_000
    imagine: float = 0.0
    draws: int = 1
    compile: bool = False
    bf16: bool = False

    def __post_init__(self) -> None:
        """See the class."""
        if self.critic not in ("squared", "two-hot", "hl-gauss"):
            raise UsageError(f"The critic's loss must be squared, two-hot or hl-gauss; got {self.critic!r}.")
        if not 0.0 <= self.discount < 1.0 or not 0.0 < self.target_rate <= 1.0:
            raise UsageError("discount must lie in 0 up to 1, and target_rate above 0 up to 1.")
        if self.imagine < 0.0:
            raise UsageError(f"imagine must be 0 or more; got {self.imagine}.")
        if self.bins < 2 or self.value_range[0] >= self.value_range[1]:
            raise UsageError("A categorical critic needs 2 bins or more and a value_range from low to high.")
        if not 0.0 <= self.clone_floor <= self.clone_start:
            raise UsageError("clone_floor must be 0 or more, and no higher than clone_start.")
        for name in (own.name for own in fields(self)):
            if name in ("batch", "actor_every", "temperature", "draws") and not getattr(self, name) > 0:
                raise UsageError(f"{name} must be above 0; got {getattr(self, name)}.")
            if name.endswith(("_rate", "_updates", "warm_up")) and not getattr(self, name) >= 0:
                raise UsageError(f"{name} must be 0 or more; got {getattr(self, name)}.")

    def clone_weight(self, update: int) -> float:
        """Of the cloning term at an update, counted from 0."""
        left = 1.0 - min(1.0, update / self.clone_updates) if self.clone_updates else 0.0
        return self.clone_floor + (self.clone_start - self.clone_floor) * left


_PER_DELTA, _PER_CHOICE, _LOSS_SHARE = 0.01, 0.03, 0.3  # of `imagined_loss`
_TOLD = 10.0  # times the promised gain, for the critics: as large as other numbers that they read
_INSIDE = 0.999  # of a delta: at 1, before tanh, it is infinite


class _Seen(NamedTuple):
    """What critics see of observations, and the outlook there, where there is foresight."""

    critics: tuple[torch.Tensor, torch.Tensor]
    outlook: Outlook | None


# The losses


def bellman(reward: torch.Tensor, terminated: torch.Tensor, discount: float, after: torch.Tensor) -> torch.Tensor:
    """What values should be, (B,): nothing comes after a termination, and truncation takes nothing away."""
    return reward + discount * torch.where(terminated, 0.0, after)


def project(value: torch.Tensor, support: torch.Tensor, kind: str) -> torch.Tensor:
    """Values (B,) as distributions (B, K) over evenly spaced bins whose centres are `support` (K,).

    `two-hot` splits a value between its two neighbours; `hl-gauss` spreads it as a Gaussian of 0.75 bins.
    """
    width = support[1] - support[0]
    value = value.clamp(support[0], support[-1])[:, None]
    if kind == "two-hot":
        return (1.0 - (value - support).abs() / width).clamp_min(0.0)
    edges = torch.cat([support - width / 2, support[-1:] + width / 2])
    below = torch.erf((edges - value) / (0.75 * width * math.sqrt(2.0)))
    return (below[:, 1:] - below[:, :-1]) / (below[:, -1:] - below[:, :1])


def value_of(output: torch.Tensor, support: torch.Tensor) -> torch.Tensor:
    """Values (…) of critics' outputs (…, 1) or (…, K)."""
    return output.squeeze(-1) if output.shape[-1] == 1 else (output.softmax(-1) * support).sum(-1)


def critic_loss(outputs: torch.Tensor, target: torch.Tensor, support: torch.Tensor, kind: str) -> torch.Tensor:
    """Sum over two critics' outputs (2, B, 1 or K) of the mean half square, or cross-entropy, against (B,)."""
    if kind == "squared":
        values = outputs.squeeze(-1)
        return 0.5 * mse_loss(values, target.expand_as(values), reduction="none").mean(-1).sum()
    return -(project(target, support, kind) * outputs.log_softmax(-1)).sum(-1).mean(-1).sum()


def actor_loss(value: torch.Tensor, surplus: torch.Tensor, temperature: torch.Tensor) -> torch.Tensor:
    """Minus the mean of values (B,) and of entropy above its target (B, 2) at its temperatures (2,)."""
    return -(value + (surplus * temperature).sum(-1)).mean()


def temperature_loss(log_temperature: torch.Tensor, surplus: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    """Lowers a temperature (2,) where the entropy per live dimension lies above its target, raises it where below."""
    per_dimension = surplus.sum(0) / count.sum(0).clamp_min(1.0)
    return (log_temperature * per_dimension.detach()).sum()


def cloning_loss(policy: Policy, edits: Edits, live: Live) -> torch.Tensor:
    """Distance from known edits: |tanh(mean) − edit| and the cross-entropies of choices and of the module.

    Of edits that a policy drew the likelihood counts instead of the distance: knobs that had to stay where they were
    come to be moved less (as the elite of the cross-entropy method shapes its next draws, Rubinstein 1999).
    Each is a mean over what is live, and heard in the goal, weighted as rows are `known`; the module counts where edits
    name one.
    """
    known = edits.known[:, None].float()
    if edits.matters is not None:
        live = Live(live.delta & edits.matters.delta, live.choice & edits.matters.choice, live.module)
    wanted = edits.heads["delta"].float()
    # Unknown edits may be NaN, and 0 · NaN is NaN.
    wanted = torch.where(known > 0.0, wanted, 0.0)
    off = _unlikely(policy, wanted) if edits.drawn else (torch.tanh(policy.mean) - wanted).abs()
    loss = _mean(off, known * live.delta)
    if policy.choice.shape[1]:
        loss = loss + _mean(_surprise(policy.choice, edits.heads["choice"]), known * live.choice)
    if "module" in edits.heads:
        loss = loss + _mean(_surprise(policy.module, edits.heads["module"]), known.squeeze(-1))
    return loss


def imagined_loss(policy: Policy, drawn: Drawn, gain: torch.Tensor, live: Live) -> torch.Tensor:
    """Minus the gain (B,) that foresight promises of drawn actions, less what these change: a price on errors unseen.

    A model is wrong most where it is exploited most: without a price 37 of 43 choices were changed at once, and the
    sound was worse; see docs/training-log.md. An action that makes it worse counts `_LOSS_SHARE` of that, as it may be
    taken back.
    """
    kept = policy.choice[..., 0].exp() if policy.choice.shape[1] else policy.choice.new_ones(len(gain), 0)
    moved = drawn.action[:, : live.delta.shape[1]].square().sum(-1)  # 0 where closed
    price = _PER_DELTA * moved + _PER_CHOICE * ((1.0 - kept) * live.choice).sum(-1)
    return -(torch.where(gain > 0.0, gain, _LOSS_SHARE * gain).clamp_min(-1.0) - price).mean()


def _unlikely(policy: Policy, delta: torch.Tensor) -> torch.Tensor:
    """Minus the log-density of deltas before tanh, but for a constant, (B, O)."""
    before = torch.atanh(delta.clamp(-_INSIDE, _INSIDE))
    return 0.5 * ((before - policy.mean) / policy.log_std.exp()).square() + policy.log_std


def _surprise(log_p: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return -(log_p * one_hot(wanted.long(), log_p.shape[-1])).sum(-1)


def _mean(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return (values * weight).sum() / weight.sum().clamp_min(1.0)


# The learner


class SAC:
    """An actor, two critics and their targets, two temperatures; the same seed gives the same bits.

    Args:
        config: how it learns.
        layout: of the observation.
        heads: of the action.
        seed: of the weights and of all draws.
        device: where it lives.
        foresight: see the file; on the device.

    Example:
        >>> heads = ActionHeads(deltas=1, options=(3,))
        >>> sac = SAC(SACConfig(), {"knobs": (slice(0, 2), (2,))}, heads, seed=0)
        >>> {name: tuple(head.shape) for name, head in sac.act(torch.zeros(5, 2)).items()}
        {'delta': (5, 1), 'choice': (5, 1)}
    """

    def __init__(
        self,
        config: SACConfig,
        layout: Layout,
        heads: ActionHeads,
        seed: int,
        device: torch.device | str = "cpu",
        foresight: Foresight | None = None,
    ) -> None:
        """See the class.

        Raises:
            UsageError: something to imagine, and no foresight.
        """
        if config.imagine and foresight is None:
            raise UsageError("To imagine takes foresight: give it, or set imagine to 0.")
        self.config, self.heads, self.device = config, heads, torch.device(device)
        self.foresight = foresight
        networks = replace(config.networks, outputs=1 if config.critic == "squared" else config.bins)
        rng = torch_generator(seed, "sac", "weights")
        self.actor = Actor(layout, heads, networks, rng, foresight).to(device)
        told = 1 if foresight else 0
        self.critics, self.targets = (Critics(layout, heads, networks, rng, told).to(device) for _ in range(2))
        self.targets.load_state_dict(self.critics.state_dict())
        self.targets.requires_grad_(False)
        self.log_temperature = torch.full((2,), math.log(config.temperature), device=device, requires_grad=True)
        self._follow = get_ema_multi_avg_fn(1.0 - config.target_rate)
        self.support = torch.linspace(*config.value_range, config.bins, device=device)
        self.optimisers = {
            "actor": torch.optim.Adam(self.actor.parameters(), config.actor_rate, fused=True),
            "critics": torch.optim.Adam(self.critics.parameters(), config.critic_rate, fused=True),
            "temperature": torch.optim.Adam([self.log_temperature], config.temperature_rate, fused=True),
        }
        # Two streams, so that how often somebody acts changes no update.
        self.rngs = {name: torch_generator(seed, "sac", name, device=device) for name in ("act", "update")}
        self.updates = 0
        wrap = torch.compile if config.compile else lambda function: function
        self._critic_pass, self._actor_pass = wrap(self._critic_terms), wrap(self._actor_terms)

    @torch.no_grad()
    def act(self, observation: torch.Tensor, live: Live | None = None, greedy: bool = False) -> dict[str, torch.Tensor]:
        """Heads of an action: `delta` (B, O), `choice` (B, C) and, with modules, `module` (B,).

        Args:
            observation: (B, D).
            live: what is open; all, where it is left out.
            greedy: the likeliest action instead of a draw.
        """
        live = self._live(live, len(observation))
        if greedy:
            return self.actor.best(self.actor(observation, live))
        return self.draw(observation, live, self.rngs["act"])

    @torch.no_grad()
    def draw(self, observation: torch.Tensor, live: Live, rng: torch.Generator) -> dict[str, torch.Tensor]:
        """Heads of an action that is drawn as the policy acts."""
        if self.foresight is None:
            return self.actor.draw(self.actor(observation, live), self.actor.noise(len(observation), rng), live).heads
        count = self.config.draws * len(observation)
        noise = self.actor.noise(count, rng)
        uniform = torch.rand((count, self.foresight.numbers), generator=rng, device=observation.device)
        with self._precision():
            return most_promising(self.actor, self.foresight, observation, live, noise, uniform)

    def update(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Learn from a batch. What comes back are numbers on the device, so that nothing waits for it.

        The actor learns from the critics as they were before this update, so that both share what these see.
        """
        done, live = self.updates, self._live(batch.now.live, len(batch.reward))
        self.updates += 1
        target = self._target(batch)
        loss, seen = self._critic_pass(batch, live, target)
        self._backward("critics", loss)
        told, moved = {"critic_loss": loss, "value": target.mean()}, ["critics"]
        if done >= self.config.warm_up and done % self.config.actor_every == 0:
            told |= self._actor_gradients(batch.now, live, seen, done)
            moved += ["actor", "temperature"]
        for name in moved:
            self.optimisers[name].step()
        self._follow([*self.targets.parameters()], [*self.critics.parameters()], 0)
        return {name: value.detach() for name, value in told.items()}

    def clone(self, observed: Observed) -> torch.Tensor:
        """Learn known edits alone, to begin with; gives the cloning loss.

        Raises:
            UsageError: no edits.
        """
        if observed.edits is None:
            raise UsageError("Cloning needs edits that are known: let the replay's assemble give them.")
        live = self._live(observed.live, len(observed.observation))
        with self._precision():
            policy = self.actor(observed.observation, live)
        loss = cloning_loss(policy, observed.edits, live)
        self._backward("actor", loss)
        self.optimisers["actor"].step()
        return loss.detach()

    @torch.no_grad()
    def _target(self, batch: Batch) -> torch.Tensor:
        live = self._live(batch.after.live, len(batch.reward))
        with self._precision():
            seen = self._see(self.targets, batch.after.observation)
            policy = self.actor(batch.after.observation, live, seen.outlook)
            drawn = self.actor.draw(policy, self.actor.noise(len(batch.reward), self.rngs["update"]), live)
            outputs = self.targets(seen.critics, self._told(seen, drawn.action)[0])
        after = value_of(outputs, self.support).amin(0) + (drawn.surplus * self.log_temperature.exp()).sum(-1)
        return bellman(batch.reward, batch.terminated, self.config.discount, after)

    def _critic_terms(self, batch: Batch, live: Live, target: torch.Tensor) -> tuple[torch.Tensor, _Seen]:
        with self._precision():
            action = self.actor.tables.encode(batch.action, live)
            seen = self._see(self.critics, batch.now.observation)
            outputs = self.critics(seen.critics, self._told(seen, action)[0])
        return critic_loss(outputs, target, self.support, self.config.critic), seen

    def _see(self, critics: Critics, observation: torch.Tensor) -> _Seen:
        return _Seen(critics.see(observation), self.actor.see(observation, self.rngs["update"]))

    def _told(self, seen: _Seen, action: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Actions (B, A) as critics read them, and what they are said to gain, (B,), if anything says it."""
        if self.foresight is None or seen.outlook is None:
            return action, None
        gain = self.foresight.gain(seen.outlook, action)
        return torch.cat([action, _TOLD * gain.clamp(-1.0, 1.0)[:, None]], -1), gain

    def _actor_terms(
        self, observation: torch.Tensor, live: Live, seen: _Seen, noise: Noise
    ) -> tuple[Policy, Drawn, torch.Tensor, torch.Tensor | None]:
        with self._precision():
            policy = self.actor(observation, live, seen.outlook)
            drawn = self.actor.draw(policy, noise, live)
            action, gain = self._told(seen, drawn.action)
            outputs = self.critics((seen.critics[0].detach(), seen.critics[1].detach()), action)
        return policy, drawn, value_of(outputs, self.support).amin(0), gain

    def _actor_gradients(self, now: Observed, live: Live, seen: _Seen, done: int) -> dict[str, torch.Tensor]:
        self.critics.requires_grad_(False)  # the gradient goes through them, not to them
        noise = self.actor.noise(len(now.observation), self.rngs["update"])
        policy, drawn, least, gain = self._actor_pass(now.observation, live, seen, noise)
        loss = actor_loss(least, drawn.surplus, self.log_temperature.detach().exp())
        told, beside = {"actor_loss": loss}, []
        if known := [cloning_loss(policy, edits, live) for edits in (now.edits, now.helped) if edits is not None]:
            told["cloning_loss"] = torch.stack(known).sum()
            beside.append(self.config.clone_weight(done) * told["cloning_loss"])
        if gain is not None:
            told["promised"] = gain.mean()
        if gain is not None and self.config.imagine:
            told["imagined_loss"] = imagined_loss(policy, drawn, gain, live)
            beside.append(self.config.imagine * told["imagined_loss"])
        if beside:
            loss = loss / least.detach().abs().mean().clamp_min(1e-3) + torch.stack(beside).sum()
        self._backward("actor", loss)
        self.critics.requires_grad_(True)
        told["ent_coef_loss"] = temperature_loss(self.log_temperature, drawn.surplus, drawn.count)
        self._backward("temperature", told["ent_coef_loss"])
        per_dimension = drawn.surplus.sum(0) / drawn.count.sum(0).clamp_min(1.0)
        for i, name in enumerate(("delta", "choice")):
            told |= {f"entropy_surplus_{name}": per_dimension[i], f"ent_coef_{name}": self.log_temperature[i].exp()}
        return told | {"ent_coef": self.log_temperature.exp().mean()}

    def _live(self, live: Live | None, count: int) -> Live:
        return self.heads.all_live(count, self.device) if live is None else live

    def _precision(self) -> torch.autocast:
        return precision(self.device, self.config.bf16)

    def _backward(self, name: str, loss: torch.Tensor) -> None:
        self.optimisers[name].zero_grad()
        loss.backward()

    # Saving

    def state_dict(self) -> dict[str, torch.Tensor]:
        """All of it, as tensors."""
        tensors = {"updates": torch.tensor(self.updates), "log_temperature": self.log_temperature.detach()}
        for name in ("actor", "critics", "targets"):
            tensors |= {f"{name}.{key}": value for key, value in getattr(self, name).state_dict().items()}
        for name, optimiser in self.optimisers.items():
            for index, moments in optimiser.state_dict()["state"].items():
                tensors |= {f"optimiser.{name}.{index}.{key}": value for key, value in moments.items()}
        return tensors | {f"rng.{name}": rng.get_state() for name, rng in self.rngs.items()}

    def load_state_dict(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Go on from there, to the bit.

        Raises:
            UsageError: of a learner of another shape.
        """
        try:
            for name in ("actor", "critics", "targets"):
                getattr(self, name).load_state_dict(_under(f"{name}.", tensors))
        except RuntimeError:
            raise UsageError("These weights are of other networks: resume with the settings they had.") from None
        for name, optimiser in self.optimisers.items():
            moments: dict[int, dict[str, torch.Tensor]] = {}
            for key, value in _under(f"optimiser.{name}.", tensors).items():
                index, kind = key.split(".")
                moments.setdefault(int(index), {})[kind] = value.clone()
            optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})
        with torch.no_grad():
            self.log_temperature.copy_(tensors["log_temperature"])
        for name, rng in self.rngs.items():
            rng.set_state(tensors[f"rng.{name}"].cpu())
        self.updates = int(tensors["updates"])


def _under(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
