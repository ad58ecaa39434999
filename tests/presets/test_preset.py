"""Presets compare knob by knob, and are found by what people remember of them."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from myna.presets import Preset
from myna.presets import search as search_module
from myna.presets.compare import changes
from myna.presets.search import search
from myna.synth.serum_lite.parameters import TABLE

PRESETS = [
    Preset("serum-lite", {}, name="Deep Bass", category="bass", tags=("Dark", "mono"), author="Ann"),
    Preset("serum-lite", {}, name="Deep Pad", category="pad", tags=("dark",), description="Slow and wide."),
    Preset("serum-lite", {}, name="Straße", category="keys"),
]


def found(**wanted: str) -> list[str]:
    return [preset.name for preset in search(PRESETS, **wanted)]


def test_the_worked_example_holds() -> None:
    assert doctest.testmod(search_module).failed == 0


def test_nothing_asked_for_is_everything_in_order() -> None:
    assert found() == ["Deep Bass", "Deep Pad", "Straße"]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"category": "bass"}, ["Deep Bass"]),
        ({"tag": "dark"}, ["Deep Bass", "Deep Pad"]),
        ({"tag": "dar"}, []),
        ({"words": "deep"}, ["Deep Bass", "Deep Pad"]),
        ({"words": "WIDE deep"}, ["Deep Pad"]),
        ({"words": "deep narrow"}, []),
        ({"words": "ann"}, ["Deep Bass"]),
        ({"words": "mono"}, ["Deep Bass"]),
        ({"words": "STRASSE"}, ["Straße"]),
        ({"words": "  "}, ["Deep Bass", "Deep Pad", "Straße"]),
        ({"words": "deep", "tag": "dark", "category": "pad"}, ["Deep Pad"]),
    ],
)
def test_everything_asked_for_must_fit(wanted: dict, names: list[str]) -> None:
    assert found(**wanted) == names


def test_u_and_values_of_a_preset_agree() -> None:
    u = TABLE.sample(1, np.random.default_rng(0))[0]
    preset = Preset.from_u(TABLE, u, name="drawn")
    assert (preset.synth, preset.name) == ("serum-lite", "drawn")
    assert np.abs(preset.u(TABLE) - u).max() <= 1e-6


def test_only_knobs_that_differ_are_changes() -> None:
    after = TABLE.from_dict({"osc_a.level": 0.1, "filter.type": "notch"})
    listed = changes(TABLE, TABLE.defaults, after)
    assert [(c.parameter.name, c.before, c.after) for c in listed] == [
        ("osc_a.level", 0.7, 0.1),
        ("filter.type", 0.0, 3.0),
    ]


def test_the_rounding_of_a_way_to_u_and_back_is_no_change() -> None:
    assert changes(TABLE, TABLE.defaults, TABLE.decode(TABLE.encode(TABLE.defaults))) == []
