"""What SAC is made of: the encoder, the actor and what it draws, the critic.

Choices reach the critic as one-hot vectors, and the gradient comes back straight through (Bengio et al. 2013, arXiv
1308.3432; DreamerV2's 32 categoricals, arXiv 2010.02193). Exact expectation (Christodoulou 2019, arXiv 1910.07207;
Delalleau et al. 2019, arXiv 1912.11077) needs the critic's value of every joint choice, too many for 43 independent
heads. Straight-through weighs every option of every head in one backward pass, and is exact where Q is linear in each
head's one-hot. ReinMax (arXiv 2304.08612), exact where Q is quadratic, was no better: on a contextual bandit of 20
heads with pairwise terms, 4.79, 4.78 and 4.77 after 1,500 updates, against 4.84, 4.83 and 4.81.

Shapes: B batch, D observation, O deltas, C choices, K most options of a choice, M modules, A entries of an action.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn
from torch.nn.functional import pad, softplus

from myna.agents.heads import ActionHeads, HeadTables, Live, hot
from myna.errors import UsageError
from myna.seeding import generator

if TYPE_CHECKING:
    from myna.agents.foresight import Foresight, Outlook  # which is made of what is here

__all__ = ["Actor", "Critics", "Drawn", "Layout", "NetworkConfig", "Noise", "Policy", "precision", "torch_generator"]

Layout = Mapping[str, tuple[slice, tuple[int, ...]]]
"""The parts of an observation: name → where it lies in the flat vector, and its shape."""

_NEVER = -1e9  # a logit whose probability is exactly 0, and that times its logarithm too
_LOG_STD = (-5.0, 2.0)


def torch_generator(seed: int, *path: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """The torch twin of `myna.seeding.generator`: a stream that depends on seed and path alone."""
    return torch.Generator(device).manual_seed(int(generator(seed, *path).integers(2**63)))


def precision(device: torch.device, bf16: bool) -> torch.autocast:
    """Within it networks run in bfloat16 if that is wanted, and if the processor is quicker at it.

    One that has AVX2 alone took 18 times as long as in single precision (4.4 s and .24 s for a step of the proxy); with
    AVX-512 it takes half.
    """
    quick = device.type != "cpu" or torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16 and quick)


class Noise(NamedTuple):
    """What a policy draws: `delta` (B, O) standard normal; `choice` (B, C) and `module` (B,) uniform in [0, 1)."""

    delta: torch.Tensor
    choice: torch.Tensor
    module: torch.Tensor


class Policy(NamedTuple):
    """What the actor says: `mean` and `log_std` (B, O) before tanh, log-probabilities (B, C, K) and (B, M)."""

    mean: torch.Tensor
    log_std: torch.Tensor
    choice: torch.Tensor
    module: torch.Tensor


class Drawn(NamedTuple):
    """An action drawn from a policy.

    `heads`: `delta` (B, O) in [-1, 1], `choice` (B, C) and, with modules, `module` (B,) whole numbers.
    `action`: (B, A) as the critic reads it, differentiable.
    `surplus`: (B, 2) entropy above its target, of the deltas and of the choices with the module: sums over what is
    live, and in the module that was drawn. `count`: (B, 2) how many dimensions that are.
    """

    heads: dict[str, torch.Tensor]
    action: torch.Tensor
    surplus: torch.Tensor
    count: torch.Tensor


class Actor(nn.Module):
    """Tanh-Gaussian deltas and categorical heads.

    Args:
        layout: of the observation.
        heads: of the action.
        config: sizes, see `NetworkConfig`.
        rng: fills the weights, on the CPU.
        foresight: what it sees besides; none of its weights are the actor's own.
    """

    def __init__(
        self,
        layout: Layout,
        heads: ActionHeads,
        config: NetworkConfig,
        rng: torch.Generator,
        foresight: Foresight | None = None,
    ) -> None:
        """See the class."""
        super().__init__()
        self.heads, self.tables = heads, HeadTables(heads)
        self.encoder = _encoder(layout, config)
        self._foresight = (foresight,)  # not a part of it, to torch
        hints = foresight.size if foresight else 0
        self.body = _mlp(self.encoder.size + hints, config.hidden, config.actor_norm)
        self.sizes = [heads.deltas, heads.deltas, sum(heads.options), heads.modules]
        self.last = _layer(nn.Linear, config.hidden[-1], sum(self.sizes))
        _initialise(self, rng)
        self._keep_at_first()

    def _keep_at_first(self) -> None:
        """A new actor is as random as its target: it keeps, and at choice_rate it chooses."""
        start, rate = 2 * self.heads.deltas, self.heads.choice_rate
        with torch.no_grad():
            for options in self.heads.options:
                self.last.bias[start] += math.log((1 - rate) / rate * (options - 1)) / self.heads.sharpness
                start += options

    @torch.no_grad()
    def spread_as_meant(self) -> None:
        """Make deltas as random as their target, wherever: cloning teaches means, and leaves spreads as they were."""
        low, high = _LOG_STD
        log_std = self.heads.entropy_per_delta - 0.5 * math.log(2 * math.pi * math.e)  # tanh bends little of it
        share = min(max((log_std - low) / (high - low), 1e-3), 1 - 1e-3)
        spreads = slice(self.heads.deltas, 2 * self.heads.deltas)
        self.last.weight[spreads] = 0.0
        self.last.bias[spreads] = math.atanh(2.0 * share - 1.0)

    def see(self, observation: torch.Tensor, rng: torch.Generator | None = None) -> Outlook | None:
        """What it foresees at observations (B, D), if it can; `rng` draws what that is about, or it is about all."""
        (foresight,) = self._foresight
        if foresight is None:
            return None
        if rng is None:
            return foresight.see(observation)
        uniform = torch.rand((len(observation), foresight.numbers), generator=rng, device=observation.device)
        return foresight.see(observation, foresight.attention(uniform))

    def forward(self, observation: torch.Tensor, live: Live, outlook: Outlook | None = None) -> Policy:
        """The policy at observations (B, D), with what `see` gives there; a closed module has probability 0."""
        seen, outlook = self.encoder(observation), outlook or self.see(observation)
        if outlook:
            seen = torch.cat([seen, outlook.hints], -1)
        out = self.last(self.body(seen)).float()
        mean, spread, scores, module = out.split(self.sizes, -1)
        low, high = _LOG_STD
        choice = pad(scores, (0, 1), value=_NEVER)[:, self.tables.place]
        module = module.masked_fill(~live.module, _NEVER)
        return Policy(
            mean, low + (high - low) / 2 * (torch.tanh(spread) + 1), choice.log_softmax(-1), module.log_softmax(-1)
        )

    def noise(self, count: int, rng: torch.Generator) -> Noise:
        """What B = count draws need."""
        device = self.last.weight.device
        deltas, choices = (count, self.heads.deltas), (count, len(self.heads.options))
        return Noise(
            torch.randn(deltas, generator=rng, device=device),
            torch.rand(choices, generator=rng, device=device),
            torch.rand(count, generator=rng, device=device),
        )

    def draw(self, policy: Policy, noise: Noise, live: Live) -> Drawn:
        """Actions of a policy, differentiable, and how random they were."""
        before = policy.mean + policy.log_std.exp() * noise.delta
        delta = torch.tanh(before)
        # log(1 - tanh²) without cancellation.
        squash = 2.0 * (math.log(2.0) - before - softplus(-2.0 * before))
        entropy = 0.5 * noise.delta.square() + policy.log_std + 0.5 * math.log(2 * math.pi) + squash
        choosing = (self.heads.sharpness * policy.choice).log_softmax(-1)
        chances, module = choosing.exp(), policy.module.exp()
        heads = {"delta": delta.detach(), "choice": _pick(chances, noise.choice)}
        choice, free_choice = _straight(chances, heads["choice"]), _entropy(chances, choosing)
        if self.heads.modules:
            heads["module"] = _pick(module, noise.module)
            module = _straight(module, heads["module"])
        acts_delta, acts_choice = (gate.detach() for gate in self.tables.acting(live, module))
        deltas = ((entropy - self.heads.entropy_per_delta) * acts_delta).sum(-1)
        picks = ((free_choice - self.tables.choice_targets) * acts_choice).sum(-1)
        counts = [acts_delta.sum(-1), acts_choice.sum(-1)]
        if self.heads.modules:
            free = live.module.sum(-1)
            selects = free > 1
            entropy = _entropy(policy.module.exp(), policy.module) - self.heads.module_rate * free.clamp(min=1).log()
            picks, counts[1] = picks + entropy * selects, counts[1] + selects
        action = self.tables.vector(delta, choice, module, live)
        return Drawn(heads, action, torch.stack([deltas, picks], -1), torch.stack(counts, -1))

    def best(self, policy: Policy) -> dict[str, torch.Tensor]:
        """The likeliest heads, no draw."""
        heads = {"delta": torch.tanh(policy.mean), "choice": policy.choice.argmax(-1)}
        return {**heads, "module": policy.module.argmax(-1)} if self.heads.modules else heads


class _Critic(nn.Module):
    """Values of actions (B, A), in two steps, as what it sees serves for more than one action; arguments as `Actor`'s.

    The first layer reads observation and action in two parts: a gradient towards the action costs nothing for what
    was observed. An action may come with `told` numbers more, which say what it would do.
    """

    def __init__(
        self, layout: Layout, heads: ActionHeads, config: NetworkConfig, rng: torch.Generator, told: int = 0
    ) -> None:
        """See the class."""
        super().__init__()
        self.encoder = _encoder(layout, config)
        width, *others = config.hidden
        self.observation = _layer(nn.Linear, self.encoder.size, width)
        size = heads.size + told
        self.action = _layer(nn.Linear, size, width, bias=False)
        self.body = nn.Sequential(*_after(width, config.critic_norm), *_mlp(width, others, config.critic_norm))
        self.last = _layer(nn.Linear, config.hidden[-1], config.outputs)
        _initialise(self, rng)
        with torch.no_grad():
            for layer in (self.observation, self.action):  # as wide as those of one layer
                for tensor in layer.parameters():
                    tensor *= (layer.in_features / (self.encoder.size + size)) ** 0.5

    def see(self, observation: torch.Tensor) -> torch.Tensor:
        """What `forward` needs of observations (B, D)."""
        return self.observation(self.encoder(observation))

    def forward(self, seen: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        """Outputs (B, 1), or (B, K) of a categorical critic."""
        return self.last(self.body(seen + self.action(action))).float()


class Critics(nn.Module):
    """Two critics side by side; arguments as `Actor`'s, `told` of `_Critic`."""

    def __init__(
        self, layout: Layout, heads: ActionHeads, config: NetworkConfig, rng: torch.Generator, told: int = 0
    ) -> None:
        """See the class."""
        super().__init__()
        self.one, self.two = (_Critic(layout, heads, config, rng, told) for _ in range(2))

    def see(self, observation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What `forward` needs of observations (B, D)."""
        return self.one.see(observation), self.two.see(observation)

    def forward(self, seen: tuple[torch.Tensor, torch.Tensor], action: torch.Tensor) -> torch.Tensor:
        """Outputs (2, B, 1 or K)."""
        return torch.stack([self.one(seen[0], action), self.two(seen[1], action)])


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes.

    Attributes:
        hidden: widths of the layers.
        encoder: `mlp` reads the flat observation; `conv` reads the parts whose name ends in `mel` as one image of many
            channels, and the rest flat.
        image_features: what `conv` makes of the image.
        actor_norm, critic_norm: LayerNorm after each layer.
        outputs: of a critic: 1, or the bins of a categorical one.

    Raises:
        UsageError: an unknown encoder or no layer.
    """

    hidden: tuple[int, ...] = (256, 256)
    encoder: str = "mlp"
    image_features: int = 128
    actor_norm: bool = False
    critic_norm: bool = True
    outputs: int = 1

    def __post_init__(self) -> None:
        """See the class."""
        if self.encoder not in _ENCODERS:
            raise UsageError(f"The encoder must be one of {', '.join(_ENCODERS)}; got {self.encoder!r}.")
        if not self.hidden or min(self.hidden) < 1:
            raise UsageError(f"hidden must be one width or more; got {self.hidden}.")


class _Flat(nn.Module):
    """The observation as it is."""

    def __init__(self, layout: Layout, config: NetworkConfig) -> None:
        super().__init__()
        self.size = max(where.stop for where, _ in layout.values())

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        return observation


class _Images(nn.Module):
    """The log-mel images through two convolutions, all else as it is."""

    def __init__(self, layout: Layout, config: NetworkConfig) -> None:
        super().__init__()
        images = {name: part for name, part in layout.items() if name.endswith("mel")}
        shapes = {shape[-2:] for _, shape in images.values()}
        if len(shapes) != 1 or len(next(iter(shapes))) != 2:
            raise UsageError("The encoder conv needs parts whose name ends in mel, all images of one size.")
        self.images = [where for where, _ in images.values()]
        self.others = [where for name, (where, _) in layout.items() if name not in images]
        self.shape = (-1, *next(iter(shapes)))  # of images (H, W), stretches of time × bands
        height, width = self.shape[1:]
        channels = sum(where.stop - where.start for where in self.images) // (height * width)
        left = 32 * math.ceil(math.ceil(height / 2) / 2) * math.ceil(math.ceil(width / 4) / 2)
        self.layers = nn.Sequential(
            _layer(nn.Conv2d, channels, 16, (3, 5), stride=(2, 4), padding=(1, 2)),
            nn.ReLU(inplace=True),
            _layer(nn.Conv2d, 16, 32, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            _layer(nn.Linear, left, config.image_features),
            _layer(nn.LayerNorm, config.image_features),
        )
        self.size = config.image_features + sum(where.stop - where.start for where in self.others)

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        images = torch.cat([observation[:, where].unflatten(-1, self.shape) for where in self.images], 1)
        return torch.cat([self.layers(images), *(observation[:, where] for where in self.others)], -1)


_ENCODERS = {"mlp": _Flat, "conv": _Images}


def _encoder(layout: Layout, config: NetworkConfig) -> Any:
    return _ENCODERS[config.encoder](layout, config)


def _mlp(size: int, hidden: Sequence[int], norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, width in zip([size, *hidden], hidden, strict=False):
        layers += [_layer(nn.Linear, before, width), *_after(width, norm)]
    return nn.Sequential(*layers)


def _after(width: int, norm: bool) -> list[nn.Module]:
    return [*([_layer(nn.LayerNorm, width)] if norm else []), nn.ReLU(inplace=True)]


def _layer(kind: type[nn.Module], *args: Any, **settings: Any) -> Any:
    """A layer with no weights yet: torch would draw them from its global generator."""
    return nn.utils.skip_init(kind, *args, **settings)


def _initialise(network: nn.Module, rng: torch.Generator) -> None:
    """The weights that torch gives by default, from a generator of our own."""
    for layer in network.modules():
        if isinstance(layer, nn.LayerNorm):
            layer.reset_parameters()  # ones and zeros
        elif isinstance(layer, (nn.Linear, nn.Conv2d)):
            edge = layer.weight[0].numel() ** -0.5
            for tensor in layer.parameters():
                nn.init.uniform_(tensor, -edge, edge, generator=rng)


def _entropy(p: torch.Tensor, log_p: torch.Tensor) -> torch.Tensor:
    return -(p * log_p).sum(-1)


def _pick(p: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Draws from categoricals (…, K) by uniform numbers (…); never an option of probability 0."""
    ends = p.detach().cumsum(-1)
    return (ends <= uniform[..., None] * ends[..., -1:]).sum(-1)


def _straight(p: torch.Tensor, pick: torch.Tensor) -> torch.Tensor:
    """One-hot picks (…, K) with the gradient of the probabilities."""
    return hot(pick, p.shape[-1]) + (p - p.detach())
