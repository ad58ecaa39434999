"""The job `match`: a recording in the job's folder, presets, sounds and a report in the same folder when it is done.

The request: `name` (of the sound, for people), `note` and `gate` (as corrected by hand, or null), `synth`, `agent`,
`budget`, `seed`, `top`, `lock`. The files given: `sound.bin`, and `start.json` where there is a preset to start from.
"""

from __future__ import annotations

import importlib
import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from myna.audio.files import Audio
from myna.audio.target import Target, target_from_file
from myna.errors import MynaError
from myna.files import write_atomic
from myna.presets import load_preset
from myna.render import encode_sound
from myna.synth.registry import synth_table

__all__ = ["BEST", "SOUND", "START", "prepare", "run"]

SOUND, START, BEST = "sound.bin", "start.json", "best.wav"
BEST_EVERY_S = 0.5
SAID = 6
"""Edits and findings that the page shows at most."""


def prepare() -> None:
    """Load what a match needs: the engine, the ears, the search."""
    from myna.synth.base import Probe
    from myna.synth.renderer import Renderer

    importlib.import_module("myna.matching")
    renderer = Renderer()
    renderer.render(renderer.table.encode(renderer.table.defaults)[None], Probe(60, 100, 0.05, 0.1))


def run(request: Mapping[str, Any], desk: Any) -> dict[str, Any]:
    """Match, write everything into the folder, and return what `match.json` holds with words beside.

    Args:
        request: see the module.
        desk: the worker's `Desk`.

    Raises:
        MynaError: the sound or a setting cannot be used, or it was stopped before anything was heard.
    """
    from myna.helped import what_helped
    from myna.match_files import write_match
    from myna.matching import match_target

    desk.tell(says="Listening to the target")
    target = target_from_file(
        desk.folder / SOUND, name=request["name"], note=request.get("note"), gate=request.get("gate")
    )
    live = _Live(desk, target.sample_rate)
    result = match_target(
        target,
        _settings(request, desk.folder),
        progress=live.progress,
        stop=desk.stopped,
        preparing=live.preparing,
        improved=live.improved,
    )
    desk.tell(says="Writing the report")
    write_match(result, desk.folder, request["name"], desk.stopped())
    summary = json.loads((desk.folder / "match.json").read_bytes())  # its paths are those inside the folder
    more = {"total_s": target.total_s, "story": what_helped(result, most=SAID), "findings": _findings(result, target)}
    return {**summary, **more}


def _settings(request: Mapping[str, Any], folder: Path) -> Any:
    from myna.matching import MatchSettings

    start = folder / START
    return MatchSettings(
        synth=request["synth"],
        agent=request["agent"],
        budget=request["budget"],
        seed=request.get("seed", 0),
        top=request.get("top", 5),
        lock=tuple(request.get("lock", ())),
        start=load_preset(start, synth_table(request["synth"])) if start.exists() else None,
    )


class _Live:
    """Tells of a search while it runs: where it stands, the curve, and the best sound so far."""

    def __init__(self, desk: Any, sample_rate: int) -> None:
        self.desk, self.sample_rate = desk, sample_rate
        self.written_s = -math.inf
        self.pending: np.ndarray | None = None

    def preparing(self, done: int, total: int) -> None:
        if self.desk.stopped():
            raise MynaError("Stopped before anything was heard.")
        self.desk.tell(says="Building the bank of sounds, once", done=done, total=total)

    def progress(self, renders: int, budget: int, loss: float) -> None:
        self.desk.tell(says="Searching", done=renders, total=budget)
        self._write()

    def improved(self, renders: int, loss: float, audio: np.ndarray) -> None:
        self.pending = audio
        self.desk.tell(point=[renders, loss], news={"loss": loss})
        self._write()

    def _write(self) -> None:
        """The best sound, twice a second at most: a search may improve a hundred times in that time."""
        now_s = time.monotonic()
        if self.pending is not None and now_s - self.written_s >= BEST_EVERY_S:
            write_atomic(self.desk.folder / BEST, encode_sound(self.pending, self.sample_rate))
            self.pending, self.written_s = None, now_s


def _findings(result: Any, target: Target) -> list[dict[str, Any]]:
    """What still differs, dearest first, in words."""
    from myna.analysis.compare import compare_sounds

    rate = target.sample_rate
    length = min(result.audio.shape[1], target.audio.shape[1])
    sound, goal = (Audio(audio[:, :length], rate, rate) for audio in (result.audio, target.audio))
    parts = compare_sounds(sound, goal).parts[:SAID]
    return [{"name": part.name, "loss": part.loss, "text": part.text} for part in parts if part.loss > 0.0]
