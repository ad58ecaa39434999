"""The verb `render`: a preset, a note, and out comes sound; and new presets, drawn by ear, whole or by module.

Shapes: audio (2, T) float32, full scale = 1. Units: MIDI note, seconds, Hz.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from myna.audio.files import encode_wav
from myna.errors import BadPresetError, MynaError, UsageError, printable
from myna.presets.codec import load_preset
from myna.presets.factory import load_factory
from myna.presets.generator import MAX_TRIES, MusicalPrior, UniformPrior, audible
from myna.presets.mix import with_modules
from myna.presets.preset import Preset
from myna.presets.styles import STYLES
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.registry import synth_table
from myna.synth.renderer import Renderer

__all__ = ["draw_presets", "encode_sound", "find_preset", "randomise_preset", "render_preset"]

DRAW_PROBE = Probe(60, 100, 1.5, 2.0)
"""What a new preset must be heard with."""


def find_preset(name_or_path: str, synth: str = "serum-lite") -> Preset:
    """Load a preset from a file, or a factory preset by its name (upper and lower case alike).

    Args:
        name_or_path: the file, or the name.
        synth: the synth that it is for.

    Raises:
        UsageError: unknown synth.
        BadPresetError: there is neither such a file nor such a name, or the file is no preset.

    Example:
        >>> find_preset("examples/bass.json").synth  # doctest: +SKIP
        'serum-lite'
    """
    table = synth_table(synth)
    if os.path.exists(name_or_path):
        return load_preset(name_or_path, table)
    factory = {preset.name.casefold(): preset for preset in load_factory(table)}
    found = factory.get(name_or_path.casefold())
    if found is None:
        raise BadPresetError(_unknown(name_or_path, [preset.name for preset in factory.values()]))
    return found


def _unknown(name: str, names: list[str]) -> str:
    folded = {known.casefold(): known for known in names}
    near = difflib.get_close_matches(name.casefold(), list(folded), n=1)
    mend = f"did you mean “{folded[near[0]]}”?" if near else "see `myna presets list` for the factory presets."
    return f"There is no preset file or factory preset “{printable(name)}”: {mend}"


def draw_presets(
    count: int, seed: int = 0, prior: str = "musical", category: str | None = None, synth: str = "serum-lite"
) -> list[Preset]:
    """Draw new presets that sound; preset i depends on the seed and i alone.

    Args:
        count: how many.
        seed: the same seed gives the same presets.
        prior: `musical` (the way people make them) or `uniform`.
        category: of the musical prior; each draw picks its own if absent.
        synth: the synth that they are for.

    Raises:
        UsageError: unknown prior, category or synth.
        MynaError: a preset stayed silent, draw after draw.
    """
    if prior not in ("musical", "uniform"):
        raise UsageError(f"There is no prior '{printable(prior)}'; choose musical or uniform.")
    renderer = Renderer(synth=synth)
    drawn = []
    for i in range(count):
        kind = category or tuple(STYLES)[generator(seed, "draw", i).integers(len(STYLES))]
        kind = kind if prior == "musical" else "other"
        source = MusicalPrior(renderer.table, kind) if prior == "musical" else UniformPrior(renderer.table)
        u = source.sample_audible(1, generator(seed, "draw", kind, i), lambda u: renderer.render(u, DRAW_PROBE))
        name = f"{kind if prior == 'musical' else prior} {seed}-{i + 1}".capitalize()
        drawn.append(Preset.from_u(renderer.table, u[0], name=name, category=kind, tags=(prior,)))
    return drawn


def randomise_preset(
    preset: Preset, modules: Iterable[str], seed: int = 0, category: str | None = None, renderer: Any = None
) -> Preset:
    """Draw some modules of a preset anew, the way people set them; the others stay, and it is never silent.

    Args:
        preset: the preset.
        modules: what to draw.
        seed: the same seed gives the same preset.
        category: whose habits; each draw picks its own if absent.
        renderer: one to use again; else a new one for the preset's synth.

    Raises:
        UsageError: unknown category or module.
        MynaError: it stayed silent, draw after draw.
    """
    renderer = Renderer(synth=preset.synth) if renderer is None else renderer
    prior, u, chosen = MusicalPrior(renderer.table, category), preset.u(renderer.table), tuple(modules)
    for i in range(MAX_TRIES):
        drawn = prior.sample_each([generator(seed, "randomise", i)])[0]
        mixed = with_modules(renderer.table, u, drawn, chosen)
        if audible(renderer.render(mixed[None], DRAW_PROBE))[0]:
            settings = renderer.table.to_dict(renderer.table.decode(mixed))
            # What stays keeps its digits: a way to u and back would round them.
            return replace(preset, values={**settings, **_outside(preset, chosen)})
    raise MynaError("Nothing but silence came up: unlock or switch on a module that makes sound.")


def _outside(preset: Preset, modules: Iterable[str]) -> dict[str, Any]:
    """The settings of all other modules."""
    return {name: value for name, value in preset.values.items() if name.partition(".")[0] not in modules}


def render_preset(
    preset: Preset, probe: Probe | None = None, sample_rate: int = 44_100, renderer: Any = None
) -> np.ndarray:
    """Play one note with a preset.

    Args:
        preset: what to play with.
        probe: what to play; middle C for 0.8 s by default.
        sample_rate: Hz, ignored where a renderer is given.
        renderer: one to use again; else a new one for the preset's synth.

    Returns:
        The sound, (2, T) float32. The same preset and probe give the same bits.

    Example:
        >>> render_preset(find_preset("Init")).shape  # doctest: +SKIP
        (2, 44100)
    """
    renderer = Renderer(synth=preset.synth, sample_rate=sample_rate) if renderer is None else renderer
    u = np.asarray(preset.u(renderer.table), np.float64)
    return np.asarray(renderer.render(u[None], [probe or Probe()]), np.float32)[0, 0]


def encode_sound(audio: np.ndarray, sample_rate: int) -> bytes:
    """Encode a sound as WAV: 16 bits, or 32-bit float where 16 bits would clip its peaks.

    Args:
        audio: (C, T), full scale = 1.
        sample_rate: Hz.
    """
    clips = float(np.abs(audio).max(initial=0.0)) > 1.0
    return encode_wav(audio, sample_rate, "FLOAT" if clips else "PCM_16")
