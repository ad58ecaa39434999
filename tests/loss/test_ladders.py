"""The further from the target, the dearer: in pitch, level, brightness, decay, and along the knobs of a preset."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from myna.features import CONFIGS as EARS
from myna.features import analyse
from myna.loss import CONFIGS, Heard, PerceptualLoss, score
from myna.params import ParameterTable
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

from .conftest import RATE, audible, note, stereo, vibrato_saw

BOTH = pytest.mark.parametrize("name", list(CONFIGS))
PROBE = Probe(60, 100, 0.6, 1.0)
STEPS_U = np.array([0.0, 0.05, 0.1, 0.2, 0.35])


def ladder(name: str, sounds: list[np.ndarray]) -> np.ndarray:
    """Losses against the first of the sounds."""
    features = analyse(np.stack(sounds), RATE, EARS[name])
    return PerceptualLoss(CONFIGS[name])(features, features[:1]).total.numpy()


def saw(semitones: float = 0.0) -> np.ndarray:
    return 0.1 * vibrato_saw(57 + semitones, RATE // 2, 0.0, 1.0)


@BOTH
@pytest.mark.parametrize("sign", [1, -1])
def test_a_larger_pitch_error_costs_more_up_to_an_octave(name: str, sign: int) -> None:
    assert np.all(np.diff(ladder(name, [note(sign * step) for step in (0, 1, 2, 5, 12)])) > 0.01)


@BOTH
@pytest.mark.parametrize("sign", [1, -1])
def test_a_sines_pitch_error_costs_more_up_to_two_octaves(name: str, sign: int) -> None:
    t = np.arange(RATE // 2) / RATE
    sines = [stereo(0.1 * np.sin(2 * np.pi * 440 * 2 ** (sign * k / 12) * t)) for k in (0, 1, 2, 5, 12, 24)]
    assert np.all(np.diff(ladder(name, sines)) > 0.01)


@BOTH
@pytest.mark.parametrize("sign", [1, -1])
def test_a_larger_level_error_costs_more(name: str, sign: int) -> None:
    assert np.all(np.diff(ladder(name, [note(gain_db=sign * step) for step in (0, 1, 3, 6, 12)])) > 0.01)


@BOTH
@pytest.mark.parametrize("cutoffs_hz", [(800, 1000, 1400, 2500, 6000), (6000, 4500, 3000, 1500, 500)])
def test_a_larger_cutoff_error_costs_more(name: str, cutoffs_hz: tuple[int, ...]) -> None:
    filters = [signal.butter(4, hz, fs=RATE, output="sos") for hz in cutoffs_hz]
    assert np.all(np.diff(ladder(name, [stereo(signal.sosfilt(sos, saw())) for sos in filters])) > 0.01)


@BOTH
def test_a_larger_error_in_decay_costs_more(name: str) -> None:
    assert np.all(np.diff(ladder(name, [note(decay_s=s) for s in (0.3, 0.2, 0.1, 0.05, 0.02)])) > 0.01)


@BOTH
def test_a_larger_error_in_brightness_costs_more(name: str) -> None:
    assert np.all(np.diff(ladder(name, [note(partials=partials) for partials in (12, 9, 6, 3, 1)])) > 0.01)


@BOTH
def test_a_later_start_costs_more(name: str) -> None:
    assert np.all(np.diff(ladder(name, [note(late_s=s) for s in (0, 0.01, 0.03, 0.1, 0.2)])) > 0.01)


def path_losses(
    renderer: Renderer, targets: np.ndarray, knob: int, loss: PerceptualLoss, goals: list[Heard]
) -> np.ndarray:
    """Losses (n, steps) along a knob from each target outward, towards the side with more room."""
    u = np.repeat(targets[:, None], len(STEPS_U), axis=1)
    away = np.where(targets[:, knob] < 0.5, 1.0, -1.0)
    u[:, :, knob] += away[:, None] * STEPS_U
    audio = renderer.render(u.reshape(-1, u.shape[-1]), PROBE)[:, 0].reshape(*u.shape[:2], 2, -1)
    config = goals[0].features.config
    assert config == EARS[loss.config.scale_set]
    return np.array([score(audio[i], RATE, goals[i], loss)[0].total.numpy() for i in range(len(targets))])


def rises(renderer: Renderer, targets: np.ndarray, knobs: list[int], name: str) -> dict[str, list[float]]:
    """Median losses along each knob that changes the sound of four targets or more."""
    goals = [Heard(analyse(renderer.render(u[None], PROBE)[0], RATE, EARS[name])) for u in targets]
    found = {}
    for knob in knobs:
        losses = path_losses(renderer, targets, knob, PerceptualLoss(CONFIGS[name]), goals)
        heard = losses[losses.max(axis=1) > 0.01]
        if len(heard) >= 4:
            found[renderer.table.parameters[knob].name] = np.median(heard, axis=0).tolist()
    return found


def continuous(table: ParameterTable) -> list[int]:
    return [i for i in range(len(table)) if not table.discrete[i]]


def test_the_median_loss_rises_along_the_strongest_knobs_from_the_target_outward() -> None:
    renderer = Renderer(threads=1)
    names = ("master.volume_db", "osc_a.level", "filter.cutoff_hz", "env_1.attack_s", "env_1.decay_s", "env_1.sustain")
    knobs = [i for i in continuous(renderer.table) if renderer.table.parameters[i].name in names]
    found = rises(renderer, audible(renderer, 8, "paths"), knobs, "training")
    assert len(found) >= 5
    for name, losses in found.items():
        assert losses[0] == 0.0, name
        assert np.all(np.diff(losses) > 0), (name, losses)


# Knobs of time and rate decorrelate two sounds at once and then no further (or, as a short predelay, not at first):
# their losses lie on a plateau. The lists are strict, like UNSOLVED among the cheats.
PLATEAUS = {
    "full": {"lfo_1.rate_hz", "lfo_2.rate_hz", "reverb.size", "reverb.predelay_s"},
    "training": {
        "osc_b.detune_cents",
        "osc_b.phase",
        "lfo_1.rate_hz",
        "lfo_2.rate_hz",
        "delay.time_s",
        "reverb.size",
        "reverb.predelay_s",
    },
}


@pytest.mark.soak
@BOTH
def test_the_median_loss_rises_along_every_continuous_knob_from_the_target_outward(name: str) -> None:
    renderer = Renderer()
    found = rises(renderer, audible(renderer, 64, "paths"), continuous(renderer.table), name)
    assert len(found) > 80
    assert {knob for knob, losses in found.items() if np.any(np.diff(losses) <= 0)} == PLATEAUS[name]
    for knob, losses in found.items():
        highest = np.maximum.accumulate(losses)
        assert losses[0] == 0.0 and losses[-1] > 0.0, knob
        assert np.all(losses >= 0.75 * highest), (knob, losses)
