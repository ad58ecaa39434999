"""Knobs that are called silent do not change the sound."""

from __future__ import annotations

import numpy as np
import pytest

from myna.agents.knobs import audible_knobs
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.base import Probe


def settings(table, **more) -> np.ndarray:
    values = {name.replace("__", "."): value for name, value in more.items()}
    return table.encode(table.from_dict(values))


def names(table, u: np.ndarray) -> set[str]:
    return {table.names[i] for i in np.flatnonzero(audible_knobs(table, u))}


def test_turning_any_silent_knob_leaves_every_bit_of_the_sound(renderer) -> None:
    table = renderer.table
    rng = generator(8, "knobs")
    for u in MusicalPrior(table).sample(6, rng):
        silent = np.flatnonzero(~audible_knobs(table, u))
        turned = np.repeat(u[None], len(silent) + 1, axis=0)
        turned[np.arange(len(silent)), silent] = rng.random(len(silent))
        audio = renderer.render(table.snap(turned), Probe(57, 90, 0.1, 0.15))[:, 0]
        heard = [not np.array_equal(sound, audio[-1]) for sound in audio[:-1]]
        assert [table.names[knob] for knob in silent[heard]] == []


def test_many_presets_are_told_as_each_is_alone(renderer) -> None:
    u = renderer.table.sample(40, generator(9, "knobs")).reshape(8, 5, -1)
    together = audible_knobs(renderer.table, u)
    assert all(
        np.array_equal(together[i, j], audible_knobs(renderer.table, u[i, j])) for i in range(8) for j in range(5)
    )


def test_of_a_module_that_is_off_only_the_switch_is_left(renderer) -> None:
    audible = names(renderer.table, settings(renderer.table, reverb__on=False))
    assert {name for name in audible if name.startswith("reverb.")} == {"reverb.on"}


def test_an_oscillator_that_is_off_lends_its_wave_to_the_others_fm(renderer) -> None:
    table = renderer.table
    plain = names(table, settings(table, osc_b__on=False, osc_a__warp="bend"))
    lent = names(table, settings(table, osc_b__on=False, osc_a__warp="fm"))
    assert "osc_b.position" not in plain
    assert {"osc_b.table", "osc_b.position", "osc_b.octave"} <= lent


@pytest.mark.parametrize(("destination", "heard"), [("filter.cutoff", True), ("none", False)])
def test_a_modulator_counts_when_the_matrix_uses_it(renderer, destination: str, heard: bool) -> None:
    routed = {"matrix__source_1": "lfo_1", "matrix__destination_1": destination}
    audible = names(renderer.table, settings(renderer.table, filter__on=True, **routed))
    assert ("lfo_1.rate_hz" in audible) is heard
    assert ("matrix.amount_1" in audible) is heard
    assert "lfo_2.rate_hz" not in audible
