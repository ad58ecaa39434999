"""No knob is dead: each parameter, option, source and destination changes the sound in at least one context."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.synth.measure import db, normalised, renders, rms

from myna.synth.base import Probe
from myna.synth.serum_lite.parameters import DESTINATIONS, SOURCES, TABLE

AUDIBLE_DB = (
    -50.0
)  # of the sound's own level: what a change must differ by; the quietest, env_3.release_curve, measures -35
PROBE = Probe(52.0, 90.0, 0.35, 0.6)
# Everything on, every LFO and envelope at work; each context leaves different things in the foreground.
VOICES: dict[str, Any] = {
    "osc_a.table": "harmonic_sweep", "osc_a.position": 0.4, "osc_a.level": 0.7, "osc_a.pan": -0.3, "osc_a.unison": 4,
    "osc_a.detune_cents": 18.0, "osc_a.random_phase": 0.5, "osc_a.warp": "bend", "osc_a.warp_amount": 0.4,
    "osc_b.on": True, "osc_b.table": "vocal", "osc_b.position": 0.3, "osc_b.pan": 0.3, "osc_b.unison": 3,
    "osc_b.warp": "squeeze", "osc_b.warp_amount": 0.3, "osc_b.random_phase": 0.5, "sub.on": True, "noise.on": True,
    "filter.on": True, "filter.cutoff_hz": 1_500.0, "filter.resonance": 0.4, "filter.drive_db": 6.0,
    "filter.keytrack": 0.5,
    "env_1.attack_s": 0.05, "env_1.hold_s": 0.03, "env_1.decay_s": 0.15, "env_1.sustain": 0.5, "env_1.delay_s": 0.01,
}  # fmt: skip
MOVED: dict[str, Any] = VOICES | {
    "env_2.delay_s": 0.01, "env_2.attack_s": 0.05, "env_2.hold_s": 0.03, "env_2.decay_s": 0.15, "env_2.sustain": 0.4,
    "env_3.delay_s": 0.02, "env_3.attack_s": 0.03, "env_3.hold_s": 0.05, "env_3.decay_s": 0.2, "env_3.sustain": 0.6,
    "lfo_1.rate_hz": 5.0, "lfo_2.rate_hz": 7.0, "lfo_1.rise_s": 0.05, "lfo_2.rise_s": 0.05,
    "lfo_1.shape": "triangle", "lfo_2.shape": "saw",
    "matrix.source_1": "env_2", "matrix.destination_1": "filter.cutoff", "matrix.amount_1": 0.4,
    "matrix.source_2": "env_3", "matrix.destination_2": "osc_a.position", "matrix.amount_2": 0.5,
    "matrix.source_3": "lfo_1", "matrix.destination_3": "osc_b.pan", "matrix.amount_3": 0.5,
    "matrix.source_4": "lfo_2", "matrix.destination_4": "pitch", "matrix.amount_4": 0.1,
    "matrix.source_5": "velocity", "matrix.destination_5": "osc_b.position", "matrix.amount_5": 0.4,
    "matrix.source_6": "note", "matrix.destination_6": "osc_a.warp_amount", "matrix.amount_6": -0.8,
    "matrix.source_7": "random", "matrix.destination_7": "filter.resonance", "matrix.amount_7": 0.4,
    "matrix.source_8": "lfo_1", "matrix.destination_8": "master.level", "matrix.amount_8": 0.4,
}  # fmt: skip
EFFECTS: dict[str, Any] = MOVED | {
    "distortion.on": True, "chorus.on": True, "chorus.feedback": 0.3, "delay.on": True, "delay.time_s": 0.08,
    "reverb.on": True, "eq.on": True, "eq.low_db": 5.0, "eq.mid_db": -5.0, "eq.high_db": 5.0,
}  # fmt: skip
PLAIN: dict[str, Any] = {"osc_a.position": 0.5, "osc_b.on": True}
CONTEXTS = {"plain": PLAIN, "voices": VOICES, "moved": MOVED, "effects": EFFECTS}


def apart_db(base: dict, changed: list[dict]) -> np.ndarray:
    """How far each changed preset's sound is from the base's, in dB of the base's level."""
    sounds = renders(normalised(base, *changed), PROBE)[:, 0].astype(np.float64)
    return db(rms((sounds[1:] - sounds[0]).reshape(len(changed), -1)) / rms(sounds[0].reshape(-1)))


def far_values(name: str, now: Any) -> list[Any]:
    """Values of a knob far from where it stands: every other option, or both ends and the middle."""
    knob = TABLE[name]
    u = [0.0, 0.5, 1.0] if knob.kind == "continuous" else (np.arange(knob.steps) + 0.5) / knob.steps
    values = [knob.to_json(float(v)) for v in knob.decode(np.array(u))]
    return [v for v in values if v != now]


@pytest.mark.parametrize("name", TABLE.names)
def test_a_knob_changes_the_sound_alone(name: str) -> None:
    loudest = -np.inf
    for base in CONTEXTS.values():
        now = TABLE[name].to_json(float(TABLE.from_dict(base)[TABLE.index[name]]))
        loudest = max(loudest, apart_db(base, [base | {name: v} for v in far_values(name, now)]).max())
    assert loudest > AUDIBLE_DB


STEPPED = [p.name for p in TABLE.parameters if p.kind != "continuous" and p.module != "matrix"]


@pytest.mark.parametrize("name", STEPPED)
def test_every_option_sounds_different_from_every_other(name: str) -> None:
    """In the context that tells them apart best; the matrix is covered by the two tests below."""
    knob = TABLE[name]
    options = [knob.to_json(float(v)) for v in np.arange(knob.low, knob.high + 1)]
    closest = np.full((len(options), len(options)), -np.inf)
    for base in CONTEXTS.values():
        sounds = renders(normalised(*(base | {name: v} for v in options)), PROBE).reshape(len(options), -1)
        apart = sounds[:, None].astype(np.float64) - sounds[None]
        closest = np.maximum(closest, db(rms(apart) / np.maximum(rms(sounds[:, None]), rms(sounds[None]))))
    assert closest[~np.eye(len(options), dtype=bool)].min() > AUDIBLE_DB


@pytest.mark.parametrize("slot", [1, 8])
def test_every_source_moves_the_pitch_its_own_way(slot: int) -> None:
    base = EFFECTS | {f"matrix.destination_{slot}": "osc_b.pitch", f"matrix.amount_{slot}": 0.3}
    sounds = renders(normalised(*(base | {f"matrix.source_{slot}": s} for s in SOURCES)), PROBE).reshape(
        len(SOURCES), -1
    )
    apart = db(rms(sounds[:, None].astype(np.float64) - sounds[None]) / rms(sounds).min())
    assert apart[~np.eye(len(SOURCES), dtype=bool)].min() > AUDIBLE_DB


@pytest.mark.parametrize("slot", [1, 8])
def test_every_destination_is_moved_its_own_way(slot: int) -> None:
    base = EFFECTS | {f"matrix.source_{slot}": "env_3", f"matrix.amount_{slot}": -0.3}
    moved = [base | {f"matrix.destination_{slot}": d} for d in DESTINATIONS]
    sounds = renders(normalised(*moved), PROBE).reshape(len(DESTINATIONS), -1)
    apart = db(rms(sounds[:, None].astype(np.float64) - sounds[None]) / rms(sounds).min())
    assert apart[~np.eye(len(DESTINATIONS), dtype=bool)].min() > AUDIBLE_DB
