"""The self-check of `myna doctor`: does this installation render, hear, compare, match, read files and load weights?

Bits may differ between machines, so nothing is compared with figures from another one: a check is about what must hold
on any. Sounds are short, so all checks together take some seconds, beside what numba needs to compile the synth once.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from myna.errors import MynaError

__all__ = ["CHECKS", "Checked", "checks"]

PRESET, OTHER = "Solo Saw", "Felt Upright"
RENDERS = 24
RATE = 44_100
_AS_WRITTEN = 1.0 / (1 << 15)  # a step of 16 bits


@dataclass(frozen=True)
class Checked:
    """How a check ended: `about` says what was found, or what is wrong."""

    name: str
    ok: bool
    about: str
    seconds: float


class _FailedError(Exception):
    """What does not hold, in a sentence."""


def checks() -> Iterator[Checked]:
    """Make all checks, one after the other; one that fails does not stop the others."""
    for name, check in CHECKS.items():
        begun = time.perf_counter()
        try:
            ok, about = True, check()
        except (_FailedError, MynaError) as error:
            ok, about = False, str(error)
        except Exception as error:  # a broken installation raises anything, and that is what is looked for
            ok, about = False, f"{type(error).__name__}: {error}"
        yield Checked(name, ok, " ".join(about.split()), time.perf_counter() - begun)


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _FailedError(otherwise)


def _sound(name: str) -> np.ndarray:
    """A factory preset's short note, (2, T)."""
    from myna.render import find_preset, render_preset
    from myna.synth.base import Probe

    return render_preset(find_preset(name), Probe(60, 100, 0.2, 0.4))


def _renders() -> str:
    once, again = _sound(PRESET), _sound(PRESET)
    _demand(bool(np.isfinite(once).all()), f"The preset “{PRESET}” gives numbers that are none.")
    _demand(float(np.abs(once).max()) > 0.01, f"The preset “{PRESET}” is silent.")
    _demand(once.tobytes() == again.tobytes(), f"The preset “{PRESET}” sounds different when it is played again.")
    return f"“{PRESET}” twice, the same bits"


def _compares() -> str:
    import torch

    from myna.features import FULL, analyse
    from myna.loss import PerceptualLoss

    sounds = torch.from_numpy(np.stack([_sound(PRESET), _sound(OTHER)]))
    target = analyse(sounds[:1], RATE, FULL)
    own, other = (float(PerceptualLoss()(analyse(sounds[i : i + 1], RATE, FULL), target).total[0]) for i in (0, 1))
    _demand(own == 0.0, f"A sound is {own:g} away from itself, not 0.")
    _demand(other > 0.05, f"“{OTHER}” is only {other:g} away from “{PRESET}”.")
    return f"0 from itself, {other:.2f} from “{OTHER}”"


def _matches() -> str:
    from myna.audio.files import Audio
    from myna.audio.target import target_from_audio
    from myna.matching import MatchSettings, match_target

    target = target_from_audio(Audio(_sound(OTHER), RATE, RATE), name=OTHER, note=60, gate=0.2)
    result = match_target(target, MatchSettings(agent="cma-es", budget=RENDERS, top=1))
    first, last = result.curve[0][1], result.curve[-1][1]
    _demand(last < first, f"{RENDERS} renders did not better the first one's loss, {first:.3f}.")
    return f"{RENDERS} renders, loss {first:.2f} → {last:.2f}"


def _reads_audio() -> str:
    from myna.audio.files import load_audio
    from myna.files import write_atomic
    from myna.render import encode_sound

    sound = _sound(PRESET)
    with tempfile.TemporaryDirectory(prefix="myna-doctor-") as folder:
        path = Path(folder) / "sound.wav"
        write_atomic(path, encode_sound(sound, RATE))
        read = load_audio(path)
    error = float(np.abs(np.asarray(read.samples) - sound).max())
    _demand(error <= _AS_WRITTEN, f"A sound that was written and read again is off by {error:g}.")
    return "a WAV file, written and read again"


def _loads_weights() -> str:
    from myna.agents.weights import load_weights, packaged

    names = packaged()
    _demand(bool(names), "No weights came with the package: install it again.")
    for name in names:
        load_weights(name)
    return ", ".join(names)


def _has_suites() -> str:
    from myna.evaluation.suites import SUITES, verify_suite

    for name in SUITES:
        verify_suite(name)
    return f"{len(SUITES)} suites as they were frozen"


CHECKS: dict[str, Callable[[], str]] = {
    "render": _renders,
    "compare": _compares,
    "match": _matches,
    "audio files": _reads_audio,
    "weights": _loads_weights,
    "suites": _has_suites,
}
"""Name → what says what was found, or raises."""
