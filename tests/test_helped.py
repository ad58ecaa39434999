"""What a match did is told module by module, with what each was worth."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from myna.audio.target import Target
from myna.helped import what_helped
from myna.matching import MatchResult, MatchSettings
from myna.presets import Preset
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

PROBE = Probe(48, 100, 0.3, 0.4)
BEST = {"osc_a.table": "saw_stack", "filter.on": True, "filter.cutoff_hz": 4000.0, "lfo_1.rate_hz": 5.0}
FIRST = BEST | {"filter.cutoff_hz": 300.0, "lfo_1.rate_hz": 2.0, "env_1.release_s": 0.09}


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(threads=1)


@pytest.fixture(scope="module")
def result(renderer: Renderer) -> MatchResult:
    best, first = (Preset("serum-lite", values).u(renderer.table) for values in (BEST, FIRST))
    audio = renderer.render(best[None], PROBE)[0, 0]
    target = Target(audio, 44_100, "a sound", 48.0, 100, 0.3, 0.4, 0.0, True)
    preset = Preset.from_u(renderer.table, best)
    return MatchResult(
        target=target, settings=MatchSettings(), preset=preset, preset_u=best, audio=audio, loss=0.0,
        similarity_percent=100.0, terms={}, metrics={}, renders=2, seconds=0.1, curve=[], alternatives=[],
        note_midi=48.0, gate_s=0.3, first_u=first,
    )  # fmt: skip


def test_the_move_that_was_heard_is_told_first_with_what_it_was_worth(result: MatchResult, renderer: Renderer) -> None:
    told = what_helped(result, renderer)
    assert told[0].startswith("opened filter.cutoff_hz by 3.7 octaves (300 Hz → 4.00 kHz): loss −")
    assert not any("lfo_1" in sentence for sentence in told), "what modulates nothing helps nothing"
    assert what_helped(result, renderer, most=1) == told[:1]


def test_where_nothing_moved_or_nothing_was_heard_nothing_is_told(result: MatchResult, renderer: Renderer) -> None:
    assert what_helped(dataclasses.replace(result, first_u=result.preset_u), renderer) == []
    assert what_helped(dataclasses.replace(result, first_u=None), renderer) == []
    assert what_helped(dataclasses.replace(result, loss=float(np.inf)), renderer) == []
