"""The loss: zero for the same sound, finite and per item, its parts adding up; and what it refuses."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from myna.errors import UsageError
from myna.features import CONFIGS as EARS
from myna.features import FULL, TRAINING, FeatureConfig, Features, analyse
from myna.loss import BROKEN, CONFIGS, FULL_LOSS, TRAINING_LOSS, Heard, LossConfig, PerceptualLoss
from myna.loss.config import PENALTY_WEIGHTS, WEIGHTS, scales
from myna.loss.penalties import PENALTIES
from myna.presets.generator import MusicalPrior, UniformPrior
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

from .conftest import RATE, note, stereo, white

BOTH = pytest.mark.parametrize("name", list(CONFIGS))


def heard(sounds: np.ndarray, config: FeatureConfig = FULL) -> Features:
    return analyse(sounds, RATE, config)


def total(sounds: np.ndarray, target: np.ndarray) -> list[float]:
    return PerceptualLoss()(heard(sounds), heard(target[None])).total.tolist()


@st.composite
def any_sound(draw: st.DrawFn) -> np.ndarray:
    """A tone, noise, a click, a constant or silence, at any level up to clipping, 0.3 s."""
    level = 10 ** (draw(st.floats(-100, 10)) / 20)
    kind = draw(st.sampled_from(["tone", "noise", "click", "constant", "silence"]))
    sound = {
        "tone": note(draw(st.floats(-36, 36)), partials=draw(st.integers(1, 20)), seconds=0.3),
        "noise": white(draw(st.integers(0, 99)), seconds=0.3),
        "click": np.eye(1, round(0.3 * RATE), draw(st.integers(0, 13_000))).repeat(2, axis=0),
        "constant": np.ones((2, round(0.3 * RATE))),
        "silence": np.zeros((2, round(0.3 * RATE))),
    }[kind]
    return np.clip(level * sound, -1, 1).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(any_sound(), any_sound())
def test_any_two_sounds_have_a_finite_loss_of_0_or_more_and_none_from_themselves(a: np.ndarray, b: np.ndarray) -> None:
    for name, config in CONFIGS.items():
        features = heard(np.stack([a, b]), EARS[name])
        breakdown = PerceptualLoss(config)(features, features[:1])
        assert breakdown.total[0] == 0.0
        assert 0.0 <= breakdown.total[1] < BROKEN
        assert all(bool((part >= 0).all()) for part in (breakdown.terms | breakdown.penalties).values())


def test_20_000_pairs_of_presets_have_a_finite_loss_below_broken() -> None:
    renderer = Renderer(threads=1)
    probe = Probe(60, 100, 0.6, 1.0)
    musical = MusicalPrior(renderer.table).sample(100, generator(0, "pairs", "musical"))
    uniform = UniformPrior(renderer.table).sample(98, generator(0, "pairs", "uniform"))
    audio = renderer.render(np.concatenate([musical, uniform]), probe)[:, 0]
    extreme = np.stack([np.zeros_like(audio[0]), np.clip(1e3 * white(seconds=1.0), -1, 1)])
    features = heard(np.concatenate([audio, extreme]), TRAINING)
    loss = PerceptualLoss(TRAINING_LOSS)
    pairs = 0
    for i in range(len(features)):
        totals = loss(features[: len(features) // 2], features[i : i + 1]).total
        assert bool(torch.isfinite(totals).all()) and 0.0 <= float(totals.min()) <= float(totals.max()) < BROKEN
        pairs += len(totals)
    assert pairs == 20_000


@BOTH
def test_broken_is_dearer_than_anything_that_can_be_heard(name: str) -> None:
    config = CONFIGS[name]
    widest = {
        "log_mel": 100.0,  # dB: from the floor to a full-scale square
        "mr_stft": 5.0 + 10.0,
        "mfcc": 250.0,
        "transport": 1.0,
        "envelope": 80.0,
        "centroid": 9.1,
        "loudness": 80.0,
        "stereo": 60.0,
    }
    terms = sum(weight * widest[term] / scales(config.scale_set)[term] for term, weight in config.weights.items())
    assert terms + sum(config.penalties.values()) < BROKEN


@BOTH
def test_weights_add_up_to_one_and_every_term_has_a_scale(name: str) -> None:
    config = CONFIGS[name]
    assert sum(config.weights.values()) == pytest.approx(1.0)
    assert set(scales(config.scale_set)) == set(config.weights)
    assert min(scales(config.scale_set).values()) > 0


def test_weights_follow_the_listening_studies() -> None:
    assert WEIGHTS["log_mel"] == max(WEIGHTS.values())
    assert WEIGHTS["log_mel"] > WEIGHTS["mr_stft"] > WEIGHTS["mfcc"]
    assert TRAINING_LOSS.weights["log_mel"] == pytest.approx(WEIGHTS["log_mel"] + WEIGHTS["mr_stft"])


@BOTH
def test_terms_and_penalties_add_up_to_the_total(name: str) -> None:
    config = CONFIGS[name]
    sounds = np.stack([note(2), note(9), 20 * note(), white()])
    found = PerceptualLoss(config)(heard(sounds, EARS[name]), heard(note()[None], EARS[name]))
    assert set(found.terms) == set(config.weights)
    assert set(found.penalties) == {*config.penalties, "broken"}
    parts = torch.stack([*found.terms.values(), *found.penalties.values()])
    assert parts.shape[1:] == found.total.shape == (4,)
    torch.testing.assert_close(parts.sum(0), found.total)


@BOTH
def test_penalties_ramped_together_have_the_bits_of_each_alone(name: str) -> None:
    sounds = np.stack([white(), note(7, gain_db=-20), note(decay_s=0.02)])
    sound, target = Heard(heard(sounds, EARS[name])), Heard(heard(note()[None], EARS[name]))
    found = PerceptualLoss(CONFIGS[name])(sound, target).penalties
    alone = {one: weight * PENALTIES[one](sound, target) for one, weight in PENALTY_WEIGHTS.items()}
    assert sum(bool(values.any()) for values in alone.values()) > 3
    assert all(torch.equal(found[one], values) for one, values in alone.items())


@BOTH
def test_a_sound_has_the_same_bits_of_loss_whatever_the_batch_and_its_place(name: str) -> None:
    rng = generator(0, "bits")
    sounds = np.stack([note(s, g) for s, g in rng.uniform(-9, 9, (30, 2))] + [white(i) for i in range(3)])
    loss, target = PerceptualLoss(CONFIGS[name]), heard(note()[None], EARS[name])
    features = heard(sounds, EARS[name])
    together = loss(features, target)
    alone = [loss(features[i : i + 1], target) for i in range(len(features))]
    turned = loss(features[torch.arange(32, -1, -1)], target)
    torch.set_num_threads(2)  # torch's own threads must not change a bit either
    threaded = loss(features, target)
    for i in range(len(features)):
        for kind in ("terms", "penalties"):
            for part, values in getattr(together, kind).items():
                assert getattr(alone[i], kind)[part][0] == values[i], part
                assert getattr(turned, kind)[part][32 - i] == values[i], part
                assert getattr(threaded, kind)[part][i] == values[i], part
        assert alone[i].total[0] == together.total[i] == turned.total[32 - i] == threaded.total[i]


def test_pairs_compare_item_by_item() -> None:
    a, b = np.stack([note(), note(5)]), np.stack([note(1), note(7)])
    pairs = PerceptualLoss()(heard(a), heard(b)).total
    assert pairs.tolist() == [*total(a[:1], b[0]), *total(a[1:], b[1])]


@pytest.mark.parametrize("shape", [(), (6,), (2, 3)])
def test_any_leading_shape_gives_the_same_numbers(shape: tuple[int, ...]) -> None:
    sounds = np.stack([note(i) for i in range(6)])
    features = heard(sounds if shape else sounds[:1]).reshape(*shape)
    found = PerceptualLoss()(features, heard(note()))
    assert found.total.shape == shape
    assert found.total.flatten().tolist() == total(sounds, note())[: found.total.numel()]


def test_channels_heard_apart_are_so_many_sounds() -> None:
    apart = dataclasses.replace(FULL, channels="each")
    both = np.stack([note(2)[0], note(5)[0]])[None]
    found = PerceptualLoss()(analyse(both, RATE, apart), analyse(note()[None], RATE, apart))
    assert found.total.shape == (1, 2)
    assert found.total[0, 1] > found.total[0, 0] > 0


def test_a_target_that_is_kept_gives_the_same_bits() -> None:
    kept = Heard(heard(note()[None]))
    loss, features = PerceptualLoss(), heard(np.stack([note(2), note(9)]))
    assert torch.equal(loss(features, kept).total, loss(features, kept.features).total)
    assert torch.equal(loss(features, kept).total, loss(features, kept).total)


def test_comparing_changes_neither_the_sound_nor_the_target() -> None:
    a, b = heard(note(3)[None]), heard(note()[None])
    before = {name: tensor.clone() for name, tensor in a.tensors().items()}
    PerceptualLoss()(a, b)
    PerceptualLoss()(b, a)
    assert all(torch.equal(tensor, before[name]) for name, tensor in a.tensors().items())


def test_a_broken_sound_costs_broken_and_leaves_the_others_alone() -> None:
    bad = note(2)
    bad[0, 100] = np.nan
    features = analyse(np.stack([bad, note(2)]), RATE, on_bad="mark")
    found = PerceptualLoss()(features, heard(note()[None]))
    assert found.total.tolist() == [BROKEN, *total(note(2)[None], note())]
    assert found.penalties["broken"].tolist() == [BROKEN, 0.0]
    assert sum(float(part[0]) for part in found.terms.values()) == 0.0


def test_silence_costs_nothing_where_silence_is_wanted() -> None:
    silent = np.zeros_like(note())
    assert total(silent[None], silent) == [0.0]
    assert total(note()[None], silent)[0] > 1.0


def test_level_is_not_normalised_away() -> None:
    terms = PerceptualLoss()(heard(note(gain_db=-6)[None]), heard(note()[None])).terms
    assert float(terms["loudness"]) * scales("full")["loudness"] / WEIGHTS["loudness"] == pytest.approx(6.0, abs=0.1)


def test_weights_can_be_chosen() -> None:
    config = LossConfig(weights={"loudness": 2.0}, penalties={})
    found = PerceptualLoss(config)(heard(note(gain_db=-6)[None]), heard(note()[None]))
    assert set(found.terms) == {"loudness"}
    default = PerceptualLoss()(heard(note(gain_db=-6)[None]), heard(note()[None])).terms["loudness"]
    assert float(found.total) == pytest.approx(2.0 / WEIGHTS["loudness"] * float(default), rel=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weights": {"pitch": 1.0}}, "no loss term 'pitch'"),
        ({"penalties": {"boredom": 1.0}}, "no penalty 'boredom'"),
        ({"weights": {"log_mel": -1.0}}, "weight of 'log_mel'"),
        ({"weights": {"log_mel": float("nan")}}, "weight of 'log_mel'"),
        ({"weights": {}, "penalties": {}}, "at least one term or penalty"),
    ],
)
def test_unknown_names_and_impossible_weights_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        LossConfig(**settings)


def test_an_unknown_scale_set_is_refused() -> None:
    with pytest.raises(UsageError, match="no scale set 'loud'"):
        PerceptualLoss(LossConfig("loud"))


def test_a_config_cannot_be_changed_behind_its_back() -> None:
    weights = {"log_mel": 1.0}
    config = LossConfig(weights=weights)
    weights["log_mel"] = 5.0
    assert config.weights["log_mel"] == 1.0
    with pytest.raises(TypeError):
        FULL_LOSS.penalties["dc"] = 0.0  # type: ignore[index]
    assert FULL_LOSS.penalties == PENALTY_WEIGHTS


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: analyse(note(seconds=0.25)[None], RATE), "equal length"),
        (lambda: analyse(note()[None], 48_000), "one sample rate"),
        (lambda: analyse(note()[None], RATE, TRAINING), "one config"),
    ],
)
def test_sounds_that_were_heard_differently_are_refused(other, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        PerceptualLoss()(other(), heard(note()[None]))


@pytest.mark.parametrize("samples", [1, 100, 700, 5000])
def test_short_sounds_have_a_finite_loss(samples: int) -> None:
    sound = stereo(0.3 * np.sin(np.arange(samples) + 1.0))
    for name, config in CONFIGS.items():
        found = PerceptualLoss(config)(heard(0.5 * sound[None], EARS[name]), heard(sound[None], EARS[name])).total
        assert bool(torch.isfinite(found).all()) and float(found) > 0
