"""The same preset, probe and seed give the same bits, whatever else is in the batch and however it is cut up."""

from __future__ import annotations

import numpy as np
import pytest
from tests.synth.measure import normalised, presets, renders, rms

from myna import seeding
from myna.presets.generator import MusicalPrior, UniformPrior
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.synth.serum_lite.parameters import TABLE

PROBES = [Probe(60, 100, 0.2, 0.35), Probe(33.3, 20, 0.05, 0.5), Probe(96, 127, 1.0, 0.11)]
# What draws random numbers, all at once: noise, random phase, a free LFO, sample-and-hold, the random source.
CHANCE = {
    "noise.on": True, "osc_a.unison": 7, "osc_a.random_phase": 1.0, "lfo_1.shape": "sample_hold", "lfo_1.rate_hz": 20.0,
    "lfo_1.retrigger": False, "matrix.source_1": "lfo_1", "matrix.destination_1": "osc_a.pitch", "matrix.amount_1": 0.2,
    "lfo_2.retrigger": False, "matrix.source_2": "lfo_2", "matrix.destination_2": "osc_a.pan", "matrix.amount_2": 0.5,
    "matrix.source_3": "random", "matrix.destination_3": "noise.level", "matrix.amount_3": 0.3,
}  # fmt: skip


@pytest.fixture(scope="module")
def u() -> np.ndarray:
    """Presets (41, P) of every sort."""
    draw = seeding.generator(0, "determinism")
    wild = presets(UniformPrior, 20, draw)
    wild[:, TABLE.index["env_1.delay_s"]] = 0.0
    return np.concatenate([presets(MusicalPrior, 20, draw), wild, normalised(CHANCE)])


@pytest.fixture(scope="module")
def whole(u: np.ndarray) -> np.ndarray:
    """The reference: everything in one call on one thread."""
    sounds = renders(u, PROBES)
    assert (rms(sounds.reshape(len(u), -1)) > 0).sum() > 30
    return sounds


def test_a_render_repeats_to_the_bit(u: np.ndarray, whole: np.ndarray) -> None:
    renderer = Renderer(threads=1)
    assert np.array_equal(renderer.render(u, PROBES), whole)
    assert np.array_equal(renderer.render(u, PROBES), whole)  # a used renderer remembers nothing


