"""One preset of Serum-lite the way people make it: few modules, a sparse matrix, a category's habits."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from myna.presets.styles import ROUTINGS, Range, Style

__all__ = ["draw_settings"]

_SLOTS = np.cumsum((0.4, 0.3, 0.2, 0.1))
"""Chances of up to so many usual routings, added up: `Generator.choice` would check them in every draw."""


def draw_settings(style: Style, rng: np.random.Generator) -> dict[str, Any]:
    """Settings by name, in physical units; what is left out keeps its default."""
    p: dict[str, Any] = {}
    _draw_oscillators(p, style, rng)
    _draw_noise_and_sub(p, style, rng)
    _draw_filter(p, style, rng)
    _draw_envelope(p, "env_1", style, rng)
    _draw_effects(p, style, rng)
    _draw_matrix(p, style, rng)
    p["master.volume_db"] = float(np.clip(rng.normal(-5, 3), -18, 4))
    p["master.velocity_sensitivity"] = float(rng.uniform(0.2, 0.9))
    return p


def _draw_oscillators(p: dict[str, Any], style: Style, rng: np.random.Generator) -> None:
    octave = int(_pick(rng, style.octaves))
    _draw_oscillator(p, "osc_a", octave, style, rng)
    if rng.random() < 0.55:
        _draw_oscillator(p, "osc_b", octave + int(_pick(rng, (-1, 0, 0, 1))), style, rng)
        p["osc_b.fine_cents"] = float(np.clip(rng.normal(0, 6), -30, 30))
        p["osc_b.semitone"] = int(_pick(rng, (0, 0, 0, 0, 0, 7, -5, 12, 4)))


def _draw_oscillator(p: dict[str, Any], osc: str, octave: int, style: Style, rng: np.random.Generator) -> None:
    p[f"{osc}.on"] = True
    p[f"{osc}.table"] = _pick(rng, style.tables)
    p[f"{osc}.position"] = float(rng.random())
    p[f"{osc}.level"] = float(rng.uniform(0.4, 0.9))
    p[f"{osc}.octave"] = int(np.clip(octave, -3, 3))
    p[f"{osc}.unison"] = int(_pick(rng, style.unison))
    if p[f"{osc}.unison"] > 1:
        p[f"{osc}.detune_cents"] = float(40 * rng.beta(1.5, 3.0))
        p[f"{osc}.blend"] = float(rng.uniform(0.4, 1.0))
        p[f"{osc}.width"] = float(rng.uniform(0.3, 1.0))
        p[f"{osc}.random_phase"] = 1.0
    if rng.random() < 0.2:
        p[f"{osc}.warp"] = _pick(rng, ("sync", "bend", "squeeze", "mirror", "fm"))
        p[f"{osc}.warp_amount"] = float(rng.uniform(0.1, 0.8))
    p[f"{osc}.to_filter"] = bool(rng.random() < 0.93)


def _draw_noise_and_sub(p: dict[str, Any], style: Style, rng: np.random.Generator) -> None:
    if rng.random() < style.sub:
        p |= {"sub.on": True, "sub.level": float(rng.uniform(0.3, 0.8)), "sub.octave": int(_pick(rng, (-2, -1, -1)))}
        p["sub.shape"] = _pick(rng, ("sine", "sine", "triangle", "square"))
    if rng.random() < style.noise:
        p |= {"noise.on": True, "noise.level": float(rng.uniform(0.05, 0.6))}
        p["noise.color"] = float(rng.uniform(-0.9, 0.9))
    if rng.random() < style.noise_only:
        p |= {"osc_a.on": False, "osc_b.on": False, "sub.on": False, "noise.on": True}
        p |= {"noise.level": float(rng.uniform(0.4, 0.9)), "noise.color": float(rng.uniform(-0.9, 0.9))}


def _draw_filter(p: dict[str, Any], style: Style, rng: np.random.Generator) -> None:
    if rng.random() > 0.8:
        return
    p |= {
        "filter.on": True,
        "filter.type": _pick(rng, ("low_pass",) * 8 + ("high_pass", "band_pass", "notch")),
        "filter.slope": _pick(rng, ("12_db", "24_db")),
        "filter.cutoff_hz": _log(rng, style.cutoff_hz),
        "filter.resonance": float(rng.beta(1.2, 3.0)),
        "filter.keytrack": float(_pick(rng, (0.0, 0.3, 0.5, 1.0))),
    }
    if rng.random() < 0.25:
        p["filter.drive_db"] = float(rng.uniform(1, 14))


def _draw_envelope(p: dict[str, Any], env: str, style: Style, rng: np.random.Generator) -> None:
    p[f"{env}.attack_s"] = _log(rng, style.attack_s)
    p[f"{env}.decay_s"] = _log(rng, style.decay_s)
    p[f"{env}.release_s"] = _log(rng, style.release_s)
    p[f"{env}.decay_curve"] = float(rng.uniform(0.2, 0.9))
    p[f"{env}.release_curve"] = float(rng.uniform(0.2, 0.9))
    # The amplifier holds its category's level; an envelope that modulates mostly falls away.
    p[f"{env}.sustain"] = float(rng.uniform(*(style.sustain if env == "env_1" else (0.0, 0.5))))


def _draw_effects(p: dict[str, Any], style: Style, rng: np.random.Generator) -> None:
    if rng.random() < style.distortion:
        p |= {"distortion.on": True, "distortion.type": _pick(rng, ("soft", "soft", "hard", "fold", "tube"))}
        p |= {"distortion.drive_db": float(rng.uniform(2, 24)), "distortion.mix": float(rng.uniform(0.3, 1))}
    if rng.random() < style.chorus:
        p |= {"chorus.on": True, "chorus.rate_hz": _log(rng, (0.2, 3.0)), "chorus.depth": float(rng.uniform(0.2, 0.8))}
        p["chorus.mix"] = float(rng.uniform(0.2, 0.6))
    if rng.random() < style.delay:
        p |= {"delay.on": True, "delay.time_s": _log(rng, (0.08, 0.6)), "delay.feedback": float(rng.uniform(0.1, 0.6))}
        p |= {"delay.mix": float(rng.uniform(0.08, 0.4)), "delay.ping_pong": bool(rng.random() < 0.5)}
    if rng.random() < style.reverb:
        p |= {"reverb.on": True, "reverb.decay_s": _log(rng, (0.5, 5.0)), "reverb.size": float(rng.uniform(0.2, 0.9))}
        p |= {"reverb.damp_hz": _log(rng, (2500, 12000)), "reverb.mix": float(rng.uniform(0.08, 0.45))}
    if rng.random() < style.eq:
        p["eq.on"] = True
        p |= {f"eq.{band}_db": float(np.clip(rng.normal(0, 4), -12, 12)) for band in ("low", "mid", "high")}


def _draw_matrix(p: dict[str, Any], style: Style, rng: np.random.Generator) -> None:
    """Fill a few slots, and set up the envelopes and LFOs that they use."""
    routings = ROUTINGS + style.routings
    alive = {destination: _alive(p, destination) for destination in {routing[1] for routing in routings}}
    usual = tuple(routing for routing in routings if alive[routing[1]])
    slots: dict[tuple[str, str], float] = {}
    if p.get("filter.on") and rng.random() < style.filter_envelope:
        slots["env_2", "filter.cutoff"] = float(rng.uniform(0.05, 0.5))
    for _ in range(int(_SLOTS.searchsorted(rng.random(), side="right"))):
        source, destination, low, high = _pick(rng, usual)
        slots[source, destination] = float(rng.uniform(low, high))
    for slot, ((source, destination), amount) in enumerate(slots.items(), 1):
        p |= {f"matrix.source_{slot}": source, f"matrix.destination_{slot}": destination}
        p[f"matrix.amount_{slot}"] = amount
    for source in dict.fromkeys(source for source, _ in slots):
        if source.startswith("env"):
            _draw_envelope(p, source, style, rng)
        elif source.startswith("lfo"):
            _draw_lfo(p, source, rng)


def _alive(p: dict[str, Any], destination: str) -> bool:
    """Whether the destination's module is on: nobody modulates what cannot be heard."""
    module, _, knob = destination.partition(".")
    if knob == "warp_amount" and f"{module}.warp" not in p:
        return False
    return module in ("pitch", "master") or bool(p.get(f"{module}.on"))


def _draw_lfo(p: dict[str, Any], lfo: str, rng: np.random.Generator) -> None:
    p[f"{lfo}.rate_hz"] = _log(rng, (0.2, 8.0))
    p[f"{lfo}.shape"] = _pick(rng, ("sine", "sine", "triangle", "saw", "square", "sample_hold"))
    p[f"{lfo}.rise_s"] = float(rng.uniform(0, 0.6))


def _log(rng: np.random.Generator, span: Range) -> float:
    return float(np.exp(rng.uniform(*_logs(span))))


@functools.cache
def _logs(span: Range) -> tuple[float, float]:
    return float(np.log(span[0])), float(np.log(span[1]))


def _pick(rng: np.random.Generator, options: tuple[Any, ...]) -> Any:
    return options[rng.integers(len(options))]
