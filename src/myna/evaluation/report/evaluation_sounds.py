"""The sounds of a report: some targets, each with what every agent made of it, to be heard at equal loudness and seen.

Shapes: n presets, P parameters, C channels, T samples.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np

from myna.agents import Goal
from myna.evaluation.report.clips import embed_mp3, equal_gains_db, wave_path
from myna.evaluation.report.evaluation_board import Board, Panel
from myna.evaluation.report.evaluation_colours import Look, looks
from myna.evaluation.report.evaluation_halls import Entry, Halls
from myna.evaluation.report.match_report import note_name
from myna.evaluation.report.page import data_uri
from myna.evaluation.results import Line
from myna.evaluation.suites import load_suite
from myna.features.spectrogram import small_spectrograms
from myna.synth.renderer import Renderer
from myna.units import db_to_gain

__all__ = ["SOUND_BYTES", "Heard", "SoundPage", "chosen", "sound_pages"]

SOUND_BYTES = 6_000_000
"""Most characters of all sounds together."""
KEYS = string.ascii_uppercase
PER_HALL = 3
QUALITIES = ((False, 0.5), (True, 0.5), (True, 0.8))
"""(mono, compression), tried in turn until all sounds fit."""


@dataclass(frozen=True)
class Heard:
    """One sound of a target: `key` is on its button, `agents` made it (none: the target itself).

    `note` says its loss and how it came about, `gain` what was applied; `picture` and `sound` are URIs.
    """

    key: str
    agents: tuple[str, ...]
    look: Look | None
    note: str
    gain: str
    picture: str
    sound: str


@dataclass(frozen=True)
class SoundPage:
    """A target: what it is, why it was chosen, its outline, and the sounds, the target's first, then best to worst."""

    title: str
    suite: str
    says: str
    why: str
    wave: str
    heard: tuple[Heard, ...]


@dataclass(frozen=True)
class _Scene:
    """A target with its sounds at their playing level, before they are encoded."""

    page: SoundPage
    played: tuple[np.ndarray, ...]


def chosen(found: Halls, count: int) -> list[tuple[Entry, str]]:
    """At most `count` targets with the reason for each: from the halls in turn, then spread evenly over each suite."""
    fame, shame, lost = ((*hall[:PER_HALL],) for hall in (found.fame, found.shame, found.lost))
    reasons = ("hall of fame", "hall of shame", f"another agent beats {found.leader}")
    ranked = [
        (one, why)
        for places in zip_longest(fame, shame, lost)
        for one, why in zip(places, reasons, strict=True)
        if one is not None
    ]
    ranked += [(one, "evenly chosen") for one in _spread(found.entries, count)]
    kept: dict[tuple[str, int], tuple[Entry, str]] = {}
    for one, why in ranked:
        kept.setdefault(one.place, (one, why))
    return [*kept.values()][:count]


def _spread(entries: Sequence[Entry], count: int) -> list[Entry]:
    """From each suite as many, a suite after the other, places of a suite as far apart as can be."""
    suites = [[one for one in entries if one.suite == name] for name in dict.fromkeys(one.suite for one in entries)]
    picked = [
        [own[at] for at in np.linspace(0, len(own) - 1, min(len(own), count)).round().astype(int)] for own in suites
    ]
    return [one for places in zip_longest(*picked) for one in places if one is not None]


def sound_pages(board: Board, found: Halls, count: int, most_bytes: int = SOUND_BYTES) -> tuple[list[SoundPage], int]:
    """Pages for at most `count` targets, and how many more would not fit: the last ones."""
    picked = chosen(found, count)
    if not picked:
        return [], 0
    renderer, panels = Renderer(), {panel.name: panel for panel in board.suites}
    scenes = [_scene(board, panels[one.suite], one, why, found.renders, renderer) for one, why in picked]
    pages, left_out = _encoded([scene for scene in scenes if scene is not None], renderer.sample_rate, most_bytes)
    return pages, left_out


