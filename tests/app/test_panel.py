"""The panel remembers, goes back, and changes what it may."""

from __future__ import annotations

import pytest

from myna.app.panel import STEPS, Panel, initial_preset
from myna.errors import UsageError
from myna.presets.factory import load_factory
from myna.synth.serum_lite.parameters import TABLE

BASS, PAD = load_factory(TABLE)[:2]


def test_a_turned_knob_can_be_undone_and_redone() -> None:
    panel = Panel()
    panel.turn({"filter.cutoff_hz": 500.0})
    panel.turn({"filter.on": True})
    panel.undo()
    assert panel.values["filter.cutoff_hz"] == 500.0 and panel.values["filter.on"] is False
    panel.undo()
    assert panel.preset == initial_preset() and not panel.can_undo
    panel.undo()
    panel.redo()
    panel.redo()
    panel.redo()
    assert panel.values["filter.on"] is True and not panel.can_redo


def test_a_change_after_undo_forgets_what_was_undone() -> None:
    panel = Panel()
    panel.turn({"osc_a.level": 0.2})
    panel.undo()
    panel.turn({"osc_a.level": 0.4})
    assert not panel.can_redo


def test_what_changes_nothing_is_no_step_and_steps_are_bounded() -> None:
    panel = Panel()
    panel.turn({"osc_a.level": panel.values["osc_a.level"]})
    assert not panel.can_undo
    for i in range(STEPS + 20):
        panel.turn({"osc_a.level": i / (STEPS + 20)})
    undone = 0
    while panel.can_undo:
        panel.undo()
        undone += 1
    assert undone == STEPS


def test_differences_are_told_against_the_preset_that_was_loaded() -> None:
    panel = Panel()
    panel.load(BASS)
    assert panel.differences() == []
    panel.turn({"osc_a.pan": 0.25})
    assert [(c.parameter.name, c.after) for c in panel.differences()] == [("osc_a.pan", 0.25)]


def test_a_bad_value_is_refused_and_nothing_changes() -> None:
    panel = Panel()
    with pytest.raises(UsageError):
        panel.turn({"osc_a.level": 7.0})
    assert panel.preset == initial_preset() and not panel.can_undo


def test_a_morph_goes_from_the_loaded_preset_to_the_other() -> None:
    panel = Panel()
    panel.load(BASS)
    loaded = panel.preset
    panel.change(panel.morphed(PAD, 1.0))
    assert panel.preset.u(TABLE) == pytest.approx(PAD.u(TABLE), abs=1e-9)
    panel.change(panel.morphed(PAD, 0.0))
    assert panel.preset.u(TABLE) == pytest.approx(loaded.u(TABLE), abs=1e-9)


def test_locked_modules_are_not_open_to_randomising() -> None:
    panel = Panel()
    panel.locked = {"filter", "env_1"}
    assert panel.open_modules(["filter", "osc_a"]) == ["osc_a"]
    assert set(panel.open_modules()) == set(TABLE.modules) - {"filter", "env_1"}
