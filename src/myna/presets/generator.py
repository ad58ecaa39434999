"""Priors over presets: the way people make them, and uniformly; neither returns silence.

Each draw has its own child generator, so that draw i does not depend on how many are drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from myna.errors import MynaError
from myna.params import ParameterTable

__all__ = ["MusicalPrior", "UniformPrior", "draw_audible"]

Render = Callable[[np.ndarray], np.ndarray]
MAX_TRIES = 64

# What people reach for, by category: wavetables, octaves, amplifier times (s) as (low, high) of a log-uniform draw, sustain,
# cutoff (Hz), the chance of a filter envelope, unison voices, and the chance of each effect.
_STYLES: dict[str, dict[str, Any]] = {
    "bass": {
        "tables": ("basic_shapes", "saw_stack", "pwm", "fm_two_op", "digital"),
        "octave": (-2, -1, -1), "attack": (0.001, 0.01), "decay": (0.1, 1.0), "sustain": (0.2, 1.0),
        "release": (0.03, 0.25), "cutoff": (120, 2500), "filter_env": 0.7, "unison": (1, 1, 1, 2, 3), "sub": 0.5,
        "noise": 0.05, "distortion": 0.35, "chorus": 0.1, "delay": 0.03, "reverb": 0.05, "eq": 0.2,
    },
    "lead": {
        "tables": ("basic_shapes", "saw_stack", "pwm", "harmonic_sweep", "comb", "brass"),
        "octave": (0, 0, 1), "attack": (0.001, 0.04), "decay": (0.2, 1.5), "sustain": (0.5, 1.0),
        "release": (0.05, 0.5), "cutoff": (1000, 14000), "filter_env": 0.4, "unison": (1, 2, 3, 5, 7), "sub": 0.15,
        "noise": 0.05, "distortion": 0.3, "chorus": 0.2, "delay": 0.45, "reverb": 0.45, "eq": 0.2,
    },
    "pad": {
        "tables": ("basic_shapes", "choir", "vocal", "pwm", "odd_even", "formant", "noise_like"),
        "octave": (-1, 0, 0), "attack": (0.1, 1.5), "decay": (0.5, 3.0), "sustain": (0.6, 1.0),
        "release": (0.3, 3.0), "cutoff": (400, 6000), "filter_env": 0.35, "unison": (2, 3, 4, 5, 7), "sub": 0.15,
        "noise": 0.15, "distortion": 0.05, "chorus": 0.5, "delay": 0.3, "reverb": 0.8, "eq": 0.2,
    },
    "pluck": {
        "tables": ("basic_shapes", "saw_stack", "electric_piano", "pwm", "bell", "comb"),
        "octave": (0, 0, 1), "attack": (0.0005, 0.004), "decay": (0.08, 0.8), "sustain": (0.0, 0.1),
        "release": (0.05, 0.6), "cutoff": (300, 5000), "filter_env": 0.8, "unison": (1, 1, 2, 3), "sub": 0.1,
        "noise": 0.1, "distortion": 0.1, "chorus": 0.2, "delay": 0.4, "reverb": 0.5, "eq": 0.15,
    },
    "keys": {
        "tables": ("electric_piano", "basic_shapes", "fm_two_op", "organ", "odd_even"),
        "octave": (0, 0, 0), "attack": (0.001, 0.01), "decay": (0.4, 3.0), "sustain": (0.0, 0.6),
        "release": (0.08, 0.6), "cutoff": (800, 9000), "filter_env": 0.4, "unison": (1, 1, 2), "sub": 0.05,
        "noise": 0.05, "distortion": 0.1, "chorus": 0.4, "delay": 0.1, "reverb": 0.4, "eq": 0.2,
    },
    "brass": {
        "tables": ("brass", "saw_stack", "basic_shapes", "harmonic_sweep"),
        "octave": (-1, 0, 0), "attack": (0.02, 0.15), "decay": (0.2, 1.0), "sustain": (0.6, 1.0),
        "release": (0.06, 0.3), "cutoff": (500, 5000), "filter_env": 0.8, "unison": (1, 1, 2, 3), "sub": 0.05,
        "noise": 0.1, "distortion": 0.15, "chorus": 0.2, "delay": 0.05, "reverb": 0.4, "eq": 0.15,
    },
    "strings": {
        "tables": ("saw_stack", "basic_shapes", "pwm", "comb"),
        "octave": (-1, 0, 0), "attack": (0.05, 0.5), "decay": (0.5, 2.0), "sustain": (0.7, 1.0),
        "release": (0.15, 1.2), "cutoff": (1000, 8000), "filter_env": 0.2, "unison": (3, 4, 5, 7), "sub": 0.05,
        "noise": 0.15, "distortion": 0.02, "chorus": 0.5, "delay": 0.05, "reverb": 0.7, "eq": 0.2,
    },
    "organ": {
        "tables": ("organ", "sine_harmonics", "odd_even", "basic_shapes"),
        "octave": (-1, -1, 0), "attack": (0.001, 0.02), "decay": (0.1, 0.5), "sustain": (0.8, 1.0),
        "release": (0.02, 0.15), "cutoff": (1500, 14000), "filter_env": 0.1, "unison": (1, 1, 2), "sub": 0.1,
        "noise": 0.03, "distortion": 0.25, "chorus": 0.5, "delay": 0.02, "reverb": 0.3, "eq": 0.15,
    },
    "bell": {
        "tables": ("bell", "fm_metal", "fm_two_op", "sine_harmonics", "electric_piano"),
        "octave": (0, 0, 1), "attack": (0.0005, 0.004), "decay": (0.5, 4.0), "sustain": (0.0, 0.05),
        "release": (0.4, 3.0), "cutoff": (2000, 16000), "filter_env": 0.2, "unison": (1, 1, 2), "sub": 0.03,
        "noise": 0.05, "distortion": 0.02, "chorus": 0.25, "delay": 0.25, "reverb": 0.6, "eq": 0.15,
    },
    "drum": {
        "tables": ("basic_shapes", "noise_like", "digital", "fm_metal"),
        "octave": (-2, -1, 0), "attack": (0.0005, 0.003), "decay": (0.04, 0.4), "sustain": (0.0, 0.0),
        "release": (0.02, 0.3), "cutoff": (200, 12000), "filter_env": 0.5, "unison": (1,), "sub": 0.2,
        "noise": 0.6, "distortion": 0.35, "chorus": 0.02, "delay": 0.03, "reverb": 0.2, "eq": 0.3,
    },
    "fx": {
        "tables": ("noise_like", "formant", "digital", "fm_metal", "harmonic_sweep", "vocal"),
        "octave": (-1, 0, 1), "attack": (0.001, 1.0), "decay": (0.1, 3.0), "sustain": (0.0, 1.0),
        "release": (0.1, 2.5), "cutoff": (200, 12000), "filter_env": 0.6, "unison": (1, 2, 4, 7), "sub": 0.1,
        "noise": 0.5, "distortion": 0.3, "chorus": 0.3, "delay": 0.6, "reverb": 0.7, "eq": 0.2,
    },
    "vocal": {
        "tables": ("vocal", "choir", "formant"),
        "octave": (-1, 0, 0), "attack": (0.03, 0.4), "decay": (0.3, 1.5), "sustain": (0.6, 1.0),
        "release": (0.1, 0.9), "cutoff": (1500, 9000), "filter_env": 0.2, "unison": (1, 2, 3, 5), "sub": 0.03,
        "noise": 0.25, "distortion": 0.03, "chorus": 0.4, "delay": 0.15, "reverb": 0.6, "eq": 0.15,
    },
}  # fmt: skip
# Routings that people make, with their usual depths (low, high).
_ROUTINGS = (
    ("lfo_1", "pitch", 0.001, 0.008),
    ("lfo_1", "osc_a.position", 0.05, 0.5),
    ("lfo_1", "filter.cutoff", 0.02, 0.25),
    ("lfo_2", "osc_b.position", 0.05, 0.5),
    ("lfo_2", "osc_a.pan", 0.1, 0.6),
    ("lfo_2", "master.level", 0.05, 0.5),
    ("env_2", "osc_a.position", -0.6, 0.6),
    ("env_3", "osc_a.warp_amount", -0.5, 0.6),
    ("env_3", "osc_b.level", -0.4, 0.4),
    ("velocity", "filter.cutoff", 0.05, 0.3),
    ("note", "filter.cutoff", 0.0, 0.3),
    ("random", "osc_b.pitch", 0.0005, 0.003),
)


class UniformPrior:
    """Uniform in u, discrete knobs at bin centres, canonical."""

    def __init__(self, table: ParameterTable) -> None:
        """Draw presets of this table."""
        self.table = table

    def sample(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """Draw (count, P) normalised presets."""
        rows = [child.random(len(self.table)) for child in generator.spawn(count)]
        return self.table.canonical(self.table.snap(np.reshape(rows, (count, len(self.table)))))

    def sample_audible(self, count: int, generator: np.random.Generator, render: Render) -> np.ndarray:
        """As `sample`, silent draws drawn again; see `draw_audible`."""
        return draw_audible(self.sample, count, generator, render)


class MusicalPrior:
    """Presets the way people make them: a category's habits, few modules at once, a sparse matrix."""

    def __init__(self, table: ParameterTable) -> None:
        """Draw presets of this table (Serum-lite's knobs by name)."""
        self.table = table

    def sample(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """Draw (count, P) normalised, canonical presets."""
        rows = [self.table.from_dict(_draw(child)) for child in generator.spawn(count)]
        values = np.reshape(rows, (count, len(self.table)))
        return self.table.canonical(self.table.encode(values))

    def sample_audible(self, count: int, generator: np.random.Generator, render: Render) -> np.ndarray:
        """As `sample`, silent draws drawn again; see `draw_audible`."""
        return draw_audible(self.sample, count, generator, render)


def draw_audible(
    sample: Callable[[int, np.random.Generator], np.ndarray],
    count: int,
    generator: np.random.Generator,
    render: Render,
    minimum_db: float = -45.0,
) -> np.ndarray:
    """Draw until every preset sounds.

    Args:
        sample: (count, generator) → u (count, P).
        count: presets wanted.
        generator: root of the draws.
        render: u (n, P) → audio (n, …, T).
        minimum_db: RMS in dBFS under which a render is silent.

    Raises:
        MynaError: still silent after MAX_TRIES rounds.
    """
    u = sample(count, generator)
    silent = np.arange(count)
    for _ in range(MAX_TRIES):
        audio = np.asarray(render(u[silent]), np.float32).reshape(len(silent), -1)
        rms = np.sqrt(np.mean(audio**2, axis=1) + 1e-20)
        silent = silent[20 * np.log10(rms) < minimum_db]
        if not len(silent):
            return u
        u[silent] = sample(len(silent), generator)
    raise MynaError(f"{len(silent)} of {count} presets stayed silent after {MAX_TRIES} draws.")


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    category = list(_STYLES)[rng.integers(len(_STYLES))]
    style = _STYLES[category]
    p: dict[str, Any] = {}
    _draw_oscillators(p, style, rng)
    _draw_filter(p, style, rng)
    _draw_envelopes(p, style, rng)
    _draw_effects(p, style, rng)
    _draw_matrix(p, style, rng)
    p["master.volume_db"] = float(np.clip(rng.normal(-10, 3), -24, 0))
    p["master.velocity_sensitivity"] = float(rng.uniform(0.2, 0.9))
    return p


def _log(rng: np.random.Generator, span: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(np.log(max(span[0], 1e-4)), np.log(max(span[1], 2e-4)))))


