"""What a loss means, in words and numbers for a person: brighter, later, too quiet.

Shapes: one sound and one target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import Tensor

from myna.errors import UsageError
from myna.features import Features
from myna.loss.heard import Heard
from myna.loss.perceptual import PerceptualLoss, as_heard
from myna.loss.reduce import sum_of
from myna.loss.terms import TERMS, frame_weight

__all__ = ["Finding", "explain"]


@dataclass(frozen=True)
class Finding:
    """One part of a loss.

    Attributes:
        name: of the term or penalty.
        loss: what it adds to the total.
        share: of the total, in [0, 1]; 0 where the total is 0.
        text: what is to be heard, from the candidate's side ("brighter by 0.4 octaves").
    """

    name: str
    loss: float
    share: float
    text: str


def explain(features: Features | Heard, target: Features | Heard, loss: PerceptualLoss | None = None) -> list[Finding]:
    """Say how one sound differs from a target: every term, when it starts, the penalties that apply; dearest first.

    Args:
        features: of one sound, leading shape () or (1,).
        target: likewise, of the same config.
        loss: `PerceptualLoss()` unless given.

    Raises:
        UsageError: more than one sound, or features that cannot be compared.
    """
    loss = loss or PerceptualLoss()
    sound, goal = as_heard(features), as_heard(target)
    if sound.features.shape.numel() != 1 or goal.features.shape.numel() != 1:
        raise UsageError("Only one sound and one target can be explained at a time.")
    breakdown = loss(sound, goal)
    total = float(breakdown.total)
    parts = {name: float(part) for name, part in breakdown.terms.items()}
    parts |= {name: float(part) for name, part in breakdown.penalties.items() if float(part) > 0.0 or name == "onset"}
    found = [
        Finding(name, part, part / total if total > 0 else 0.0, _WORDS[name](sound, goal))
        for name, part in parts.items()
    ]
    return sorted(found, key=lambda finding: -finding.loss)


def _signed(amount: float, unit: str, more: str, less: str, none: str, digits: int = 1) -> str:
    """`2.1 LU too loud`, or `none` for an amount that rounds to nothing."""
    text = f"{abs(amount):.{digits}f}"
    return none if float(text) == 0 else f"{text} {unit} {more if amount > 0 else less}"


def _weighted(difference: Tensor, sound: Heard, goal: Heard) -> float:
    return float(sum_of(difference * frame_weight(sound, goal), 1))


def _log_mel(sound: Heard, goal: Heard) -> str:
    return f"mel bands differ by {float(TERMS['log_mel'](sound, goal)):.1f} dB on average"


def _mr_stft(sound: Heard, goal: Heard) -> str:
    return f"spectrograms differ by {float(TERMS['mr_stft'](sound, goal)):.2f} (convergence plus nepers)"


def _mfcc(sound: Heard, goal: Heard) -> str:
    return f"spectral shapes differ by {float(TERMS['mfcc'](sound, goal)):.1f} per coefficient"


def _transport(sound: Heard, goal: Heard) -> str:
    bands = sound.mel.shape[-1]
    upwards = _weighted((goal.cumulative - sound.cumulative).mean(-1), sound, goal) * bands
    moved = float(TERMS["transport"](sound, goal)) * bands
    balance = _signed(upwards, "bands", "higher", "lower", "level")
    return f"energy lies {moved:.1f} of {bands} mel bands away: {balance} on balance"


def _envelope(sound: Heard, goal: Heard) -> str:
    return f"levels over time differ by {float(TERMS['envelope'](sound, goal)):.1f} dB once onsets are aligned"


def _centroid(sound: Heard, goal: Heard) -> str:
    octaves = _weighted(sound.features.centroid_octaves - goal.features.centroid_octaves, sound, goal)
    text = f"{abs(octaves):.2f}"
    return "as bright" if float(text) == 0 else f"{'brighter' if octaves > 0 else 'darker'} by {text} octaves"


def _loudness(sound: Heard, goal: Heard) -> str:
    return _signed(float(sound.loudness_lufs - goal.loudness_lufs), "LU", "too loud", "too quiet", "as loud")


def _stereo(sound: Heard, goal: Heard) -> str:
    return f"sides {_signed(float((sound.side_db - goal.side_db).mean()), 'dB', 'louder', 'softer', 'as loud')}"


def _onset(sound: Heard, goal: Heard) -> str:
    late_ms = 1000.0 * float(sound.onset_frame - goal.onset_frame) * sound.frame_s
    return f"starts {_signed(late_ms, 'ms', 'late', 'early', 'on time', 0)}"


def _percent(value: Tensor) -> str:
    return f"{100.0 * float(value):.0f} %"


Words = Callable[[Heard, Heard], str]

_WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "log_mel": _log_mel,
        "mr_stft": _mr_stft,
        "mfcc": _mfcc,
        "transport": _transport,
        "envelope": _envelope,
        "centroid": _centroid,
        "loudness": _loudness,
        "stereo": _stereo,
        "silence": lambda a, b: f"its loudest moment is {float(b.peak_db - a.peak_db):.0f} dB under the target's",
        "dc": lambda a, b: f"{_percent(a.dc_share)} of its power is a constant",
        "clipping": lambda a, b: f"{_percent(a.features.clipped)} of its samples are clipped",
        "transient": lambda a, b: (
            f"its energy sits in {1000 * float(a.frames_of_energy) * a.frame_s:.0f} ms,"
            f" the target's in {1000 * float(b.frames_of_energy) * b.frame_s:.0f} ms"
        ),
        "noise": lambda a, b: f"noisier: roughness {float(a.roughness):.2f} against {float(b.roughness):.2f}",
        "smear": lambda a, b: (
            f"its spectrum moves about by {float(a.movement_db):.1f} dB, the target's by {float(b.movement_db):.1f} dB"
        ),
        "level": _loudness,
        "pumping": lambda a, b: (
            f"its level travels {float(a.pumping_db_per_s):.0f} dB per second,"
            f" the target's {float(b.pumping_db_per_s):.0f}"
        ),
        "tail": lambda a, b: "it goes on when the target is over",
        "onset": _onset,
        "broken": lambda a, b: "it holds NaN or infinity",
    }
)
