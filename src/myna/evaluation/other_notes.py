"""The notes that a matcher did not hear: a preset that was made for one note is played at others, and compared there.

A match that only copies one moment of one note falls apart; a preset that a person would keep plays the keyboard.

Shapes: n presets, P parameters.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from myna.agents import Goal
from myna.evaluation.suites.frozen import FrozenSet
from myna.evaluation.suites.sets import RecordingSet, TargetSet
from myna.features import FULL, analyse
from myna.loss import Heard, score
from myna.synth.renderer import Renderer

__all__ = ["loss_at", "other_notes"]

STEPS = (-7, 12)
"""Semitones from the note of a preset's target to the others: a fifth down, an octave up."""
LOWEST_MIDI, HIGHEST_MIDI = 24, 108
MOST = 2
"""Recordings of the same instrument that are asked about, the nearest ones."""


def other_notes(targets: TargetSet, index: int, renderer: Renderer) -> list[Goal]:
    """What a target's preset should sound like at notes that were not heard; empty where nobody knows.

    Of a frozen preset: itself, `STEPS` away. Of a recording: the other recordings of its instrument in the suite, at
    most `MOST`, the nearest in pitch.
    """
    if isinstance(targets, FrozenSet):
        return _of_preset(targets, index, renderer)
    if isinstance(targets, RecordingSet):
        return _of_recording(targets, index, renderer)
    return []


def _of_preset(targets: FrozenSet, index: int, renderer: Renderer) -> list[Goal]:
    one = targets.targets[index]
    u = renderer.table.snap(targets.preset(index).u(renderer.table)[None])
    notes = [one.probe.note_midi + step for step in STEPS]
    probes = [replace(one.probe, note_midi=note) for note in notes if LOWEST_MIDI <= note <= HIGHEST_MIDI]
    return [Goal(renderer.render(u, probe)[0, 0], probe, f"{one.name} at {probe.note_midi:g}") for probe in probes]


def _of_recording(targets: RecordingSet, index: int, renderer: Renderer) -> list[Goal]:
    own = targets.recordings[index]
    others = [
        (abs(other.note_midi - own.note_midi), place)
        for place, other in enumerate(targets.recordings)
        if place != index and (other.program, other.instrument) == (own.program, own.instrument)
    ]
    return [Goal.of(targets.target(place, renderer), renderer) for _, place in sorted(others)[:MOST]]


def loss_at(goals: list[Goal], u: np.ndarray, renderer: Renderer) -> np.ndarray:
    """Mean scaled loss (n,) of presets u (n, P) played at each of the goals' notes, at least one."""
    losses = []
    for goal in goals:
        target = Heard(analyse(goal.audio[None], renderer.sample_rate, FULL))
        breakdown, _ = score(renderer.render(u, goal.probe)[:, 0], renderer.sample_rate, target)
        losses.append(breakdown.total.double().numpy())
    return np.mean(losses, axis=0)