def _pick(rng: np.random.Generator, options: tuple[Any, ...]) -> Any:
    return options[rng.integers(len(options))]


def _draw_oscillators(p: dict[str, Any], style: dict[str, Any], rng: np.random.Generator) -> None:
    second = rng.random() < 0.55
    octave = int(_pick(rng, style["octave"]))
    for osc in ("osc_a", "osc_b"):
        if osc == "osc_b" and not second:
            break
        voices = int(_pick(rng, style["unison"]))
        p[f"{osc}.on"] = True
        p[f"{osc}.table"] = _pick(rng, style["tables"])
        p[f"{osc}.position"] = float(rng.random())
        p[f"{osc}.level"] = float(rng.uniform(0.4, 0.9))
        p[f"{osc}.octave"] = int(np.clip(octave + (osc == "osc_b") * _pick(rng, (-1, 0, 0, 1)), -3, 3))
        p[f"{osc}.unison"] = voices
        if voices > 1:
            p[f"{osc}.detune_cents"] = float(40 * rng.beta(1.5, 3.0))
            p[f"{osc}.width"] = float(rng.uniform(0.3, 1.0))
            p[f"{osc}.random_phase"] = 1.0
        if rng.random() < 0.2:
            p[f"{osc}.warp"] = _pick(rng, ("sync", "bend", "squeeze", "mirror", "fm"))
            p[f"{osc}.warp_amount"] = float(rng.uniform(0.1, 0.8))
        p[f"{osc}.to_filter"] = bool(rng.random() < 0.93)
    if second:
        p["osc_b.fine_cents"] = float(np.clip(rng.normal(0, 6), -30, 30))
        p["osc_b.semitone"] = int(_pick(rng, (0, 0, 0, 0, 0, 7, -5, 12, 4)))
    if rng.random() < style["sub"]:
        p |= {
            "sub.on": True,
            "sub.level": float(rng.uniform(0.3, 0.8)),
            "sub.octave": int(_pick(rng, (-2, -1, -1))),
        }
        p["sub.shape"] = _pick(rng, ("sine", "sine", "triangle", "square"))
    if rng.random() < style["noise"]:
        p |= {"noise.on": True, "noise.level": float(rng.uniform(0.05, 0.6))}
        p["noise.color"] = float(rng.uniform(-0.9, 0.9))


