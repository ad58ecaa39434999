"""Probes: their limits and lengths, and the registry of synths."""

from __future__ import annotations

import math

import pytest

from myna.errors import UsageError
from myna.synth.base import Probe
from myna.synth.registry import SYNTHS, make_synth, synth_table


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("note_midi", -0.1), ("note_midi", 127.1), ("velocity", 0.9), ("velocity", 128), ("gate_s", 0.0),
        ("gate_s", 60.1), ("total_s", 0.0), ("total_s", 61.0), ("note_midi", math.nan), ("total_s", math.inf),
    ],
)  # fmt: skip
def test_a_probe_out_of_range_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=name):
        Probe(**{name: value})


@pytest.mark.parametrize(
    ("total_s", "rate", "samples"),
    [(1.0, 44_100, 44_100), (0.1, 44_100, 4_410), (0.3, 22_050, 6_615), (0.001, 8_000, 8)],
)
def test_a_length_is_rounded_up_to_whole_samples(total_s: float, rate: int, samples: int) -> None:
    assert Probe(total_s=total_s).samples(rate) == samples
    assert Probe(total_s=total_s + 1e-4).samples(rate) > samples


@pytest.mark.parametrize("name", SYNTHS)
def test_a_synth_is_made_by_name_and_brings_its_table(name: str) -> None:
    synth = make_synth(name, device="cpu", threads=1)
    assert synth.name == name == synth_table(name).synth
    assert synth.table is synth_table(name)
    assert synth.channels == 2


def test_an_unknown_synth_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="serum-lite"):
        synth_table("moog")
