"""The terms of the loss: each takes two sounds and returns (…), one number per item, before scaling.

All are zero for equal features and non-negative. All but `mr_stft` are symmetric (its spectral convergence divides by
the target's norm). Shapes: … any leading shape of the candidates; a target of one item is compared with all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from myna.loss.heard import Heard
from myna.loss.reduce import mean_of, sum_of

__all__ = ["SYMMETRIC", "TERMS", "aligned_envelopes", "frame_weight", "mel_shares"]

SC_CEILING = 5.0
"""Spectral convergence of one window is cut here, as in SynthRL: against a soft target it has no bound."""
_ALIGN_FRAMES = 8.0  # about 0.1 s: what is further off is another note
_QUIETEST_NORM = 1e-4


def log_mel(sound: Heard, target: Heard) -> Tensor:
    """Mean absolute difference in dB over bands and frames, averaged over the mel scales by `mel_shares`."""
    mels = zip(sound.features.mels, target.features.mels, mel_shares(sound), strict=True)
    parts = [share * mean_of((a - b).abs_(), 2) for a, b, share in mels]
    return _added(parts)


def mel_shares(sound: Heard) -> list[float]:
    """What each mel scale counts: the root of its number of bands, adding up to 1.

    Finer scales tell more, but three scales say three times much the same: the root is the compromise.
    """
    roots = [math.sqrt(mel.shape[-1]) for mel in sound.features.mels]
    return [root / sum(roots) for root in roots]


def mr_stft(sound: Heard, target: Heard) -> Tensor:
    """Spectral convergence plus mean absolute difference of log magnitudes (nepers), averaged over the windows.

    As auraloss.freq.MultiResolutionSTFTLoss on a single item (Yamamoto et al. 2020, arXiv 1910.11480), but for the
    floor of -80 dBFS under the logarithm and the ceiling of the convergence.

    Raises:
        UsageError: the features hold no magnitudes.
    """
    missed, logs = sound.apart(target).unbind(-1)
    parts = []
    for i, norm in enumerate(target.magnitude_norms):
        convergence = (missed[..., i] / norm.clamp_min(_QUIETEST_NORM)).clamp_max(SC_CEILING)
        parts.append(convergence + logs[..., i])
    return _added(parts) / len(parts)


def mfcc(sound: Heard, target: Heard) -> Tensor:
    """Mean absolute difference of the cepstral coefficients."""
    return mean_of((sound.features.mfcc - target.features.mfcc).abs_(), 2)


def centroid(sound: Heard, target: Heard) -> Tensor:
    """Mean distance of the spectral centroids in octaves, frames weighted by their level."""
    distance = (sound.features.centroid_octaves - target.features.centroid_octaves).abs_()
    return sum_of(distance.mul_(frame_weight(sound, target)), 1)


def loudness(sound: Heard, target: Heard) -> Tensor:
    """Half the mean distance of the momentary contours plus half that of the integrated loudness, in LU."""
    contour = mean_of((sound.momentary_lufs - target.momentary_lufs).abs_(), 1)
    return 0.5 * (contour + (sound.loudness_lufs - target.loudness_lufs).abs_())


def envelope(sound: Heard, target: Heard) -> Tensor:
    """Mean absolute difference of the RMS envelopes in dB once their onsets are aligned."""
    a, b = aligned_envelopes(sound, target)
    return mean_of((a - b).abs_(), 1)


def transport(sound: Heard, target: Heard) -> Tensor:
    """Work to move one spectrum into the other (1-Wasserstein), as a part of the whole mel axis, loud frames first.

    A pitch error costs by its size here, where differences band by band say only "elsewhere".
    """
    moved = mean_of((sound.cumulative - target.cumulative).abs_(), 1)
    return sum_of(moved.mul_(frame_weight(sound, target)), 1)


def stereo(sound: Heard, target: Heard) -> Tensor:
    """Mean absolute difference of the side's envelopes in dB, above -60 dBFS."""
    return mean_of((sound.side_db - target.side_db).abs_(), 1)


def frame_weight(sound: Heard, target: Heard) -> Tensor:
    """How much each frame matters: its level over the floor in the louder of the two sounds, summing to 1, (…, F)."""
    loud = torch.maximum(sound.frame_level, target.frame_level)
    return loud / loud.sum(-1, keepdim=True)


def aligned_envelopes(sound: Heard, target: Heard) -> tuple[Tensor, Tensor]:
    """Both envelopes (…, E), each moved by half the distance of their onsets, at most 50 ms."""
    shift = (sound.onset_frame - target.onset_frame).clamp(-_ALIGN_FRAMES, _ALIGN_FRAMES) / 2.0
    return _moved(sound.features.envelope_db, shift), _moved(target.features.envelope_db, -shift)


def _moved(values: Tensor, by: Tensor) -> Tensor:
    """Read (…, E) at frame + by (…), linearly between frames; the ends go on."""
    last = values.shape[-1] - 1
    frames = torch.arange(last + 1, device=values.device, dtype=values.dtype)
    position = (frames + by[..., None]).clamp(0.0, float(last))
    low = position.floor()
    index = low.long()
    values = values.expand(*position.shape[:-1], -1)
    a, b = values.gather(-1, index), values.gather(-1, (index + 1).clamp_max(last))
    return a + (b - a) * (position - low)


def _added(parts: list[Tensor]) -> Tensor:
    """Add one by one, in a fixed order."""
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


Term = Callable[[Heard, Heard], Tensor]

TERMS: Mapping[str, Term] = MappingProxyType(
    {
        "log_mel": log_mel,
        "mr_stft": mr_stft,
        "mfcc": mfcc,
        "transport": transport,
        "envelope": envelope,
        "centroid": centroid,
        "loudness": loudness,
        "stereo": stereo,
    }
)
"""All terms by name."""

SYMMETRIC = frozenset(TERMS) - {"mr_stft"}
"""Terms that do not mind which of the two sounds is the target."""
