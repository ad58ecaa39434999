"""The knobs of Serum-lite: ranges and curves follow Vital's where the two agree.

Quartic envelope times, exponential frequencies (equal knob steps are equal intervals), quadratic
levels and detune.
"""

from __future__ import annotations

import functools

import numpy as np

from myna.params import Parameter, ParameterTable

__all__ = [
    "DESTINATIONS",
    "DISTORTION_TYPES",
    "FILTER_TYPES",
    "LFO_SHAPES",
    "MATRIX_SLOTS",
    "SOURCES",
    "SUB_SHAPES",
    "TABLE",
    "WARPS",
    "WAVETABLES",
]

# Order is part of the preset format's meaning inside arrays; presets on disk carry the names.
WAVETABLES = (
    "basic_shapes",  # sine → triangle → saw → square
    "saw_stack",  # saw → two, three, five saws at harmonic intervals
    "pwm",  # pulse of width 50 % → 3 %
    "sine_harmonics",  # one sine at a time, harmonic 1 → 16
    "harmonic_sweep",  # a resonant bump that sweeps over the harmonics of a saw
    "formant",  # one formant sliding over a pulse
    "vocal",  # a e i o u
    "choir",  # softer vowels, breathy
    "organ",  # drawbar registrations
    "bell",  # sparse bell-like partials on high harmonics
    "fm_two_op",  # 1:1 FM, index 0 → 8
    "fm_metal",  # 1:7 FM, index 0 → 6
    "digital",  # bit-like stepped spectra
    "comb",  # a saw with every n-th partial missing
    "odd_even",  # odd partials → even partials
    "electric_piano",  # tine-like, from round to barking
    "brass",  # partials that open with position
    "noise_like",  # dense random partials (fixed seed)
)
WARPS = ("none", "sync", "bend", "squeeze", "mirror", "fm")
SUB_SHAPES = ("sine", "triangle", "saw", "square")
FILTER_TYPES = ("low_pass", "high_pass", "band_pass", "notch")
FILTER_SLOPES = ("12_db", "24_db")
LFO_SHAPES = ("sine", "triangle", "saw", "square", "sample_hold")
DISTORTION_TYPES = ("soft", "hard", "fold", "tube")
SOURCES = ("none", "env_1", "env_2", "env_3", "lfo_1", "lfo_2", "velocity", "note", "random")
DESTINATIONS = (
    "none",
    "pitch",
    "osc_a.pitch",
    "osc_a.position",
    "osc_a.level",
    "osc_a.pan",
    "osc_a.warp_amount",
    "osc_b.pitch",
    "osc_b.position",
    "osc_b.level",
    "osc_b.pan",
    "osc_b.warp_amount",
    "sub.level",
    "noise.level",
    "filter.cutoff",
    "filter.resonance",
    "filter.drive",
    "distortion.drive",
    "distortion.mix",
    "chorus.mix",
    "delay.mix",
    "reverb.mix",
    "lfo_1.rate",
    "lfo_2.rate",
    "master.level",
)
MATRIX_SLOTS = 8


def _switch(name: str, default: bool, help: str) -> Parameter:
    return Parameter(name, "boolean", 0, 1, float(default), help=help)


def _choice(name: str, choices: tuple[str, ...], default: str, help: str) -> Parameter:
    index = choices.index(default)
    return Parameter(name, "categorical", 0, len(choices) - 1, index, choices=choices, help=help)


def _whole(name: str, low: int, high: int, default: int, unit: str, help: str) -> Parameter:
    return Parameter(name, "integer", low, high, default, unit, help=help)


def _amount(name: str, default: float, help: str, low: float = 0.0, exponent: float = 1.0) -> Parameter:
    curve = "linear" if exponent == 1.0 else "power"
    return Parameter(name, "continuous", low, 1.0, default, "", curve, exponent, help=help)


def _time(name: str, high: float, default: float, help: str) -> Parameter:
    return Parameter(name, "continuous", 0.0, high, default, "s", "power", 4.0, help=help)


def _frequency(name: str, low: float, high: float, default: float, help: str, unit: str = "Hz") -> Parameter:
    return Parameter(name, "continuous", low, high, default, unit, "exponential", help=help)


