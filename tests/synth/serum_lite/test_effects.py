"""Chorus, delay, reverb and equaliser do what their knobs say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import freqz
from tests.synth.measure import BRIGHT_HZ, RATE, db, harmonic_amplitudes, hz_of, lag_of, play, rms, spectrum, steady

# A burst of white noise of 5 ms, and silence after it: what the effects add stands alone.
BURST = {
    "osc_a.on": False, "noise.on": True, "noise.level": 1.0, "noise.width": 0.0, "env_1.decay_s": 0.005,
    "env_1.decay_curve": 0.0, "env_1.sustain": 0.0,
}  # fmt: skip
SAW = {"osc_a.table": "basic_shapes", "osc_a.position": 2 / 3}


@pytest.mark.parametrize("time_s", [0.02, 0.1234, 0.5, 1.0])
def test_the_delay_repeats_after_its_time_to_the_sample(time_s: float) -> None:
    wet = {"delay.on": True, "delay.time_s": time_s, "delay.mix": 1.0, "delay.feedback": 0.0, "delay.damp_hz": 20_000.0}
    dry, sound = play(BURST, BURST | wet, seconds=1.1)[:, 0]
    assert abs(lag_of(sound - dry, dry) - round(time_s * RATE)) <= 1


def test_the_delay_falls_by_its_feedback_and_darkens_by_its_damping() -> None:
    wet = {"delay.on": True, "delay.time_s": 0.1, "delay.mix": 1.0, "delay.feedback": 0.8}
    open_, dark = play(*(BURST | wet | {"delay.damp_hz": hz} for hz in (20_000.0, 1_000.0)), seconds=1.0)[:, 0]
    echoes = [[rms(x[int(k * 4_410) : int(k * 4_410) + 600]) for k in range(1, 6)] for x in (open_, dark)]
    ratios = np.array(echoes)[:, 1:] / np.array(echoes)[:, :-1]
    assert (ratios[0] < 0.95 * 0.8).all()  # full feedback is 0.95
    assert (ratios[0] > 0.6).all()
    assert (ratios[1] < ratios[0]).all()


def test_ping_pong_throws_the_echo_from_side_to_side() -> None:
    wet = {"delay.on": True, "delay.time_s": 0.1, "delay.mix": 1.0, "delay.feedback": 0.9, "delay.ping_pong": True}
    left, right = play(BURST | wet, seconds=0.6)[0]
    sides = [(rms(left[s : s + 600]), rms(right[s : s + 600])) for s in range(4_410, 22_000, 4_410)]
    for k, pair in enumerate(sides):
        near, far = pair if k % 2 == 0 else pair[::-1]
        assert near > 100 * far


@pytest.mark.parametrize("decay_s", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("size", [0.2, 0.8])
def test_the_reverb_falls_by_60_db_in_its_decay_time(decay_s: float, size: float) -> None:
    """From the slope of the backward-integrated energy (Schroeder), -5 to -35 dB; within 10 %, below the damping."""
    room = {
        "noise.color": -1.0,
        "reverb.on": True,
        "reverb.mix": 1.0,
        "reverb.decay_s": decay_s,
        "reverb.size": size,
        "reverb.damp_hz": 20_000.0,
    }
    tail = play(BURST | room, seconds=1.2 * decay_s + 0.2)[0].sum(axis=0)
    left = np.cumsum(tail[::-1] ** 2)[::-1]
    level = 10 * np.log10(left / left[0] + 1e-30)
    first, last = np.argmax(level < -5), np.argmax(level < -35)
    assert 60 * (last - first) / RATE / 30 == pytest.approx(decay_s, rel=0.1)


def test_reverb_damping_shortens_the_highs() -> None:
    room = BURST | {"reverb.on": True, "reverb.mix": 1.0, "reverb.decay_s": 2.0}
    bright, dark = play(room | {"reverb.damp_hz": 20_000.0}, room | {"reverb.damp_hz": 1_000.0}, seconds=1.0)[:, 0]
    partials = spectrum(np.stack([bright, dark])[:, RATE // 2 :])
    high = partials[:, len(partials[0]) // 4 :]  # above 5.5 kHz
    assert db(rms(high[1]) / rms(high[0])) < -30.0


def test_the_predelay_shifts_the_room_by_its_time() -> None:
    room = BURST | {"reverb.on": True, "reverb.mix": 1.0, "reverb.size": 0.5}
    near, far = play(room, room | {"reverb.predelay_s": 0.1}, seconds=0.5)[:, 0]
    gap = int(np.flatnonzero(far)[0] - np.flatnonzero(near)[0])
    assert abs(gap - 4_410) <= 1
    assert np.abs(far[gap:] - near[:-gap]).max() < 1e-6


def test_the_room_is_wide() -> None:
    left, right = play(BURST | {"reverb.on": True, "reverb.mix": 1.0, "reverb.decay_s": 2.0}, seconds=1.0)[0, :, 8_820:]
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.2


def test_a_chorus_without_depth_is_a_delay_of_9_ms() -> None:
    wet = {"chorus.on": True, "chorus.depth": 0.0, "chorus.mix": 1.0, "chorus.feedback": 0.0}
    dry, late = play(BURST, BURST | wet, seconds=0.1)[:, 0]
    assert lag_of(late, dry) == pytest.approx(0.009 * RATE, abs=1)
    assert rms(late) == pytest.approx(rms(dry), rel=0.35)  # linear interpolation takes some treble


def test_the_chorus_sways_the_pitch_at_its_rate_by_its_depth() -> None:
    """A delay of d sin(2 pi r t) bends the pitch by 2 pi r d at most: at full depth, 6 ms, and 2 Hz by 7.5 %."""
    wet = {
        "osc_a.table": "sine_harmonics",
        "chorus.on": True,
        "chorus.mix": 1.0,
        "chorus.rate_hz": 2.0,
        "chorus.depth": 1.0,
    }
    twins = play(wet, wet | {"osc_a.phase": 0.25}, note=69, seconds=2.0)[:, 0, RATE // 4 :]
    turn = np.unwrap(np.angle(twins[1] + 1j * twins[0]))
    bend = np.diff(turn)[200:] * RATE / (2 * np.pi) / 440.0 - 1.0
    smooth = np.convolve(bend, np.ones(441) / 441, "valid")
    assert smooth.max() == pytest.approx(2 * np.pi * 2.0 * 0.006, rel=0.05)
    assert smooth.min() == pytest.approx(-2 * np.pi * 2.0 * 0.006, rel=0.05)


def cookbook(band: str, hz: float, gain_db: float, at: np.ndarray) -> np.ndarray:
    """Gain of Bristow-Johnson's shelves (slope 1) and bell (Q 0.9) at some frequencies."""
    a, w = 10 ** (gain_db / 40), 2 * np.pi * hz / RATE
    c, s = np.cos(w), np.sin(w)
    if band == "mid":
        alpha = s / (2 * 0.9)
        b, d = [1 + alpha * a, -2 * c, 1 - alpha * a], [1 + alpha / a, -2 * c, 1 - alpha / a]
    else:
        k, r = (1 if band == "low" else -1), 2 * np.sqrt(a) * s / np.sqrt(2)
        b = [
            a * (a + 1 - k * (a - 1) * c + r),
            k * 2 * a * (a - 1 - k * (a + 1) * c),
            a * (a + 1 - k * (a - 1) * c - r),
        ]
        d = [a + 1 + k * (a - 1) * c + r, -k * 2 * (a - 1 + k * (a + 1) * c), a + 1 + k * (a - 1) * c - r]
    return np.abs(freqz(b, d, at, fs=RATE)[1])