def _draw_filter(p: dict[str, Any], style: dict[str, Any], rng: np.random.Generator) -> None:
    if rng.random() > 0.8:
        return
    kinds = ("low_pass",) * 8 + ("high_pass", "band_pass", "notch")
    p |= {
        "filter.on": True,
        "filter.type": _pick(rng, kinds),
        "filter.slope": _pick(rng, ("12_db", "24_db")),
        "filter.cutoff_hz": float(np.clip(_log(rng, style["cutoff"]), 20, 20000)),
        "filter.resonance": float(rng.beta(1.2, 3.0)),
        "filter.keytrack": float(_pick(rng, (0.0, 0.3, 0.5, 1.0))),
    }
    if rng.random() < 0.25:
        p["filter.drive_db"] = float(rng.uniform(1, 14))


def _draw_envelopes(p: dict[str, Any], style: dict[str, Any], rng: np.random.Generator) -> None:
    for env in ("env_1", "env_2", "env_3"):
        p[f"{env}.attack_s"] = _log(rng, style["attack"])
        p[f"{env}.decay_s"] = _log(rng, style["decay"])
        p[f"{env}.release_s"] = _log(rng, style["release"])
        p[f"{env}.decay_curve"] = float(rng.uniform(0.2, 0.9))
        p[f"{env}.release_curve"] = float(rng.uniform(0.2, 0.9))
    p["env_1.sustain"] = float(rng.uniform(*style["sustain"]))
    p["env_2.sustain"] = float(rng.uniform(0.0, 0.5))


