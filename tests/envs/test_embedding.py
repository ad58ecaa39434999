from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from myna.envs import embedding
from myna.envs.embedding import cosine, make_scorer, similarity
from myna.envs.vggish import Vggish, log_mel_patches
from myna.errors import BackendError, BadAudioError, MynaError, UsageError
from myna.seeding import generator

RATE_HZ = 44_100
SIZE = 8  # of the tiny VGGish's embedding


def tone(hz: float, seconds: float = 1.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)[None]


def fill(tensors: dict[str, torch.Tensor], *path: str) -> dict[str, torch.Tensor]:
    """The same tensors with drawn values: as wide as a layer needs to keep the level."""
    filled = {}
    for name, tensor in tensors.items():
        width = max(1, tensor[0].numel()) if tensor.ndim else 1
        draw = generator(0, "weights", *path, name).standard_normal(tuple(tensor.shape)) * np.sqrt(2 / width)
        filled[name] = torch.as_tensor(draw, dtype=tensor.dtype) if tensor.is_floating_point() else tensor
    return filled


def global_states() -> list[bytes]:
    words, place = np.random.get_state()[1:3]  # noqa: NPY002 (the global generator is what is watched)
    return [words.tobytes(), bytes([place % 256, place // 256]), torch.get_rng_state().numpy().tobytes()]


def tiny_vggish(folder: Path, **more: torch.Tensor) -> Path:
    model = Vggish((4, 4, 8, 8, 8, 8), (16, 16), SIZE)
    save_file(fill(model.state_dict(), "vggish") | more, folder / "vggish.safetensors")
    return folder


@pytest.fixture(scope="module")
def vggish(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_vggish(tmp_path_factory.mktemp("vggish"))


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "fusion"])
def clap(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    text = {"vocab_size": 8, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    audio = {"patch_embeds_hidden_size": 4, "hidden_size": 32, "depths": [1, 1, 1, 1], "num_attention_heads": [1] * 4}
    audio |= {"enable_fusion": request.param, "num_classes": 2}
    folder = tmp_path_factory.mktemp("clap")
    with torch.random.fork_rng(devices=[]):
        model = ClapModel(ClapConfig(text_config=text, audio_config=audio, projection_dim=SIZE))
    model.save_pretrained(folder)
    ClapFeatureExtractor(truncation="fusion" if request.param else "rand_trunc").save_pretrained(folder)
    return folder


def test_the_full_network_has_the_names_and_shapes_of_torchvggish() -> None:
    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in Vggish().state_dict().items()}
    layers = {"features.0": (64, 1, 3, 3), "features.3": (128, 64, 3, 3), "features.6": (256, 128, 3, 3)}
    layers |= {"features.8": (256, 256, 3, 3), "features.11": (512, 256, 3, 3), "features.13": (512, 512, 3, 3)}
    layers |= {"embeddings.0": (4096, 12288), "embeddings.2": (4096, 4096), "embeddings.4": (128, 4096)}
    assert shapes == {f"{k}.weight": v for k, v in layers.items()} | {f"{k}.bias": v[:1] for k, v in layers.items()}


def test_the_front_end_is_that_of_the_paper_bin_by_bin() -> None:
    mono = generator(0, "noise").standard_normal(15_600).astype(np.float32) * 0.1

    def mel(hz: float) -> float:
        return 1127.0 * np.log(1.0 + hz / 700.0)

    edges = np.linspace(mel(125.0), mel(7500.0), 66)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    weights = np.zeros((257, 64))
    for band in range(64):
        for i in range(1, 257):
            m = mel(i * 16_000 / 512)
            rising = (m - edges[band]) / (edges[band + 1] - edges[band])
            falling = (edges[band + 2] - m) / (edges[band + 2] - edges[band + 1])
            weights[i, band] = max(0.0, min(rising, falling))
    frames = [np.abs(np.fft.rfft(mono[frame * 160 :][:400] * window, 512)) for frame in range(96)]
    expected = np.log(np.array(frames) @ weights + 0.01)
    np.testing.assert_allclose(log_mel_patches(torch.from_numpy(mono))[0], expected, atol=2e-4)


@pytest.mark.parametrize(("samples", "patches"), [(1, 1), (15_599, 1), (15_600, 1), (30_959, 1), (30_960, 2)])
def test_only_full_patches_count_but_a_short_sound_makes_one(samples: int, patches: int) -> None:
    assert log_mel_patches(torch.ones(samples)).shape == (patches, 96, 64)


def test_a_short_sound_is_followed_by_silence() -> None:
    patch = log_mel_patches(torch.ones(400))[0]
    np.testing.assert_allclose(patch[3:], np.log(0.01), atol=1e-6)
    assert patch[0].max() > np.log(0.01) + 1


def test_the_network_flattens_time_then_band_then_channel() -> None:
    model = Vggish((1, 1, 1, 1, 1, 2), (4, 4), 4)
    for parameter in model.parameters():
        parameter.data.fill_(1.0)
    seen = []
    model.embeddings[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    features = model.features
    patches = torch.from_numpy(generator(0, "patches").standard_normal((1, 1, 96, 64)).astype(np.float32))
    model(patches)
    image = features(patches)[0].detach().numpy()  # (channel, time, band)
    by_hand = [image[c, t, b] for t in range(6) for b in range(4) for c in range(2)]
    np.testing.assert_array_equal(seen[0][0].detach().numpy(), by_hand)


def test_a_long_sound_is_the_mean_of_its_patches(vggish: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("myna.envs.vggish.CHUNK", 2)
    scorer = make_scorer("vggish", vggish)
    mono = np.concatenate([tone(hz, 0.96, 16_000) for hz in (200, 400, 800)], axis=1)
    mono = np.pad(mono, ((0, 0), (0, 240)))
    parts = [scorer.embed(mono[:, i * 15_360 :][:, :15_600], 16_000) for i in range(3)]
    np.testing.assert_allclose(scorer.embed(mono, 16_000), np.mean(parts, axis=0), rtol=1e-4, atol=1e-4)


def test_the_whitening_is_applied_to_each_patch_and_clipped(tmp_path: Path) -> None:
    draws = generator(0, "pca")
    matrix = draws.standard_normal((SIZE, SIZE)).astype(np.float32)
    means = draws.standard_normal((SIZE, 1)).astype(np.float32)
    pca = {"pproc.pca_matrix": torch.from_numpy(matrix), "pproc.pca_means": torch.from_numpy(means)}
    folder = tiny_vggish(tmp_path, **pca)
    plain = make_scorer("vggish", folder).embed(tone(440), RATE_HZ)
    expected = matrix @ (plain - means[:, 0])
    assert np.abs(expected).max() > 2
    np.testing.assert_allclose(
        make_scorer("vggish-pca", folder).embed(tone(440), RATE_HZ), np.clip(expected, -2, 2), rtol=1e-3, atol=1e-4
    )


def test_whitening_that_is_not_there_is_named(vggish: Path) -> None:
    with pytest.raises(BackendError, match=r"lacks VGGish's whitening .* use vggish"):
        make_scorer("vggish-pca", vggish)


def test_the_embedding_hears_the_middle_of_the_channels_at_any_rate(vggish: Path) -> None:
    scorer = make_scorer("vggish", vggish)
    mono = scorer.embed(tone(440, rate_hz=16_000), 16_000)
    stereo = np.concatenate([2 * tone(440), np.zeros_like(tone(440))])
    assert mono.shape == (SIZE,)
    assert cosine(mono, scorer.embed(stereo, RATE_HZ)) > 0.999


def test_a_sound_is_like_itself_and_less_like_another(vggish: Path) -> None:
    scorer = make_scorer("vggish", vggish)
    assert similarity(scorer, tone(440), tone(440), RATE_HZ) == pytest.approx(1.0)
    assert similarity(scorer, tone(440), tone(3000), RATE_HZ) < 0.999


def test_a_zero_vector_is_like_nothing() -> None:
    assert cosine(np.zeros(3), np.ones(3)) == 0.0


@pytest.mark.parametrize("key", ["features.6.weight", "embeddings.4.weight", "embeddings.2.bias"])
def test_missing_vggish_weights_are_named(vggish: Path, tmp_path: Path, key: str) -> None:
    tensors = load_file(vggish / "vggish.safetensors")
    del tensors[key]
    save_file(tensors, tmp_path / "vggish.safetensors")
    with pytest.raises(BackendError, match=key):
        make_scorer("vggish", tmp_path)


def test_vggish_weights_of_a_wrong_shape_are_refused_in_one_sentence(vggish: Path, tmp_path: Path) -> None:
    tensors = load_file(vggish / "vggish.safetensors")
    tensors["embeddings.2.weight"] = torch.zeros(16, 17)
    save_file(tensors, tmp_path / "vggish.safetensors")
    with pytest.raises(BackendError, match=r"^cannot load VGGish from [^\n]*convert the weights again\.$"):
        make_scorer("vggish", tmp_path)


def test_weights_that_are_not_numbers_are_found_when_scoring(vggish: Path, tmp_path: Path) -> None:
    tensors = load_file(vggish / "vggish.safetensors")
    tensors["embeddings.4.bias"][0] = torch.nan
    save_file(tensors, tmp_path / "vggish.safetensors")
    with pytest.raises(BackendError, match="not a number"):
        similarity(make_scorer("vggish", tmp_path), tone(440), tone(440), RATE_HZ)


@pytest.mark.parametrize("name", ["vggish", "clap"])
def test_missing_files_are_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(BackendError, match=r"^The weights of .* are not in .*: put .* there\.$"):
        make_scorer(name, tmp_path / "nowhere")


def test_an_unknown_scorer_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="clap, vggish, vggish-pca"):
        make_scorer("ear\x1b", tmp_path)


@pytest.mark.parametrize("samples", [np.zeros((2, 0)), np.full((1, 100), np.nan), np.zeros((1, 2, 100))])
def test_a_sound_that_cannot_be_heard_is_refused(vggish: Path, samples: np.ndarray) -> None:
    with pytest.raises(BadAudioError):
        make_scorer("vggish", vggish).embed(samples, RATE_HZ)


def test_a_missing_extra_is_said_with_the_command_that_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "find_spec", lambda name: None)
    with pytest.raises(BackendError, match=r"needs the library transformers: pip install 'myna\[embeddings\]'"):
        make_scorer("clap", tmp_path)


@pytest.mark.parametrize(("name", "file"), [("vggish", "vggish.safetensors"), ("clap", "model.safetensors")])
def test_a_pickle_under_the_name_of_weights_is_refused_and_not_run(tmp_path: Path, name: str, file: str) -> None:
    for other in embedding.SCORERS[name].files:
        (tmp_path / other).write_text('{"model_type": "clap"}')
    marker = tmp_path / "it-ran"
    (tmp_path / file).write_bytes(f"cos\nsystem\n(S'touch {marker}'\ntR.".encode())  # what pickle would run
    with pytest.raises(MynaError, match=r"^cannot load [^\n]*$"):
        make_scorer(name, tmp_path)
    assert not marker.exists()


def test_clap_gives_the_audio_embedding_of_the_whole_model(clap: Path) -> None:
    from transformers import ClapFeatureExtractor, ClapModel

    sound = tone(440, rate_hz=48_000)
    model = ClapModel.from_pretrained(clap).eval()
    inputs = ClapFeatureExtractor.from_pretrained(clap)(sound[0], sampling_rate=48_000, return_tensors="pt")
    with torch.inference_mode():
        found = model.get_audio_features(**inputs)
    expected = getattr(found, "pooler_output", found)[0].numpy()  # a plain tensor before transformers 5
    ours = make_scorer("clap", clap).embed(sound, 48_000)
    assert ours.shape == (SIZE,)
    assert cosine(ours, expected) == pytest.approx(1.0, abs=1e-6)


def test_clap_is_the_same_each_time_and_draws_nothing_even_for_long_sounds(clap: Path) -> None:
    before = global_states()
    sound = np.concatenate([tone(hz, 4.0) for hz in (220, 440, 880)], axis=1)  # 12 s
    first, second = (make_scorer("clap", clap).embed(sound, RATE_HZ) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert global_states() == before


def test_clap_loads_in_silence_and_leaves_the_library_as_it_was(clap: Path, capfd: pytest.CaptureFixture) -> None:
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    capfd.readouterr()
    make_scorer("clap", clap)
    assert capfd.readouterr() == ("", "")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_missing_clap_weights_are_refused_and_not_drawn(clap: Path, tmp_path: Path) -> None:
    for file in embedding.SCORERS["clap"].files:
        (tmp_path / file).write_bytes((clap / file).read_bytes())
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["audio_projection.linear1.weight"]
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BackendError, match=r"lacks CLAP's audio_projection\.linear1\.weight"):
        make_scorer("clap", tmp_path)
