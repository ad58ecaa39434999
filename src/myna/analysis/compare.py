"""The verb `loss`: how far a recording is from another, part by part, in words and numbers.

Shapes: C channels, T samples.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from myna.analysis.sound import MAX_ANALYSED_S, SAMPLE_RATE
from myna.audio.files import Audio, display_name, load_audio
from myna.audio.target import to_stereo
from myna.errors import UsageError
from myna.features import FULL, analyse
from myna.loss import Heard, PerceptualLoss
from myna.loss.config import scales
from myna.loss.explain import explain
from myna.loss.penalties import PENALTIES
from myna.loss.terms import TERMS

__all__ = ["Comparison", "Part", "compare_files", "compare_sounds"]

UNITS: Mapping[str, str] = MappingProxyType(
    {
        "log_mel": "dB",
        "mr_stft": "convergence + nepers",
        "mfcc": "per coefficient",
        "transport": "of the mel axis",
        "envelope": "dB",
        "centroid": "octaves",
        "loudness": "LU",
        "stereo": "dB",
    }
)
"""What a term measures in, before it is divided by its scale."""


@dataclass(frozen=True)
class Part:
    """One term or penalty: loss = weight × raw / scale.

    Attributes:
        name: of the term or penalty.
        kind: "term", or "penalty" for what closes a cheat.
        raw: before scale and weight.
        unit: of `raw` and `scale`; empty for a penalty, which has none.
        scale: the term's median over random pairs of presets; 1 for a penalty.
        weight: what the config gives it.
        loss: what it adds to the total.
        share: of the total, 0 to 1.
        text: what is to be heard, from the sound's side.
    """

    name: str
    kind: str
    raw: float
    unit: str
    scale: float
    weight: float
    loss: float
    share: float
    text: str


@dataclass(frozen=True)
class Comparison:
    """A sound and a target.

    Attributes:
        sound, target: their names, fit to be shown.
        loss: 0 for the same sound, 1 for the median pair of random presets.
        parts: every term and the penalties that apply, dearest first; their losses add up to `loss`.
        remarks: one sentence for each thing that was done to make the two comparable.
    """

    sound: str
    target: str
    loss: float
    parts: tuple[Part, ...]
    remarks: tuple[str, ...]


def compare_files(sound: str | os.PathLike[str], target: str | os.PathLike[str]) -> Comparison:
    """Compare two audio files as they are, at 44.1 kHz: nothing is trimmed, aligned or brought to one level.

    Args:
        sound: the file that is judged.
        target: the file that it should sound like.

    Raises:
        BadAudioError: a file cannot be used.

    Example:
        >>> compare_files("a.wav", "a.wav").loss  # doctest: +SKIP
        0.0
    """
    sounds = [load_audio(path, sample_rate=SAMPLE_RATE) for path in (sound, target)]
    return compare_sounds(sounds[0], sounds[1], (display_name(sound), display_name(target)))


def compare_sounds(sound: Audio, target: Audio, names: tuple[str, str] = ("the sound", "the target")) -> Comparison:
    """Compare two sounds; the shorter gets zeros at its end, and what comes after 60 s does not count.

    Args:
        sound: what is judged.
        target: what it should sound like, at the same rate.
        names: of both, for people.

    Raises:
        UsageError: of different rates.
    """
    if sound.sample_rate != target.sample_rate:
        raise UsageError(f"Two sounds need one rate to be compared; got {sound.sample_rate} and {target.sample_rate}.")
    remarks: list[str] = []
    pair = _of_one_length(sound, target, names, remarks)
    heard = [Heard(analyse(audio[None], sound.sample_rate, FULL)[0]) for audio in pair]
    parts = _parts(heard[0], heard[1], PerceptualLoss())
    return Comparison(names[0], names[1], sum(part.loss for part in parts), parts, tuple(remarks))


def _of_one_length(sound: Audio, target: Audio, names: tuple[str, str], remarks: list[str]) -> list[np.ndarray]:
    """Both as (2, T)."""
    longest = round(MAX_ANALYSED_S * sound.sample_rate)
    pair = [to_stereo(audio.samples, remarks)[:, :longest] for audio in (sound, target)]
    if max(sound.samples.shape[1], target.samples.shape[1]) > longest:
        remarks.append(f"Only the first {MAX_ANALYSED_S:g} s are compared.")
    lengths = [audio.shape[1] for audio in pair]
    if lengths[0] != lengths[1]:
        missing_s = abs(lengths[0] - lengths[1]) / sound.sample_rate
        shorter = names[int(lengths[1] < lengths[0])]
        remarks.append(f"{shorter} is shorter: {missing_s:.3f} s of silence were added at its end.")
    return [np.pad(audio, ((0, 0), (0, max(lengths) - audio.shape[1]))) for audio in pair]


def _parts(sound: Heard, target: Heard, loss: PerceptualLoss) -> tuple[Part, ...]:
    by_scale = scales(loss.config.scale_set)
    found = []
    for finding in explain(sound, target, loss):
        name = finding.name
        is_term = name in TERMS
        measure, weights = (TERMS, loss.config.weights) if is_term else (PENALTIES, loss.config.penalties)
        found.append(
            Part(
                name=name,
                kind="term" if is_term else "penalty",
                raw=float(measure[name](sound, target)),
                unit=UNITS.get(name, ""),
                scale=by_scale[name] if is_term else 1.0,
                weight=weights[name],
                loss=finding.loss,
                share=finding.share,
                text=finding.text,
            )
        )
    return tuple(found)
