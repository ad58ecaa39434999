"""The habits of people who make presets, by category: what `MusicalPrior` draws from.

Ranges are (low, high); times and frequencies are drawn evenly in their logarithm. An option that is listed twice is
twice as likely.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ROUTINGS", "STYLES", "Routing", "Style"]

Range = tuple[float, float]
Routing = tuple[str, str, float, float]
"""Source, destination, and the depth from low to high."""


@dataclass(frozen=True)
class Style:
    """What people reach for in one category.

    Attributes:
        tables, octaves, unison: options for the oscillators.
        sub, noise: chance that each is on.
        noise_only: chance that noise sounds alone.
        attack_s, decay_s, sustain, release_s: ranges of the amplifier; the other envelopes follow its times.
        cutoff_hz, filter_envelope: range, and the chance that an envelope opens the filter.
        distortion, chorus, delay, reverb, eq: chance of each effect.
        routings: usual in this category, beside the general ones.
    """

    tables: tuple[str, ...]
    octaves: tuple[int, ...]
    unison: tuple[int, ...]
    sub: float
    noise: float
    attack_s: Range
    decay_s: Range
    sustain: Range
    release_s: Range
    cutoff_hz: Range
    filter_envelope: float
    distortion: float
    chorus: float
    delay: float
    reverb: float
    eq: float
    routings: tuple[Routing, ...]
    noise_only: float = 0.0


ROUTINGS: tuple[Routing, ...] = (
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
"""Routings that people make in every category."""

STYLES: dict[str, Style] = {
    "bass": Style(
        tables=("basic_shapes", "saw_stack", "pwm", "fm_two_op", "digital"),
        octaves=(-2, -1, -1), unison=(1, 1, 1, 2, 3), sub=0.5, noise=0.05,
        attack_s=(0.001, 0.01), decay_s=(0.1, 1.0), sustain=(0.2, 1.0), release_s=(0.03, 0.25),
        cutoff_hz=(120, 2500), filter_envelope=0.7,
        distortion=0.35, chorus=0.1, delay=0.03, reverb=0.05, eq=0.2,
        routings=(("env_2", "osc_a.position", -0.6, 0.6), ("env_3", "pitch", 0.01, 0.2)),
    ),
    "lead": Style(
        tables=("basic_shapes", "saw_stack", "pwm", "harmonic_sweep", "comb", "brass"),
        octaves=(0, 0, 1), unison=(1, 2, 3, 5, 7), sub=0.15, noise=0.05,
        attack_s=(0.001, 0.04), decay_s=(0.2, 1.5), sustain=(0.5, 1.0), release_s=(0.05, 0.5),
        cutoff_hz=(1000, 14000), filter_envelope=0.4,
        distortion=0.3, chorus=0.2, delay=0.45, reverb=0.45, eq=0.2,
        routings=(("lfo_1", "pitch", 0.002, 0.01), ("lfo_1", "osc_a.warp_amount", 0.05, 0.4)),
    ),
    "pad": Style(
        tables=("basic_shapes", "choir", "vocal", "pwm", "odd_even", "formant", "noise_like"),
        octaves=(-1, 0, 0), unison=(2, 3, 4, 5, 7), sub=0.15, noise=0.15,
        attack_s=(0.1, 1.5), decay_s=(0.5, 3.0), sustain=(0.6, 1.0), release_s=(0.3, 3.0),
        cutoff_hz=(400, 6000), filter_envelope=0.35,
        distortion=0.05, chorus=0.5, delay=0.3, reverb=0.8, eq=0.2,
        routings=(("lfo_2", "osc_a.position", 0.05, 0.5), ("lfo_1", "filter.cutoff", 0.02, 0.25)),
    ),
    "pluck": Style(
        tables=("basic_shapes", "saw_stack", "electric_piano", "pwm", "bell", "comb"),
        octaves=(0, 0, 1), unison=(1, 1, 2, 3), sub=0.1, noise=0.1,
        attack_s=(0.0005, 0.004), decay_s=(0.08, 0.8), sustain=(0.0, 0.1), release_s=(0.05, 0.6),
        cutoff_hz=(300, 5000), filter_envelope=0.8,
        distortion=0.1, chorus=0.2, delay=0.4, reverb=0.5, eq=0.15,
        routings=(("env_2", "osc_a.warp_amount", -0.5, 0.6), ("env_2", "osc_a.position", -0.6, 0.6)),
    ),
    "keys": Style(
        tables=("electric_piano", "basic_shapes", "fm_two_op", "organ", "odd_even"),
        octaves=(0, 0, 0), unison=(1, 1, 2), sub=0.05, noise=0.05,
        attack_s=(0.001, 0.01), decay_s=(0.4, 3.0), sustain=(0.0, 0.6), release_s=(0.08, 0.6),
        cutoff_hz=(800, 9000), filter_envelope=0.4,
        distortion=0.1, chorus=0.4, delay=0.1, reverb=0.4, eq=0.2,
        routings=(("velocity", "osc_a.position", 0.05, 0.4), ("lfo_2", "osc_a.pan", 0.1, 0.6)),
    ),
    "brass": Style(
        tables=("brass", "saw_stack", "basic_shapes", "harmonic_sweep"),
        octaves=(-1, 0, 0), unison=(1, 1, 2, 3), sub=0.05, noise=0.1,
        attack_s=(0.02, 0.15), decay_s=(0.2, 1.0), sustain=(0.6, 1.0), release_s=(0.06, 0.3),
        cutoff_hz=(500, 5000), filter_envelope=0.8,
        distortion=0.15, chorus=0.2, delay=0.05, reverb=0.4, eq=0.15,
        routings=(("env_3", "pitch", -0.02, -0.004), ("lfo_1", "pitch", 0.002, 0.008)),
    ),
    "strings": Style(
        tables=("saw_stack", "basic_shapes", "pwm", "comb"),
        octaves=(-1, 0, 0), unison=(3, 4, 5, 7), sub=0.05, noise=0.15,
        attack_s=(0.05, 0.5), decay_s=(0.5, 2.0), sustain=(0.7, 1.0), release_s=(0.15, 1.2),
        cutoff_hz=(1000, 8000), filter_envelope=0.2,
        distortion=0.02, chorus=0.5, delay=0.05, reverb=0.7, eq=0.2,
        routings=(("lfo_1", "pitch", 0.001, 0.006),),
    ),
    "organ": Style(
        tables=("organ", "sine_harmonics", "odd_even", "basic_shapes"),
        octaves=(-1, -1, 0), unison=(1, 1, 2), sub=0.1, noise=0.03,
        attack_s=(0.001, 0.02), decay_s=(0.1, 0.5), sustain=(0.8, 1.0), release_s=(0.02, 0.15),
        cutoff_hz=(1500, 14000), filter_envelope=0.1,
        distortion=0.25, chorus=0.5, delay=0.02, reverb=0.3, eq=0.15,
        routings=(("lfo_1", "master.level", 0.03, 0.2), ("lfo_1", "pitch", 0.001, 0.004)),
    ),
    "bell": Style(
        tables=("bell", "fm_metal", "fm_two_op", "sine_harmonics", "electric_piano"),
        octaves=(0, 0, 1), unison=(1, 1, 2), sub=0.03, noise=0.05,
        attack_s=(0.0005, 0.004), decay_s=(0.5, 4.0), sustain=(0.0, 0.05), release_s=(0.4, 3.0),
        cutoff_hz=(2000, 16000), filter_envelope=0.2,
        distortion=0.02, chorus=0.25, delay=0.25, reverb=0.6, eq=0.15,
        routings=(("env_2", "osc_a.warp_amount", 0.05, 0.6), ("lfo_1", "master.level", 0.05, 0.3)),
    ),
    "drum": Style(
        tables=("basic_shapes", "noise_like", "digital", "fm_metal"),
        octaves=(-2, -1, 0), unison=(1,), sub=0.2, noise=0.6, noise_only=0.3,
        attack_s=(0.0005, 0.003), decay_s=(0.04, 0.4), sustain=(0.0, 0.0), release_s=(0.02, 0.3),
        cutoff_hz=(200, 12000), filter_envelope=0.5,
        distortion=0.35, chorus=0.02, delay=0.03, reverb=0.2, eq=0.3,
        routings=(("env_2", "pitch", 0.05, 0.6), ("env_2", "pitch", 0.05, 0.6), ("env_2", "noise.level", -0.5, 0.5)),
    ),
    "fx": Style(
        tables=("noise_like", "formant", "digital", "fm_metal", "harmonic_sweep", "vocal"),
        octaves=(-1, 0, 1), unison=(1, 2, 4, 7), sub=0.1, noise=0.5, noise_only=0.15,
        attack_s=(0.001, 1.0), decay_s=(0.1, 3.0), sustain=(0.0, 1.0), release_s=(0.1, 2.5),
        cutoff_hz=(200, 12000), filter_envelope=0.6,
        distortion=0.3, chorus=0.3, delay=0.6, reverb=0.7, eq=0.2,
        routings=(("env_3", "pitch", -0.6, 0.6), ("lfo_1", "pitch", 0.01, 0.3), ("lfo_2", "filter.cutoff", 0.1, 0.5)),
    ),
    "vocal": Style(
        tables=("vocal", "choir", "formant"),
        octaves=(-1, 0, 0), unison=(1, 2, 3, 5), sub=0.03, noise=0.25,
        attack_s=(0.03, 0.4), decay_s=(0.3, 1.5), sustain=(0.6, 1.0), release_s=(0.1, 0.9),
        cutoff_hz=(1500, 9000), filter_envelope=0.2,
        distortion=0.03, chorus=0.4, delay=0.15, reverb=0.6, eq=0.15,
        routings=(("lfo_1", "pitch", 0.002, 0.008), ("lfo_2", "osc_a.position", 0.05, 0.4)),
    ),
}  # fmt: skip
