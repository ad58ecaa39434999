"""Mutated preset files: every one is refused with our own error, or is a preset that comes back exactly."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myna.errors import BadPresetError, IncompatibleVersionError
from myna.presets import Preset, dumps, loads
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.serum_lite.parameters import TABLE

QUICK, SOAK = 2_000, 20_000
SEEDS = [
    dumps(Preset.from_u(TABLE, u, name=f"seed {i}", tags=("a", "é")))
    for i, u in enumerate(MusicalPrior(TABLE).sample(8, generator(0, "fuzz")))
]
FRAGMENTS = [
    "NaN", "-Infinity", "1e400", "-0.0", "9" * 60, "true", "null", '"0.5"', "[", "]", "{", "}", ",", ":", '"', "\\",
    "\\ud800", "\\u0000", "\ufeff", "\x00", "\x1b", "é", "💥", '"name": 1', '"osc_a.on": false,', "1.5", "-", "e9",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def check(data: bytes | str) -> bool:
    """Whether the data is accepted; anything but our errors or an exact round trip fails."""
    try:
        preset = loads(data, TABLE, "fuzz.json")
    except (BadPresetError, IncompatibleVersionError) as error:
        message = str(error)
        assert message.isprintable() and message.endswith(".") and len(message) < 600
        return False
    assert np.isfinite(preset.u(TABLE)).all()
    text = dumps(preset)
    assert loads(text, TABLE) == preset
    assert dumps(loads(text, TABLE)) == text
    return True


def mutate(text: str, rng: np.random.Generator) -> bytes:
    """One or two changes to the bytes, some of them to what JSON and the schema care about."""
    data = bytearray(text.encode())
    for _ in range(int(rng.integers(1, 3))):
        at = int(rng.integers(0, len(data) + 1))
        kind = int(rng.integers(0, 7))
        if kind == 0 and at < len(data):
            data[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            data[at:at] = str(rng.choice(FRAGMENTS)).encode("utf-8", "surrogatepass")
        elif kind == 2:
            del data[at : at + int(rng.integers(1, 24))]
        elif kind == 3:
            data[at:at] = data[at : at + int(rng.integers(1, 60))]
        elif kind == 4 and rng.random() < 0.3:
            del data[at:]
        else:
            swap_number(data, rng)
    return bytes(data)


def swap_number(data: bytearray, rng: np.random.Generator) -> None:
    """Put another number, mostly a fine one, where a line ends in one."""
    lines = data.split(b"\n")
    at = int(rng.integers(0, len(lines)))
    head, colon, _ = lines[at].partition(b": ")
    if colon:
        value = rng.choice(["0", "1", "0.5", "-1", "20", "1e-3", "1e3", "0.25", "-0.0", "1e-320"])
        lines[at] = head + colon + str(value).encode() + b","
        data[:] = b"\n".join(lines)


def fuzz(count: int, seed: int) -> int:
    """How many of `count` mutated presets were accepted."""
    accepted = 0
    for index in range(count):
        # One generator per input: a failure is found again by its index alone.
        accepted += check(mutate(SEEDS[index % len(SEEDS)], np.random.default_rng((seed, index))))
    return accepted


def test_two_thousand_mutated_presets_are_refused_or_exact() -> None:
    accepted = fuzz(QUICK, seed=1)
    # Both ways must be well travelled, or the mutations test nothing.
    assert 200 < accepted < QUICK - 200


@given(JSON)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_json_at_all_is_refused(value: object) -> None:
    assert not check(json.dumps(value))


@given(name=st.sampled_from(TABLE.names), value=JSON)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_json_for_a_parameter_is_refused_or_exact(name: str, value: object) -> None:
    document = json.loads(SEEDS[0])
    document["parameters"][name] = value
    check(json.dumps(document))


@given(key=st.sampled_from(sorted(json.loads(SEEDS[0]))), value=JSON)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_json_for_a_key_is_refused_or_exact(key: str, value: object) -> None:
    check(json.dumps(json.loads(SEEDS[0]) | {key: value}))


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_bytes_are_refused(data: bytes) -> None:
    assert not check(data)


@pytest.mark.soak
def test_many_mutated_presets_are_refused_or_exact() -> None:
    count = int(os.environ.get("MYNA_PRESET_FUZZ_COUNT", str(SOAK)))
    accepted = fuzz(count, seed=2)
    assert 0 < accepted < count
