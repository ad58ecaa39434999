"""The wavetables as formulas: each gives 16 spectra of complex amplitudes of harmonics 1 to 1024.

An amplitude A of harmonic h stands for Re(A e^(2 pi i h x)), so -1j is a rising sine. Phases are sine-aligned unless a
shape needs another, which makes neighbouring frames morph without cancelling. Spectra fall towards the top (at least
as 1/h beyond the 48th harmonic) since interpolation noise grows with frequency.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from myna import seeding

__all__ = ["FRAMES", "HARMONICS", "SHAPES"]

FRAMES = 16
HARMONICS = 1024
_H = np.arange(1, HARMONICS + 1, dtype=np.float64)
_X = np.linspace(0.0, 1.0, FRAMES)[:, None]  # position of each frame
_ODD = _H % 2 == 1
_REFERENCE_HZ = 130.81  # formants are placed as if this note played
# Vowel formants (Hz) and levels (dB) of a bass-baritone, after Peterson & Barney (JASA 1952) and Csound's table.
_VOWELS = {
    "a": ((730, 1090, 2440, 3400), (0, -7, -9, -20)),
    "e": ((530, 1840, 2480, 3500), (0, -12, -9, -18)),
    "i": ((270, 2290, 3010, 3700), (0, -15, -16, -22)),
    "o": ((570, 840, 2410, 3300), (0, -8, -20, -28)),
    "u": ((300, 870, 2240, 3200), (0, -14, -26, -32)),
}


def _sines(amplitudes: np.ndarray) -> np.ndarray:
    """Real amplitudes (FRAMES, HARMONICS) as sines."""
    return -1j * np.broadcast_to(amplitudes, (FRAMES, HARMONICS))


def _soften(amplitudes: np.ndarray, corner: float = 48.0) -> np.ndarray:
    """Add a slope of 1/h beyond the corner harmonic."""
    return amplitudes / np.sqrt(1.0 + (_H / corner) ** 2)


def _between(stops: list[np.ndarray]) -> np.ndarray:
    """Crossfade a list of spectra evenly over the frames."""
    place = _X[:, 0] * (len(stops) - 1)
    low = np.minimum(place.astype(int), len(stops) - 2)
    way = (place - low)[:, None]
    stack = np.array(stops)
    return (1 - way) * stack[low] + way * stack[low + 1]


def _bump(centre: np.ndarray | float, width: np.ndarray | float) -> np.ndarray:
    """A resonance over the harmonics: 1 at the centre, half as high a width away."""
    return 1.0 / (1.0 + ((_H - centre) / width) ** 2)


def _basic_shapes() -> np.ndarray:
    sine = (_H == 1).astype(float)
    triangle = np.where(_ODD, np.where(_H % 4 == 1, 1.0, -1.0) / _H**2, 0.0)
    saw = 1.0 / _H
    square = np.where(_ODD, 1.0 / _H, 0.0)
    unit = [s / np.sqrt(np.sum(s**2)) for s in (sine, triangle, saw, square)]
    return _sines(_between(unit))


def _saw_stack() -> np.ndarray:
    spectra = 1.0 / _H * np.ones_like(_X)
    for multiple, start in ((2, 0.0), (3, 0.33), (5, 0.66)):
        fade = np.clip((_X - start) / 0.34, 0, 1)
        spectra = spectra + fade * np.where(_H % multiple == 0, multiple / _H, 0.0)
    return _sines(spectra)


def _pwm() -> np.ndarray:
    width = 0.5 - 0.47 * _X
    # A pulse centred in the cycle: cosines of sin(pi h w) / h, alternating by the centre's place.
    amplitude = np.sin(np.pi * _H * width) / _H * np.cos(np.pi * (_H - 1))
    return amplitude.astype(complex)


def _sine_harmonics() -> np.ndarray:
    return _sines((_H[None] == np.arange(1, FRAMES + 1)[:, None]).astype(float))


def _harmonic_sweep() -> np.ndarray:
    centre = 1.5 * 40.0**_X
    return _sines((1.0 / _H) * (1.0 + 14.0 * _bump(centre, 0.15 * centre + 0.6)))


def _formant() -> np.ndarray:
    centre = 2.0 * 16.0**_X
    return _sines(_soften(_bump(centre, 1.2 + 0.08 * centre) + 0.03 / _H))


def _vowel(name: str, sharpness: float) -> np.ndarray:
    hz = _H * _REFERENCE_HZ
    total = np.zeros(HARMONICS)
    for centre, db in zip(*_VOWELS[name], strict=True):
        width = sharpness * (60.0 + 0.06 * centre)
        total += 10 ** (db / 20) / (1.0 + ((hz - centre) / width) ** 2)
    return total * (0.4 + 0.6 / _H**0.5)


def _unit(spectrum: np.ndarray) -> np.ndarray:
    return spectrum / np.sqrt(np.sum(spectrum**2))


def _vocal() -> np.ndarray:
    return _sines(_soften(_between([_unit(_vowel(v, 1.0)) for v in "aeiou"])))


def _choir() -> np.ndarray:
    return _sines(_soften(_between([_unit(_vowel(v, 3.0) + 0.4 / _H**2) for v in "uoaei"])))


def _organ() -> np.ndarray:
    # Drawbars 16' 5 1/3' 8' 4' 2 2/3' 2' 1 3/5' 1 1/3' 1' as harmonics of the 16' pitch.
    pipes = (1, 3, 2, 4, 6, 8, 10, 12, 16)
    registrations = (
        "008800000",
        "808000000",
        "888000000",
        "868600040",
        "888800080",
        "808808008",
        "888888888",
    )
    stops = []
    for registration in registrations:
        spectrum = np.zeros(HARMONICS)
        for pipe, drawn in zip(pipes, registration, strict=True):
            spectrum[pipe - 1] += 10 ** ((int(drawn) - 8) * 3 / 20) if drawn != "0" else 0.0
        stops.append(_unit(spectrum))
    return _sines(_between(stops))


def _bell() -> np.ndarray:
    # Partials of a minor-third bell, times 8 so that they fall near whole harmonics.
    ratios = np.array([4, 8, 9.5, 12, 16, 20, 24, 32, 41, 53])
    spectra = np.zeros((FRAMES, HARMONICS))
    for i, ratio in enumerate(ratios):
        spectra[:, round(ratio) - 1] += np.exp(-0.55 * i * (1.1 - _X[:, 0]))
    spectra[:, 0] += 0.15
    return _sines(spectra)


def _two_op(ratio: int, deepest: float) -> np.ndarray:
    """Phase modulation sin(x + I sin(r x)) by Bessel functions (Chowning, JAES 1973)."""
    from scipy.special import jv

    index = deepest * _X
    spectra = np.zeros((FRAMES, HARMONICS))
    for k in range(-40, 41):
        harmonic = 1 + k * ratio
        amplitude = jv(k, index[:, 0])
        if 0 < harmonic <= HARMONICS:
            spectra[:, harmonic - 1] += amplitude
        elif harmonic < 0 and -harmonic <= HARMONICS:
            spectra[:, -harmonic - 1] -= amplitude
    return _sines(spectra)


def _fm_two_op() -> np.ndarray:
    return _two_op(1, 8.0)


def _fm_metal() -> np.ndarray:
    return _two_op(7, 6.0)


def _digital() -> np.ndarray:
    # Steps of a staircase: partials near multiples of the step count, as in a coarsely sampled saw.
    steps = np.round(4.0 * 16.0**_X)
    away = np.abs(_H - np.round(_H / steps) * steps)
    return _sines(_soften(np.where(away <= 1, 1.0, 0.12) / _H**0.8))


def _comb() -> np.ndarray:
    # A saw and its copy a part of the cycle later: partials vanish where the copy arrives in antiphase.
    lag = 0.5 - 0.46 * _X
    return _sines(np.abs(np.cos(np.pi * _H * lag)) / _H)


def _odd_even() -> np.ndarray:
    odd, even = np.where(_ODD, 1.0 / _H, 0.0), np.where(_ODD, 0.0, 2.0 / _H)
    angle = 0.5 * np.pi * _X
    return _sines(np.cos(angle) * odd + np.sin(angle) * even + 0.08 * (_H == 1))


def _electric_piano() -> np.ndarray:
    bark = 0.2 + 2.6 * _X
    body = np.exp(-(_H - 1) / bark)
    tine = 0.05 + 0.25 * (1 - _X)
    return _sines(body + tine * (_H == 14) + 0.4 * tine * (_H == 7))


def _brass() -> np.ndarray:
    corner = 1.2 * 20.0**_X
    return _sines(_H**0.3 / (1.0 + (_H / corner) ** 3) * (1.0 + 0.5 * _bump(5.0, 3.0)))


def _noise_like() -> np.ndarray:
    # Random amplitudes and phases; position moves the weight from low to high partials.
    generator = seeding.generator(0, "noise_like")
    amplitude = generator.rayleigh(1.0, HARMONICS)
    phase = np.exp(2j * np.pi * generator.random(HARMONICS))
    centre = 4.0 * 9.0**_X
    return _soften(amplitude * np.exp(-(np.log(_H / centre) ** 2) / 1.2), 16.0) * phase


SHAPES: dict[str, Callable[[], np.ndarray]] = {
    "basic_shapes": _basic_shapes,
    "saw_stack": _saw_stack,
    "pwm": _pwm,
    "sine_harmonics": _sine_harmonics,
    "harmonic_sweep": _harmonic_sweep,
    "formant": _formant,
    "vocal": _vocal,
    "choir": _choir,
    "organ": _organ,
    "bell": _bell,
    "fm_two_op": _fm_two_op,
    "fm_metal": _fm_metal,
    "digital": _digital,
    "comb": _comb,
    "odd_even": _odd_even,
    "electric_piano": _electric_piano,
    "brass": _brass,
    "noise_like": _noise_like,
}