def _scene(board: Board, panel: Panel, entry: Entry, why: str, renders: int, renderer: Renderer) -> _Scene | None:
    made = _best_lines(board, panel, entry.index, renders)
    if not made:
        return None
    goal = Goal.of(load_suite(panel.name).target(entry.index, renderer), renderer)
    u = np.array([own[0].u for own in made])
    sounds = [goal.audio, *renderer.render(u, goal.probe)[:, 0]]
    gains = equal_gains_db(sounds, renderer.sample_rate)
    played = tuple(audio * float(db_to_gain(gain)) for audio, gain in zip(sounds, gains, strict=True))
    heard = _heard(board, made, gains, small_spectrograms(played, renderer.sample_rate))
    wave = wave_path(played[0], played[0].shape[1], float(np.abs(played[0]).max(initial=0.0)))
    says = f"{note_name(goal.probe.note_midi)}, held {goal.probe.gate_s:.2f} s"
    return _Scene(SoundPage(entry.target, panel.name, says, why, wave, heard), played)


def _best_lines(board: Board, panel: Panel, index: int, renders: int) -> list[list[Line]]:
    """The best run of each agent with so many renders, or with its most, best first; equal presets are joined."""
    best: dict[str, Line] = {}
    for line in panel.lines:
        if line.index == index and line.renders <= renders and line.u:
            best[line.agent] = min(best.get(line.agent, line), line, key=_goodness)
    joined: dict[tuple[float, ...], list[Line]] = {}
    for line in sorted(best.values(), key=lambda one: (one.loss, board.agents.index(one.agent))):
        joined.setdefault(tuple(line.u), []).append(line)
    return [*joined.values()][: len(KEYS) - 1]


def _goodness(line: Line) -> tuple[float, ...]:
    return -line.renders, line.loss, line.training, line.seed


def _heard(
    board: Board, made: Sequence[Sequence[Line]], gains: Sequence[float], pictures: Sequence[bytes]
) -> tuple[Heard, ...]:
    shown = looks(board.agents)
    names = [(), *(tuple(line.agent for line in own) for own in made)]
    notes = ["the sound to imitate", *(_note(own) for own in made)]
    return tuple(
        Heard(key, agents, shown[agents[0]] if agents else None, note, f"{gain:+.1f} dB", _picture(picture), "")
        for key, agents, note, gain, picture in zip(KEYS, names, notes, gains, pictures, strict=False)
    )


def _note(own: Sequence[Line]) -> str:
    one, s = own[0], "s" if own[0].renders > 1 else ""
    training = f", training {one.training}" if one.training > 1 else ""
    return f"loss {one.loss:.3f}, {one.renders:,} render{s}{training}, seed {one.seed}"


def _picture(picture: bytes) -> str:
    return data_uri("image/webp", picture)


def _encoded(scenes: Sequence[_Scene], sample_rate: int, most_bytes: int) -> tuple[list[SoundPage], int]:
    """With their sounds, as good as they fit; what does not fit at all is left out, from the end."""
    pages: list[SoundPage] = []
    for mono, compression in QUALITIES:
        pages = [_with_sounds(scene, sample_rate, mono, compression) for scene in scenes]
        if sum(map(_size, pages)) <= most_bytes:
            return pages, 0
    while pages and sum(map(_size, pages)) > most_bytes:
        pages.pop()
    return pages, len(scenes) - len(pages)


def _with_sounds(scene: _Scene, sample_rate: int, mono: bool, compression: float) -> SoundPage:
    sounds = [embed_mp3(audio, sample_rate, mono, compression) for audio in scene.played]
    heard = tuple(replace(one, sound=sound) for one, sound in zip(scene.page.heard, sounds, strict=True))
    return replace(scene.page, heard=heard)


def _size(page: SoundPage) -> int:
    return sum(len(one.sound) + len(one.picture) for one in page.heard)