@pytest.mark.parametrize(("band", "hz"), [("low", 200.0), ("mid", 1_000.0), ("high", 4_000.0)])
@pytest.mark.parametrize("gain_db", [-15.0, -6.0, 6.0, 15.0])
def test_the_equaliser_is_the_cookbooks(band: str, hz: float, gain_db: float) -> None:
    flat, shaped = steady(SAW, SAW | {"eq.on": True, f"eq.{band}_hz": hz, f"eq.{band}_db": gain_db}, note=33)
    before, after = (harmonic_amplitudes(spectrum(wave), hz_of(33), BRIGHT_HZ) for wave in (flat, shaped))
    at = hz_of(33) * np.arange(1, len(before) + 1)
    assert np.abs(db(after / before / cookbook(band, hz, gain_db, at))).max() < 0.05


def test_an_equaliser_at_0_db_and_effects_at_mix_0_change_nothing() -> None:
    idle = {
        "eq.on": True, "chorus.on": True, "chorus.mix": 0.0, "delay.on": True, "delay.mix": 0.0, "reverb.on": True,
        "reverb.mix": 0.0,
    }  # fmt: skip
    plain, through = play(SAW, SAW | idle, seconds=0.3)
    assert np.abs(plain - through).max() < 5e-5 * np.abs(plain).max()  # rounding in three biquads