def _oscillator(m: str, on: bool) -> list[Parameter]:
    return [
        _switch(f"{m}.on", on, "switches the oscillator on"),
        _choice(f"{m}.table", WAVETABLES, "basic_shapes", "wavetable"),
        _amount(f"{m}.position", 0.66 if m == "osc_a" else 1.0, "place in the wavetable, first to last frame"),
        _amount(f"{m}.level", 0.7, "amplitude", exponent=2.0),
        _amount(f"{m}.pan", 0.0, "-1 left, 1 right", low=-1.0),
        _whole(f"{m}.octave", -3, 3, 0, "octaves", "octave"),
        _whole(f"{m}.semitone", -12, 12, 0, "semitones", "semitones"),
        Parameter(f"{m}.fine_cents", "continuous", -100, 100, 0, "cents", help="fine tuning"),
        _whole(f"{m}.unison", 1, 7, 1, "voices", "unison voices"),
        Parameter(
            f"{m}.detune_cents",
            "continuous",
            0,
            100,
            12,
            "cents",
            "power",
            2.0,
            help="outermost unison voice",
        ),
        _amount(f"{m}.blend", 0.8, "level of the outer unison voices against the centre"),
        _amount(f"{m}.width", 0.8, "stereo spread of the unison voices"),
        _amount(f"{m}.phase", 0.0, "start phase in cycles"),
        _amount(f"{m}.random_phase", 0.0, "how much the start phase varies by voice and render seed"),
        _choice(f"{m}.warp", WARPS, "none", "phase warp; fm: modulated by the other oscillator"),
        _amount(f"{m}.warp_amount", 0.0, "depth of the warp"),
        _switch(f"{m}.to_filter", True, "through the filter, or past it"),
    ]


def _envelope(m: str, decay: float, sustain: float, help: str) -> list[Parameter]:
    return [
        _time(f"{m}.delay_s", 4.0, 0.0, f"{help}: wait before the attack"),
        _time(f"{m}.attack_s", 10.0, 0.002, f"{help}: rise"),
        _time(f"{m}.hold_s", 4.0, 0.0, f"{help}: stay at the top"),
        _time(f"{m}.decay_s", 10.0, decay, f"{help}: fall to the sustain level"),
        _amount(f"{m}.sustain", sustain, f"{help}: level while the note is held"),
        _time(f"{m}.release_s", 10.0, 0.1, f"{help}: fall after the gate"),
        _amount(f"{m}.attack_curve", 0.0, f"{help}: attack bend, 1 fast start, -1 slow start", low=-1.0),
        _amount(f"{m}.decay_curve", 0.6, f"{help}: decay bend, 1 fast start (exponential)", low=-1.0),
        _amount(f"{m}.release_curve", 0.6, f"{help}: release bend, 1 fast start", low=-1.0),
    ]


def _lfo(m: str) -> list[Parameter]:
    return [
        _choice(f"{m}.shape", LFO_SHAPES, "sine", "shape; modulates from -1 to 1"),
        _frequency(f"{m}.rate_hz", 0.05, 30.0, 2.0, "rate"),
        _amount(f"{m}.phase", 0.0, "start phase in cycles"),
        _time(f"{m}.rise_s", 4.0, 0.0, "fade-in after the note starts"),
        _switch(f"{m}.retrigger", True, "starts at its phase with each note, or runs free (seeded)"),
    ]


def _matrix() -> list[Parameter]:
    slots = []
    for slot in range(1, MATRIX_SLOTS + 1):
        slots += [
            _choice(f"matrix.source_{slot}", SOURCES, "none", "what modulates"),
            _choice(f"matrix.destination_{slot}", DESTINATIONS, "none", "what is modulated"),
            _amount(f"matrix.amount_{slot}", 0.0, "depth; full scale is the destination's whole range", low=-1.0),
        ]
    return slots


def _effects() -> list[Parameter]:
    db = "decibel"
    return [
        _switch("distortion.on", False, "switches the distortion on"),
        _choice("distortion.type", DISTORTION_TYPES, "soft", "curve"),
        Parameter("distortion.drive_db", "continuous", 0, 36, 9, "dB", help="gain into the curve"),
        _amount("distortion.mix", 1.0, "dry to wet"),
        _switch("chorus.on", False, "switches the chorus on"),
        _frequency("chorus.rate_hz", 0.05, 8.0, 0.6, "rate"),
        _amount("chorus.depth", 0.4, "modulation depth"),
        _amount("chorus.feedback", 0.0, "feedback", low=-1.0),
        _amount("chorus.mix", 0.4, "dry to wet"),
        _switch("delay.on", False, "switches the delay on"),
        _frequency("delay.time_s", 0.02, 1.0, 0.3, "time between repeats", "s"),
        _amount("delay.feedback", 0.35, "repeats"),
        _frequency("delay.damp_hz", 500.0, 20000.0, 6000.0, "low-pass inside the loop"),
        _switch("delay.ping_pong", False, "repeats alternate between the sides"),
        _amount("delay.mix", 0.25, "wet level"),
        _switch("reverb.on", False, "switches the reverb on"),
        _amount("reverb.size", 0.5, "size of the room"),
        _frequency("reverb.decay_s", 0.2, 12.0, 1.5, "time to fall by 60 dB", "s"),
        _frequency("reverb.damp_hz", 500.0, 20000.0, 6000.0, "above it the tail falls faster"),
        _time("reverb.predelay_s", 0.2, 0.0, "gap before the room answers"),
        _amount("reverb.mix", 0.25, "dry to wet"),
        _switch("eq.on", False, "switches the equaliser on"),
        _frequency("eq.low_hz", 40.0, 1000.0, 150.0, "corner of the low shelf"),
        Parameter("eq.low_db", "continuous", -15, 15, 0, "dB", help="low shelf"),
        _frequency("eq.mid_hz", 200.0, 8000.0, 1200.0, "centre of the bell"),
        Parameter("eq.mid_db", "continuous", -15, 15, 0, "dB", help="bell"),
        _frequency("eq.high_hz", 1000.0, 16000.0, 5000.0, "corner of the high shelf"),
        Parameter("eq.high_db", "continuous", -15, 15, 0, "dB", help="high shelf"),
        Parameter("master.volume_db", "continuous", -36, 6, -9, "dB", db, help="output level"),
        _amount("master.velocity_sensitivity", 0.5, "how much a soft note is quieter"),
        _amount("master.width", 1.0, "0 mono, 1 as made"),
    ]


