"""What terms and penalties derive from the features of a sound, each once: a target is kept between calls.

Shapes: … any leading shape, F frames, M mel bands, E envelope frames, W windows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

from myna.errors import UsageError
from myna.features import Features
from myna.loss import flutter
from myna.loss.apart import magnitudes_apart
from myna.loss.reduce import sum_of

__all__ = ["Heard"]

ONSET_BELOW_PEAK_DB = 40.0
"""A sound begins and ends where its envelope crosses this far below its peak."""
_LARGE = frozenset({"magnitude_norms", "loud_bands"})
_HEARD_DB = -70.0
_LN10_OVER_20 = math.log(10.0) / 20.0


class Heard:
    """Features and what follows from them.

    Attributes:
        features: of the sounds.
    """

    def __init__(self, features: Features, apart: Tensor | None = None) -> None:
        """Nothing is computed before it is asked for.

        Args:
            features: of the sounds.
            apart: (…, W, 2) `magnitudes_apart` from the target that the sounds will be compared with, where the
                features hold no magnitudes any more.
        """
        self.features = features
        self._apart = apart

    def derived(self) -> Heard:
        """The same, with all that follows computed already but for images, which are quicker made than moved."""
        kept = Heard(self.features)
        for name, value in vars(Heard).items():
            if isinstance(value, cached_property) and name not in _LARGE:
                kept.__dict__[name] = getattr(self, name)
        return kept

    def map(self, change: Callable[[Tensor], Tensor]) -> Heard:
        """The same with every tensor changed along its leading dimensions; images that were derived are forgotten."""
        return self.combine(self.features.map(change), change)

    def combine(self, features: Features, change: Callable[..., Tensor], *others: Heard) -> Heard:
        """What `change` makes of each tensor and those of others in its place; `features` are what comes of theirs."""
        changed, small = Heard(features), [heard._small() for heard in (self, *others)]
        changed.__dict__.update({name: change(*(values[name] for values in small)) for name in small[0]})
        return changed

    def tensors(self) -> list[Tensor]:
        """All that `map` changes, in that order."""
        return [*self.features.tensors().values(), *self._small().values()]

    def _small(self) -> dict[str, Tensor]:
        return {name: value for name, value in vars(self).items() if name not in ("features", "_apart", *_LARGE)}

    def apart(self, target: Heard) -> Tensor:
        """How far the magnitudes lie from a target's by window, (…, W, 2), see `magnitudes_apart`.

        Raises:
            UsageError: there are no magnitudes.
        """
        if self._apart is not None:
            return self._apart
        both = self.features.magnitudes, target.features.magnitudes
        if not all(both):
            raise UsageError(
                "The term mr_stft needs magnitudes: analyse with the full config, or use the training loss."
            )
        return torch.stack([magnitudes_apart(a, b) for a, b in zip(*both, strict=True)], -2)

    @property
    def mel(self) -> Tensor:
        """Log-mel on the main scale, (…, F, M) dB."""
        return self.features.mels[0]

    @property
    def frame_s(self) -> float:
        """Length of an envelope frame in seconds."""
        return self.features.config.envelope_samples(self.features.sample_rate) / self.features.sample_rate

    @cached_property
    def frame_level(self) -> Tensor:
        """Loudest band of each frame, dB above the floor and 1 at the floor, (…, F)."""
        return self.mel.amax(-1) + (1.0 - self.features.config.floor_db)

    @cached_property
    def cumulative(self) -> Tensor:
        """Cumulative share of amplitude over the mel bands, (…, F, M); a silent frame is spread evenly."""
        amplitude = torch.exp_((self.mel - self.features.config.floor_db).mul_(_LN10_OVER_20)).sub_(0.999)
        amplitude = amplitude.cumsum(-1)
        return amplitude.div_(amplitude[..., -1:].clone())

    @cached_property
    def magnitude_norms(self) -> tuple[Tensor, ...]:
        """Frobenius norm of the magnitudes of every window, (…)."""
        return tuple(sum_of(magnitude.square(), 2).sqrt_() for magnitude in self.features.magnitudes)

    @cached_property
    def side_db(self) -> Tensor:
        """Side envelope without what is not heard beside its middle, (…, E)."""
        return self.features.side_db.clamp_min(-60.0)

    @cached_property
    def momentary_lufs(self) -> Tensor:
        """Loudness contour, no quieter than -70 LUFS, (…, K)."""
        return self.features.momentary_lufs.clamp_min(_HEARD_DB)

    @cached_property
    def loudness_lufs(self) -> Tensor:
        """Integrated loudness, no quieter than -70 LUFS, (…)."""
        return self.features.loudness_lufs.clamp_min(_HEARD_DB)

    @cached_property
    def peak_db(self) -> Tensor:
        """Loudest frame of the envelope, (…)."""
        return self.features.envelope_db.amax(-1)

    @cached_property
    def edge_db(self) -> Tensor:
        """The level at which the sound begins and ends, (…)."""
        return (self.peak_db - ONSET_BELOW_PEAK_DB).clamp_min(_HEARD_DB)

    @cached_property
    def onset_frame(self) -> Tensor:
        """Where the envelope first crosses its edge, in envelope frames and fractions, (…); 0 for silence."""
        envelope = self.features.envelope_db
        floor = torch.full_like(envelope[..., :1], self.features.config.floor_db)
        before = torch.cat([floor, envelope[..., :-1]], -1)
        edge = self.edge_db[..., None]
        above = envelope >= edge
        first = above.to(torch.uint8).argmax(-1, keepdim=True)
        now, last = envelope.gather(-1, first), before.gather(-1, first)
        crossing = first - (now - edge) / (now - last).clamp_min(1e-3)
        return torch.where(above.any(-1), crossing[..., 0], 0.0)

    @cached_property
    def loud_bands(self) -> Tensor:
        """See `flutter.loud_bands`, (…, F, M)."""
        return flutter.loud_bands(self.mel)

    @cached_property
    def roughness(self) -> Tensor:
        """From 0 for a steady tone to about 1 for noise, (…)."""
        return flutter.roughness(self.features, self.loud_bands)

    @cached_property
    def movement_db(self) -> Tensor:
        """How much the spectrum changes in 30 ms, (…)."""
        return flutter.movement_db(self.features, self.loud_bands)

    @cached_property
    def pumping_db_per_s(self) -> Tensor:
        """How far the envelope travels up and down within 40 dB of its peak, dB per second, (…)."""
        above = torch.maximum(self.features.envelope_db, self.edge_db[..., None])
        travelled = sum_of((above[..., 1:] - above[..., :-1]).abs_(), 1)
        return travelled * (self.features.sample_rate / self.features.samples)

    @cached_property
    def frames_of_energy(self) -> Tensor:
        """Over how many envelope frames the energy is spread, (…): 1 for a click, E for a steady sound."""
        relative = self.features.envelope_db - self.peak_db[..., None]
        power = torch.exp(relative * (2.0 * _LN10_OVER_20))
        return sum_of(power, 1).square() / sum_of(power.square(), 1)

    @cached_property
    def dc_share(self) -> Tensor:
        """Share of the power that is DC, (…) in [0, 1]."""
        power = torch.exp(self.features.level_db * (2.0 * _LN10_OVER_20))
        return (self.features.dc.square() / power).clamp_max(1.0)

    @cached_property
    def last_frame(self) -> Tensor:
        """The last envelope frame above the edge, (…) int64; 0 for silence."""
        above = self.features.envelope_db >= self.edge_db[..., None]
        frames = torch.arange(above.shape[-1], device=above.device)
        return torch.where(above, frames, 0).amax(-1)
