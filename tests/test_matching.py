"""The main verb: what it returns, what it counts, and what it refuses."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

import numpy as np
import pytest

import myna.retrieval.bank
from myna.audio.target import Target
from myna.errors import UsageError
from myna.features import analyse
from myna.matching import MatchSettings, match_target, similarity_percent
from myna.presets.generator import MusicalPrior
from myna.presets.preset import Preset
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(threads=1)


@pytest.fixture(scope="module", autouse=True)
def small_bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("bank")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(myna.retrieval.bank, "DRAWS", 24)
        patch.setattr(myna.retrieval.bank, "UNIFORM_DRAWS", 4)
        patch.setattr(myna.retrieval.bank, "load_trainable", lambda _: ())
        patch.setattr(myna.retrieval.bank, "bank_dir", lambda: folder)
        myna.retrieval.bank.forget()
        yield
        myna.retrieval.bank.forget()


@pytest.fixture(scope="module")
def target(renderer: Renderer) -> Target:
    probe = Probe(55, 100, 0.25, 0.4)
    u = MusicalPrior(renderer.table).sample_audible(
        1, generator(9, "target"), lambda rows: renderer.render(rows, probe)
    )
    audio = renderer.render(u, probe)[0, 0]
    return Target(audio, 44_100, "a sound", 55.0, 100, 0.25, 0.4, 0.0, True, ("guessed something",))


def match(target: Target, renderer: Renderer, **settings):
    return match_target(target, MatchSettings(**settings), renderer=renderer)


@pytest.fixture(scope="module")
def result(target: Target, renderer: Renderer):
    return match(target, renderer, budget=120, top=4)


def test_the_sounds_are_those_of_the_presets(result, target: Target, renderer: Renderer) -> None:
    probe = Probe(target.note_midi, target.velocity, target.gate_s, target.total_s)
    for preset, audio in [(result.preset, result.audio)] + [(a.preset, a.audio) for a in result.alternatives]:
        again = renderer.render(preset.u(renderer.table)[None], probe)[0, 0]
        assert np.max(np.abs(again - audio)) < 1e-3
    assert np.array_equal(renderer.render(result.preset_u[None], probe)[0, 0], result.audio)


def test_every_render_is_counted_and_the_budget_is_used(result) -> None:
    assert result.renders <= 120
    assert result.renders == 120 - (3 - len(result.alternatives))


@pytest.mark.parametrize(("budget", "top"), [(1, 1), (1, 20), (2, 4), (9, 4), (30, 20)])
def test_the_budget_holds_with_any_number_of_alternatives(target, renderer, budget: int, top: int) -> None:
    found = match(target, renderer, budget=budget, top=top)
    assert found.renders <= budget
    assert len(found.alternatives) <= min(top - 1, budget - 1)
    assert found.curve[-1][0] <= found.renders


def test_the_numbers_agree_with_each_other(result) -> None:
    assert sum(result.terms.values()) == pytest.approx(result.loss)
    assert result.curve[-1][1] == result.loss
    assert result.similarity_percent == similarity_percent(result.loss)
    assert result.note_midi == 55.0
    assert result.gate_s == 0.25
    assert result.warnings == ("guessed something",)
    json.dumps(result.metrics, allow_nan=False)
    assert set(result.metrics) == {"mss", "wmfcc", "sot", "rms_cosine", "level_error_db"}


def test_alternatives_differ_to_the_ear_and_come_in_order(result) -> None:
    losses = [result.loss] + [other.loss for other in result.alternatives]
    assert losses == sorted(losses)
    assert result.alternatives
    mels = analyse(np.stack([result.audio] + [a.audio for a in result.alternatives]), 44_100).mels[0].numpy()
    gaps = [np.mean(np.abs(a - b)) for i, a in enumerate(mels) for b in mels[:i]]
    assert min(gaps) > 1.0


def test_the_same_seed_gives_the_same_result(result, target: Target) -> None:
    again = match_target(target, result.settings, renderer=Renderer(threads=2))
    assert np.array_equal(again.preset_u, result.preset_u)
    assert again.curve == result.curve
    assert [a.loss for a in again.alternatives] == [a.loss for a in result.alternatives]
    assert again.preset == result.preset


def test_locked_modules_stay_as_they_are_in_the_start(target: Target, renderer: Renderer) -> None:
    table = renderer.table
    u = MusicalPrior(table).sample(1, generator(2, "start"))[0]
    start = Preset.from_u(table, u)
    found = match(target, renderer, budget=60, lock=("filter", "env_1"), start=start)
    for other in [found.preset, *(a.preset for a in found.alternatives)]:
        locked = {name: value for name, value in other.values.items() if name.startswith(("filter.", "env_1."))}
        assert locked == pytest.approx({name: start.values[name] for name in locked})


def test_a_stop_returns_the_best_so_far(target: Target, renderer: Renderer) -> None:
    spent = []
    found = match_target(
        target,
        MatchSettings(budget=1000),
        progress=lambda renders, budget, loss: spent.append(renders),
        stop=lambda: bool(spent) and spent[-1] >= 30,
        renderer=renderer,
    )
    assert 30 <= found.renders < 150
    assert found.curve[-1][1] == found.loss


def test_a_stop_before_anything_still_returns_a_preset(target: Target, renderer: Renderer) -> None:
    found = match_target(target, MatchSettings(budget=100), stop=lambda: True, renderer=renderer)
    assert found.renders == 1
    assert np.isfinite(found.loss)


def test_building_the_bank_is_told_once_and_not_counted(
    target: Target, renderer: Renderer, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(myna.retrieval.bank, "bank_dir", lambda: tmp_path)
    told: list[tuple[int, int]] = []
    for _ in range(2):
        found = match_target(
            target,
            MatchSettings(agent="retrieval+cma-es", budget=8, top=1),
            renderer=renderer,
            preparing=lambda *news: told.append(news),
        )
        assert found.renders == 8
    assert told[-1] == (140, 140)
    assert len(told) == len(set(told))


def test_a_silent_target_is_matched_without_a_warning(target: Target, renderer: Renderer) -> None:
    silent = dataclasses.replace(target, audio=np.zeros_like(target.audio))
    found = match(silent, renderer, budget=20)
    assert np.isfinite(found.loss)
    json.dumps(found.metrics, allow_nan=False)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"budget": 0}, "at least 1"),
        ({"top": 0}, "at least 1"),
        ({"agent": "oracle"}, "no agent 'oracle'"),
        ({"lock": ("filter",)}, "--start"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(target, renderer, settings: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        match(target, renderer, **settings)


def test_an_unknown_module_is_refused_by_name(target: Target, renderer: Renderer) -> None:
    start = Preset.from_u(renderer.table, renderer.table.encode(renderer.table.defaults))
    with pytest.raises(UsageError, match="no module 'filtr'"):
        match(target, renderer, lock=("filtr",), start=start)


def test_similarity_falls_from_a_hundred() -> None:
    values = [similarity_percent(loss) for loss in (0.0, 0.1, 0.3, 1.0, 5.0)]
    assert values[0] == 100.0
    assert values == sorted(values, reverse=True)
    assert values[-1] > 0.0