def _parameters() -> list[Parameter]:
    return [
        *_oscillator("osc_a", on=True),
        *_oscillator("osc_b", on=False),
        _switch("sub.on", False, "switches the sub oscillator on"),
        _choice("sub.shape", SUB_SHAPES, "sine", "shape"),
        _amount("sub.level", 0.6, "amplitude", exponent=2.0),
        _whole("sub.octave", -3, 0, -1, "octaves", "octave"),
        _amount("sub.pan", 0.0, "-1 left, 1 right", low=-1.0),
        _switch("sub.to_filter", True, "through the filter, or past it"),
        _switch("noise.on", False, "switches the noise on"),
        _amount("noise.level", 0.4, "amplitude", exponent=2.0),
        _amount("noise.color", 0.0, "-1 dark, 0 white, 1 bright", low=-1.0),
        _amount("noise.width", 1.0, "0 mono, 1 independent sides"),
        _switch("noise.to_filter", True, "through the filter, or past it"),
        _switch("filter.on", False, "switches the filter on"),
        _choice("filter.type", FILTER_TYPES, "low_pass", "response"),
        _choice("filter.slope", FILTER_SLOPES, "24_db", "steepness per octave"),
        _frequency("filter.cutoff_hz", 20.0, 20000.0, 2000.0, "cutoff at MIDI note 60"),
        _amount("filter.resonance", 0.1, "from Butterworth to close to ringing"),
        Parameter("filter.drive_db", "continuous", 0, 24, 0, "dB", help="saturation before the filter"),
        _amount("filter.keytrack", 0.0, "how far the cutoff follows the note"),
        _amount("filter.mix", 1.0, "dry to filtered"),
        *_envelope("env_1", 0.3, 1.0, "amplifier"),
        *_envelope("env_2", 0.4, 0.0, "envelope 2"),
        *_envelope("env_3", 0.4, 0.0, "envelope 3"),
        *_lfo("lfo_1"),
        *_lfo("lfo_2"),
        *_matrix(),
        *_effects(),
    ]


def _swap_oscillators(values: np.ndarray) -> np.ndarray:
    """Order the oscillators: the one that is on, then the lower pitch, then the lower table comes first.

    Both take the same path (each with its own warp source: the other one), so swapping all their knobs and
    their matrix destinations leaves the sound as it is, bits of random phase and rounding aside.
    """
    rows = np.array(values, np.float64).reshape(-1, len(TABLE))  # a copy
    a, b, both, other, slots, twin = _places()
    swap = np.array([_order_key(row[b]) < _order_key(row[a]) for row in rows], bool)
    rows[np.ix_(swap, both)] = rows[np.ix_(swap, other)]
    rows[np.ix_(swap, slots)] = twin[rows[np.ix_(swap, slots)].astype(int)]
    return rows.reshape(np.shape(values))


@functools.cache
def _places() -> tuple[np.ndarray, ...]:
    """Columns of either oscillator, of both, of their twins and of the destinations; and each destination's twin."""
    a, b = _columns("osc_a."), _columns("osc_b.")
    slots = [TABLE.index[f"matrix.destination_{s}"] for s in range(1, MATRIX_SLOTS + 1)]
    twins = [DESTINATIONS.index(_twin(name)) for name in DESTINATIONS]
    return tuple(np.array(columns) for columns in (a, b, a + b, b + a, slots, twins))


def _columns(prefix: str) -> list[int]:
    return [i for i, name in enumerate(TABLE.names) if name.startswith(prefix)]


def _order_key(osc: np.ndarray) -> tuple[float, ...]:
    on, table, position, *rest = osc.tolist()
    pitch = 12.0 * rest[2] + rest[3] + rest[4] / 100.0
    return (-on, pitch, table, position, *rest)


def _twin(name: str) -> str:
    swapped = {"osc_a": "osc_b", "osc_b": "osc_a"}
    module, dot, knob = name.partition(".")
    return swapped.get(module, module) + dot + knob


TABLE = ParameterTable("serum-lite", 1, _parameters(), _swap_oscillators)
