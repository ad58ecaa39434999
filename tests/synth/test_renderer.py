"""The renderer: shapes, chunks, sample rates, torch, and a sentence for every misuse."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.synth.measure import normalised, renders, rms

from myna.errors import BackendError, MynaError, UsageError
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.synth.serum_lite.parameters import TABLE

DEFAULT = normalised({})
P = len(TABLE)


def test_probes_of_different_lengths_render_as_one_batch_followed_by_zeros() -> None:
    probes = [Probe(60, 100, 0.1, 0.2), Probe(48, 90, 0.3, 0.5), Probe(72, 80, 0.05, 0.1003)]
    sounds = renders(normalised({}, {"osc_b.on": True}), probes)
    assert sounds.shape == (2, 3, 2, 22_050)
    assert sounds.dtype == np.float32
    for n, samples in enumerate((8_820, 22_050, 4_424)):
        assert probes[n].samples(44_100) == samples
        assert not sounds[:, n, :, samples:].any()
        assert rms(sounds[:, n, :, : samples // 4]).min() > 0.0


@pytest.mark.parametrize(("rate", "samples"), [(8_000, 2_000), (22_050, 5_513), (96_000, 24_000), (192_000, 48_000)])
def test_the_length_follows_the_sample_rate(rate: int, samples: int) -> None:
    assert renders(DEFAULT, Probe(60, 100, 0.2, 0.25), sample_rate=rate).shape == (1, 1, 2, samples)


def test_one_probe_needs_no_list() -> None:
    probe = Probe(60, 100, 0.05, 0.1)
    assert np.array_equal(renders(DEFAULT, probe), renders(DEFAULT, [probe]))


def test_no_presets_make_no_sound_and_no_error() -> None:
    assert renders(np.empty((0, P)), Probe(60, 100, 0.05, 0.1)).shape == (0, 1, 2, 4_410)


def test_a_render_shorter_than_a_block_is_the_beginning_of_a_longer_one() -> None:
    tiny, long = renders(DEFAULT, Probe(60, 100, 1, 0.001)), renders(DEFAULT, Probe(60, 100, 1, 0.1))
    assert tiny.shape == (1, 1, 2, 45)
    assert np.array_equal(tiny, long[..., :45])


def test_chunks_are_bounded_by_memory_but_never_empty() -> None:
    renderer = Renderer(threads=1, chunk_bytes=100_000)
    assert renderer._chunks((10, 1, 2, 4_000)) == [slice(0, 3), slice(3, 6), slice(6, 9), slice(9, 10)]
    assert renderer._chunks((2, 1, 2, 441_000)) == [slice(0, 1), slice(1, 2)]


def test_values_outside_0_to_1_are_taken_as_the_nearest_end() -> None:
    probe = Probe(60, 100, 0.05, 0.1)
    wild = DEFAULT.copy()
    wild[0, TABLE.index["osc_a.level"]] = 7.0
    ended = DEFAULT.copy()
    ended[0, TABLE.index["osc_a.level"]] = 1.0
    assert np.array_equal(renders(wild, probe), renders(ended, probe))


def nan_preset() -> np.ndarray:
    broken = DEFAULT.copy()
    broken[0, 3] = np.nan
    return broken


MISUSE = {
    "one row without its batch": (lambda: renders(DEFAULT[0], Probe()), UsageError, "shape"),
    "too few knobs": (lambda: renders(DEFAULT[:, :-1], Probe()), UsageError, f"{P}"),
    "three axes": (lambda: renders(DEFAULT[None], Probe()), UsageError, "shape"),
    "NaN": (lambda: renders(nan_preset(), Probe()), UsageError, "finite"),
    "infinity": (lambda: renders(np.full((1, P), np.inf), Probe()), UsageError, "finite"),
    "no probe": (lambda: renders(DEFAULT, []), UsageError, "probe"),
    "seeds for another batch": (
        lambda: Renderer(threads=1).render(DEFAULT, Probe(), seeds=[1, 2]),
        UsageError,
        "Seeds",
    ),
    "a sample rate too low": (lambda: Renderer(sample_rate=7_999), UsageError, "8000 to 192000"),
    "a sample rate too high": (lambda: Renderer(sample_rate=200_000), UsageError, "8000 to 192000"),
    "an unknown synth": (lambda: Renderer("moog"), UsageError, "serum-lite"),
    "an unknown device": (lambda: Renderer(device="tpu"), BackendError, "cpu or cuda"),
}


@pytest.mark.parametrize("case", MISUSE)
def test_misuse_gets_one_sentence(case: str) -> None:
    call, kind, words = MISUSE[case]
    with pytest.raises(kind, match=words) as caught:
        call()
    assert isinstance(caught.value, MynaError)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_an_absent_gpu_is_one_sentence() -> None:
    from numba import cuda

    if cuda.is_available():
        assert Renderer(device="cuda").device == "cuda"
        return
    with pytest.raises(BackendError, match="No CUDA device"):
        Renderer(device="cuda")


def test_a_torch_tensor_comes_back_as_a_torch_tensor_of_the_same_bits() -> None:
    torch = pytest.importorskip("torch")
    probe = Probe(60, 100, 0.05, 0.1)
    sounds = renders(torch.from_numpy(DEFAULT), probe)
    assert isinstance(sounds, torch.Tensor)
    assert sounds.dtype == torch.float32
    assert np.array_equal(sounds.numpy(), renders(DEFAULT, probe))


def test_each_preset_can_have_probes_of_its_own_and_sounds_as_it_does_alone() -> None:
    u = normalised({}, {"osc_b.on": True}, {"osc_a.table": "bell"})
    own = [[Probe(60, 100, 0.1, 0.2), Probe(40)], [Probe(64, 90, 0.3, 0.4), Probe(50)], [Probe(72), Probe(80)]]
    together = renders(u, own)
    for b in range(3):
        alone = renders(u[b : b + 1], own[b])
        assert np.array_equal(together[b, :, :, : alone.shape[-1]], alone[0])


@pytest.mark.parametrize("probes", [[[Probe()]], [[Probe()], [Probe(), Probe()]], [[], []], [[Probe()]] * 3, []])
def test_probes_of_their_own_that_do_not_fit_the_presets_are_refused(probes: list[list[Probe]]) -> None:
    with pytest.raises(UsageError, match=r"[Pp]robe"):
        renders(normalised({}, {}), probes)


def test_memory_that_is_used_again_gives_the_same_bits_and_belongs_to_one_thread() -> None:
    renderer = Renderer(threads=1)
    long, short = Probe(60, 100, 0.2, 0.4), Probe(60, 100, 0.05, 0.1)
    u = normalised({}, {"osc_b.on": True}, {"reverb.on": True})
    fresh = renderer.render(u, [long, short])
    first = renderer.render(u, [long, short], reuse=True)
    assert np.array_equal(first, fresh)
    assert np.array_equal(renderer.render(u[:1], short, reuse=True), fresh[:1, 1:, :, : short.samples(44_100)])
    again = renderer.render(u, [long, short], reuse=True)  # the zeros after the short one are zeros again
    assert np.array_equal(again, fresh) and np.shares_memory(again, first)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(renderer.render, u, [long, short], reuse=True).result()
    assert np.array_equal(other, fresh) and not np.shares_memory(other, first)
