"""The envelopes against their formula, heard through the engine: within one block at every sample."""

from __future__ import annotations

import numpy as np
import pytest
from tests.synth.measure import BLOCK_S, HELD_S, RATE, play

LEVEL_ERROR = 2e-3  # of full level, on top of the block: interpolation within it and float32
SINE = {"osc_a.table": "sine_harmonics", "osc_a.position": 0.0}
CASES = {
    "all at once": dict(delay_s=0.05, attack_s=0.1, hold_s=0.05, decay_s=0.2, sustain=0.4, release_s=0.15),
    "slow starts": dict(attack_s=0.2, decay_s=0.2, sustain=0.5, release_s=0.2)
    | dict(attack_curve=-1.0, decay_curve=-1.0, release_curve=-0.8),
    "fast starts": dict(attack_s=0.2, decay_s=0.2, sustain=0.1, release_s=0.2)
    | dict(attack_curve=1.0, decay_curve=1.0, release_curve=1.0),
    "straight": dict(attack_s=0.123, decay_s=0.251, sustain=0.0, release_s=0.1)
    | dict(attack_curve=0.0, decay_curve=0.0, release_curve=0.0),
    "instant": dict(attack_s=0.0, decay_s=0.0, sustain=0.6, release_s=0.0),
    "shorter than a block": dict(attack_s=0.0004, hold_s=0.0005, decay_s=0.0003, sustain=0.5, release_s=0.0006),
    "released in the attack": dict(attack_s=2.0, sustain=1.0, release_s=0.3),
    "released in the delay": dict(delay_s=2.0, sustain=1.0, release_s=0.3),
    "released in the decay": dict(attack_s=0.01, decay_s=3.0, sustain=0.0, release_s=0.3, release_curve=-0.5),
}
GATE_S = 0.5
SECONDS = 0.9


def level_of(settings: dict, gate_s: float = GATE_S, velocity: float = 100.0, seconds: float = SECONDS) -> np.ndarray:
    """The level of a sound at each sample, (T,): a sine and its quarter-cycle twin trace it."""
    twins = (SINE | settings | {"osc_a.phase": phase} for phase in (0.0, 0.25))
    return np.hypot(*play(*twins, note=60, gate_s=gate_s, velocity=velocity, seconds=seconds)[:, 0])


def bend(x: np.ndarray, curve: float) -> np.ndarray:
    x = np.clip(x, 0.0, 1.0)
    return x if curve == 0.0 else (1 - np.exp(-6 * curve * x)) / (1 - np.exp(-6 * curve))


def stated(t: np.ndarray, e: dict, gate_s: float = GATE_S) -> np.ndarray:
    """Level at times t (s) as the knobs state it: the formula written anew."""
    full = dict(
        delay_s=0.0, attack_s=0.0, hold_s=0.0, decay_s=0.0, attack_curve=0.0, decay_curve=0.6, release_curve=0.6
    )
    e = full | e
    tiny = 1e-12
    held = np.clip(t, None, gate_s) - e["delay_s"]
    rise = bend(held / max(e["attack_s"], tiny), e["attack_curve"])
    fall = bend((held - e["attack_s"] - e["hold_s"]) / max(e["decay_s"], tiny), e["decay_curve"])
    gone = bend((t - gate_s) / max(e["release_s"], tiny), e["release_curve"])
    return rise * (1 + (e["sustain"] - 1) * fall) * (1 - gone)


def assert_within_a_block(heard: np.ndarray, e: dict, gate_s: float = GATE_S) -> None:
    """At each sample the heard level lies between the stated ones of the block before and the block after."""
    t = np.arange(len(heard)) / RATE
    around = np.stack([stated(t + shift, e, gate_s) for shift in np.linspace(-BLOCK_S, BLOCK_S, 129)])
    assert (heard > around.min(axis=0) - LEVEL_ERROR).all()
    assert (heard < around.max(axis=0) + LEVEL_ERROR).all()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("env", ["env_1", "env_2", "env_3"])
def test_an_envelope_is_where_its_knobs_say_within_one_block(env: str, case: str) -> None:
    own = {f"{env}.{knob}": value for knob, value in CASES[case].items()}
    open_s = 10.0
    if env != "env_1":  # heard through the matrix while the amplifier stays open, all but straight
        own |= {"env_1.release_s": open_s, "env_1.release_curve": 0.0, "osc_a.level": 0.0}
        own |= {"matrix.source_1": env, "matrix.destination_1": "osc_a.level", "matrix.amount_1": 1.0}
    heard = level_of(own) / level_of({})[RATE // 10]
    if env != "env_1":
        heard = heard / (1.0 - np.maximum(np.arange(len(heard)) / RATE - GATE_S, 0.0) / open_s)
    assert heard.max() > 0.0 or case == "released in the delay"
    assert_within_a_block(heard, CASES[case])


@pytest.mark.parametrize("attack_s", [0.01, 0.1, 0.37])
def test_the_attack_reaches_the_top_within_a_block_of_its_time(attack_s: float) -> None:
    level = level_of({"env_1.attack_s": attack_s})
    arrived = int(np.argmax(level > 0.999 * level.max())) / RATE
    assert abs(arrived - attack_s) <= BLOCK_S


@pytest.mark.parametrize(("delay_s", "gate_s", "release_s"), [(0.1, 0.3, 0.1), (0.05, 0.2, 0.4), (0.0123, 0.4321, 0.0)])
def test_delay_gate_and_release_end_within_a_block_of_their_times(
    delay_s: float, gate_s: float, release_s: float
) -> None:
    e = {"env_1.delay_s": delay_s, "env_1.release_s": release_s, "env_1.release_curve": 0.0}
    sounding = np.flatnonzero(level_of(e, gate_s) > 1e-6) / RATE
    assert abs(sounding[0] - delay_s) <= BLOCK_S
    assert abs(sounding[-1] - (gate_s + release_s)) <= BLOCK_S


@pytest.mark.parametrize("curve", [-1.0, -0.4, 0.0, 0.4, 1.0])
def test_a_curve_passes_its_midpoint_as_the_formula_says(curve: float) -> None:
    """(1 - e^(-3c)) / (1 - e^(-6c)) = 1 / (1 + e^(-3c)); exact at a block's edge, and the attack's middle is one."""
    attack_s = 200 * BLOCK_S
    level = level_of({"env_1.attack_s": attack_s, "env_1.attack_curve": curve})
    assert level[6400] / level.max() == pytest.approx(1 / (1 + np.exp(-3 * curve)), abs=LEVEL_ERROR)


def test_long_times_hold_too() -> None:
    e = dict(delay_s=0.7, attack_s=1.5, hold_s=0.9, decay_s=2.0, sustain=0.25, release_s=1.7)
    heard = level_of({f"env_1.{k}": v for k, v in e.items()}, gate_s=6.0, seconds=8.0)
    assert_within_a_block(heard / level_of({})[RATE // 10], e, gate_s=6.0)


@pytest.mark.parametrize("sensitivity", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("velocity", [1.0, 64.0, 127.0])
def test_velocity_scales_the_level_as_far_as_it_is_asked_to(velocity: float, sensitivity: float) -> None:
    loud, heard = (
        level_of({"master.velocity_sensitivity": sensitivity}, HELD_S, v, 0.2)[-1] for v in (127.0, velocity)
    )
    share = 1 - sensitivity + sensitivity * (velocity / 127) ** 2
    assert heard / loud == pytest.approx(share, abs=1e-4)