@pytest.mark.parametrize("size", [1, 2, 7, 32])
def test_the_batch_size_changes_no_bit(size: int, u: np.ndarray, whole: np.ndarray) -> None:
    parts = [renders(u[i : i + size], PROBES) for i in range(0, len(u), size)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_the_order_of_the_batch_changes_no_bit(u: np.ndarray, whole: np.ndarray) -> None:
    order = seeding.generator(0, "order").permutation(len(u))
    assert np.array_equal(renders(u[order], PROBES), whole[order])


@pytest.mark.parametrize("threads", [2, 3])
def test_the_number_of_threads_changes_no_bit(threads: int, u: np.ndarray, whole: np.ndarray) -> None:
    for _ in range(3):  # pieces fall to other threads each time
        assert np.array_equal(renders(u, PROBES, threads=threads), whole)


@pytest.mark.parametrize("chunk_bytes", [1, 1_000_000, 3_000_000])
def test_chunks_change_no_bit(chunk_bytes: int, u: np.ndarray, whole: np.ndarray) -> None:
    assert np.array_equal(renders(u, PROBES, chunk_bytes=chunk_bytes), whole)


def test_a_probe_sounds_the_same_alone_and_among_others(u: np.ndarray, whole: np.ndarray) -> None:
    for n, probe in enumerate(PROBES):
        alone = renders(u, probe)[:, 0]
        assert np.array_equal(alone, whole[:, n, :, : alone.shape[-1]])
        assert not whole[:, n, :, alone.shape[-1] :].any()
    assert np.array_equal(renders(u, PROBES[::-1]), whole[:, ::-1])


def test_a_longer_total_only_adds_to_the_end(u: np.ndarray, whole: np.ndarray) -> None:
    longer = renders(u, Probe(60, 100, 0.2, 0.61))[:, 0]
    short = PROBES[0].samples(44_100)
    assert np.array_equal(longer[..., :short], whole[:, 0, :, :short])


def test_each_preset_may_have_its_own_seed() -> None:
    u = np.repeat(normalised(CHANCE), 4, axis=0)
    own = Renderer(threads=1).render(u, PROBES[0], seeds=[5, 6, 2**40 + 6, 5])
    assert np.array_equal(own[0], own[3])
    for other in (1, 2):
        assert rms(own[0] - own[other]).min() > 0.1 * rms(own[0]).min()
    assert np.array_equal(own[1:2], renders(u[:1], PROBES[0], seed=6))


def moved_by(source: str) -> dict:
    """One source moves the pitch."""
    return {"matrix.source_1": source, "matrix.destination_1": "osc_a.pitch", "matrix.amount_1": 0.5}


@pytest.mark.parametrize(
    "settings",
    [
        {"noise.on": True, "osc_a.on": False},
        {"osc_a.random_phase": 1.0},
        moved_by("lfo_1") | {"lfo_1.shape": "sample_hold", "lfo_1.rate_hz": 20.0},
        moved_by("lfo_2") | {"lfo_2.retrigger": False},
        moved_by("random"),
    ],
    ids=["noise", "random phase", "sample and hold", "free LFO", "random source"],
)  # fmt: skip
def test_another_seed_makes_another_sound_where_chance_plays(settings: dict) -> None:
    u = normalised(settings)
    one, two = renders(u, PROBES[0], seed=1), renders(u, PROBES[0], seed=2)
    assert rms(one - two).max() > 0.01 * rms(one).max()


def test_where_no_chance_plays_the_seed_changes_no_bit() -> None:
    u = normalised({"osc_a.unison": 5, "chorus.on": True})
    assert np.array_equal(renders(u, PROBES, seed=1), renders(u, PROBES, seed=2))


def test_left_and_right_noise_are_as_independent_as_the_width_says() -> None:
    noise = {"osc_a.on": False, "noise.on": True}
    sides = renders(normalised(noise | {"noise.width": 0.0}, noise | {"noise.width": 1.0}), Probe(60, 100, 2.0, 2.0))[
        :, 0
    ]
    assert np.array_equal(sides[0, 0], sides[0, 1])
    assert abs(np.corrcoef(sides[1])[0, 1]) < 0.02


def test_swapping_the_oscillators_is_no_other_preset() -> None:
    """The canonical form maps twins to one row, and both twins sound alike (chance aside)."""
    u = presets(MusicalPrior, 20, seeding.generator(0, "twins"))
    values = TABLE.decode(u)
    a = [i for i, n in enumerate(TABLE.names) if n.startswith("osc_a.")]
    b = [i for i, n in enumerate(TABLE.names) if n.startswith("osc_b.")]
    values[:, TABLE.index["osc_a.random_phase"]] = values[:, TABLE.index["osc_b.random_phase"]] = 0.0
    twins = values.copy()
    twins[:, a + b] = values[:, b + a]
    names = TABLE["matrix.destination_1"].choices
    swap = [names.index(n.replace("osc_a", "?").replace("osc_b", "osc_a").replace("?", "osc_b")) for n in names]
    for slot in range(1, 9):
        column = TABLE.index[f"matrix.destination_{slot}"]
        twins[:, column] = np.array(swap)[values[:, column].astype(int)]
    assert np.array_equal(TABLE.canonical(TABLE.encode(values)), TABLE.canonical(TABLE.encode(twins)))
    first, second = renders(TABLE.encode(values), PROBES[0]), renders(TABLE.encode(twins), PROBES[0])
    assert np.abs(first - second).max() < 1e-3 * np.abs(first).max()
