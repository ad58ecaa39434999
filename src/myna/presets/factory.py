"""The factory bank: presets designed by hand, shipped with the package."""

from __future__ import annotations

import functools
from pathlib import Path

from myna.params import ParameterTable
from myna.presets.codec import load_preset
from myna.presets.preset import Preset

__all__ = ["HELD_OUT", "load_factory", "load_trainable"]

HELD_OUT = frozenset((
    "Amp on Fire", "Arena Jump", "Baritone Solo", "Basement Organ Bass", "Bassoon Grandpa", "Bedrock Sub",
    "Boom Kick 808", "Brass Section", "Celesta Nights", "Chalumeau Clarinet", "Choir Aahs", "Chrome Solid",
    "Combo Fiesta", "Concert Grand", "Concert Harp", "Crack Snare", "Crash Wash", "Crystal DX", "Dark Matter",
    "Floor Tom", "Funky Clav", "Glockenspiel", "Growl Box", "Hand Clap", "Helicopter", "Honky Tonk", "Hoover Parade",
    "Jazz Trio 888", "Jet Flyby", "Kalimba Porch", "Laser Duel", "Morning Bloom", "Musette Accordion", "Muted Strat",
    "Nursery Toy Piano", "Nylon Evening", "PWM Drift", "Pizzicato Section", "Power Fifths", "Punch Kick 909",
    "Robot Chatter", "Rosewood Marimba", "Silent Movie", "Silk Erhu", "Solo Saw", "Solo Trumpet", "Solo Violin",
    "Steel Pan Bay", "Steel Rag", "String Ensemble", "Sync Scream", "Tape Ghosts", "Tenor Smoke", "Throat Singer",
    "Tremolando", "Trompette Reed", "Tubular Bells", "Two-Tone Siren", "Upright Walk", "Vibraphone Blue",
    "Warm Velvet", "Whisper Choir", "Wobble Engine", "Yeah Chop",
))  # fmt: skip
"""Names of those that methods are judged on: the suite `factory`. Drawn once, evenly over the categories."""


@functools.cache
def load_factory(table: ParameterTable) -> tuple[Preset, ...]:
    """All factory presets of the table's synth, by file name."""
    return tuple(load_preset(path, table) for path in sorted(_folder().glob("*.json")))


def load_trainable(table: ParameterTable) -> tuple[Preset, ...]:
    """The factory presets that a method may know: all but those that are held out."""
    return tuple(preset for preset in load_factory(table) if preset.name not in HELD_OUT)


def _folder() -> Path:
    return Path(__file__).parent / "factory"