def _draw_effects(p: dict[str, Any], style: dict[str, Any], rng: np.random.Generator) -> None:
    on = {fx: rng.random() < style[fx] for fx in ("distortion", "chorus", "delay", "reverb", "eq")}
    p |= {f"{fx}.on": bool(active) for fx, active in on.items()}
    if on["distortion"]:
        p["distortion.type"] = _pick(rng, ("soft", "soft", "hard", "fold", "tube"))
        p |= {"distortion.drive_db": float(rng.uniform(2, 24)), "distortion.mix": float(rng.uniform(0.3, 1))}
    if on["chorus"]:
        p |= {"chorus.rate_hz": _log(rng, (0.2, 3.0)), "chorus.depth": float(rng.uniform(0.2, 0.8))}
        p["chorus.mix"] = float(rng.uniform(0.2, 0.6))
    if on["delay"]:
        p |= {"delay.time_s": _log(rng, (0.08, 0.6)), "delay.feedback": float(rng.uniform(0.1, 0.6))}
        p |= {"delay.mix": float(rng.uniform(0.08, 0.4)), "delay.ping_pong": bool(rng.random() < 0.5)}
    if on["reverb"]:
        p |= {"reverb.decay_s": _log(rng, (0.5, 5.0)), "reverb.size": float(rng.uniform(0.2, 0.9))}
        p["reverb.mix"] = float(rng.uniform(0.08, 0.45))
    if on["eq"]:
        p |= {f"eq.{band}_db": float(np.clip(rng.normal(0, 4), -12, 12)) for band in ("low", "mid", "high")}


def _draw_matrix(p: dict[str, Any], style: dict[str, Any], rng: np.random.Generator) -> None:
    routings: list[tuple[str, str, float]] = []
    if p.get("filter.on") and rng.random() < style["filter_env"]:
        routings.append(("env_2", "filter.cutoff", float(rng.uniform(0.05, 0.5))))
    for _ in range(int(rng.choice(4, p=(0.45, 0.3, 0.15, 0.1)))):
        source, destination, low, high = _pick(rng, _ROUTINGS)
        routings.append((source, destination, float(rng.uniform(low, high))))
    for slot, (source, destination, amount) in enumerate(routings, 1):
        p[f"matrix.source_{slot}"] = source
        p[f"matrix.destination_{slot}"] = destination
        p[f"matrix.amount_{slot}"] = amount
    for lfo, span in (("lfo_1", (0.2, 8.0)), ("lfo_2", (0.1, 6.0))):
        p[f"{lfo}.rate_hz"] = _log(rng, span)
        p[f"{lfo}.shape"] = _pick(rng, ("sine", "sine", "triangle", "saw", "square", "sample_hold"))
        p[f"{lfo}.rise_s"] = float(rng.uniform(0, 0.6))
