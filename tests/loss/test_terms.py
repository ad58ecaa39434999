"""Each term hears what it is named after, and no other sound's."""

from __future__ import annotations

import auraloss
import numpy as np
import pytest
import torch

from myna.audio.target import target_from_file
from myna.errors import UsageError
from myna.features import CONFIGS, FULL, TRAINING, FeatureConfig, analyse
from myna.loss import Heard
from myna.loss.terms import SYMMETRIC, TERMS, aligned_envelopes, mel_shares

from .conftest import EXAMPLES, RATE, note, stereo, white

RECORDINGS = ("electric_piano", "slap_bass", "string_ensemble", "trumpet")


def heard(*sounds: np.ndarray, config: FeatureConfig = FULL) -> Heard:
    return Heard(analyse(np.stack(sounds), RATE, config))


def term(name: str, sound: np.ndarray, target: np.ndarray) -> float:
    return float(TERMS[name](heard(sound), heard(target)))


def within_silence(sound: np.ndarray) -> np.ndarray:
    """Silence at both ends makes reflected and zero padding the same."""
    return np.pad(sound, ((0, 0), (1024, 1024)))


@pytest.mark.parametrize("name", list(TERMS))
def test_a_term_is_zero_for_the_same_sound_and_positive_for_another(name: str) -> None:
    wide = (note() + 0.02 * np.array([[1.0], [-1.0]]) * white()).astype(np.float32)
    assert term(name, note(), note()) == 0.0
    assert term(name, np.float32(0.5) * wide + note(3), note()) > 0.0


@pytest.mark.parametrize("name", sorted(SYMMETRIC))
def test_a_symmetric_term_does_not_mind_which_sound_is_the_target(name: str) -> None:
    a, b = note(), note(3, gain_db=-5, partials=4, late_s=0.02)
    assert term(name, a, b) == pytest.approx(term(name, b, a), rel=1e-5)


@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")
@pytest.mark.parametrize("name", RECORDINGS)
def test_mr_stft_equals_auraloss_on_single_recordings_within_a_thousandth(name: str) -> None:
    target = target_from_file(EXAMPLES / f"{name}.flac", note=60, gate=0.5, max_s=1.0).audio
    sound = 0.5 * target + 0.5 * np.roll(target, 3001, axis=1)
    sound, target = within_silence(sound), within_silence(target)
    middles = [torch.from_numpy(x.mean(0, keepdims=True, dtype=np.float64)).float()[None] for x in (sound, target)]
    theirs = 0.0
    for window in FULL.windows:
        # Their floor lies under unnormalised power; ours, 1e-4 of full scale, is this high there.
        eps = (1e-4 * window / 8**0.5) ** 2
        theirs += float(auraloss.freq.STFTLoss(window, window // 4, window, eps=eps)(*middles)) / len(FULL.windows)
    assert term("mr_stft", sound, target) == pytest.approx(theirs, rel=1e-3)


@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")
def test_mr_stft_equals_the_whole_of_auraloss_where_no_floor_is_reached() -> None:
    sound, target = within_silence(0.7 * white(1)), within_silence(0.7 * white(2))
    windows = list(FULL.windows)
    whole = auraloss.freq.MultiResolutionSTFTLoss(windows, [w // 4 for w in windows], windows)
    theirs = whole(*(torch.from_numpy(x[:1])[None] for x in (sound, target)))
    assert term("mr_stft", sound, target) == pytest.approx(float(theirs), rel=5e-3)


def test_spectral_convergence_is_cut_at_five_so_that_a_silent_target_costs_no_fortune() -> None:
    silent = np.zeros_like(note())
    assert 5.0 < term("mr_stft", note(), silent) < 10.0


def test_mr_stft_refuses_features_without_magnitudes() -> None:
    lean = heard(note(), config=TRAINING)
    with pytest.raises(UsageError, match="needs magnitudes"):
        TERMS["mr_stft"](lean, lean)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_shares_of_the_mel_scales_add_up_to_one(config: FeatureConfig) -> None:
    shares = mel_shares(heard(note(), config=config))
    assert sum(shares) == pytest.approx(1.0)
    assert shares == sorted(shares, reverse=True)


def test_log_mel_is_in_db() -> None:
    loud = heard(0.1 * white())
    assert float(TERMS["log_mel"](heard(0.05 * white()), loud)) == pytest.approx(6.02, abs=0.05)


def test_loudness_is_in_lu() -> None:
    assert term("loudness", note(gain_db=-6), note()) == pytest.approx(6.0, abs=0.1)


def test_the_centroid_is_in_octaves() -> None:
    t = np.arange(RATE // 2) / RATE
    low, high = (stereo(0.1 * np.sin(2 * np.pi * hz * t)) for hz in (500, 2000))
    assert term("centroid", low, high) == pytest.approx(2.0, abs=0.1)


def test_stereo_hears_the_sides_alone() -> None:
    wide = note() + 0.05 * np.array([[1.0], [-1.0]], np.float32) * white()
    assert term("stereo", wide, note()) > 3.0
    assert term("log_mel", wide, note()) < 0.01


def test_the_envelope_forgives_a_late_onset_and_hears_another_decay() -> None:
    late, short = term("envelope", note(late_s=0.036), note()), term("envelope", note(decay_s=0.1), note())
    a, b = heard(note(late_s=0.036)), heard(note())
    unaligned = float((a.features.envelope_db - b.features.envelope_db).abs().mean())
    assert late < 0.5 * unaligned
    assert short > 3 * late


def test_equal_onsets_leave_envelopes_as_they_are() -> None:
    sound, target = heard(note(gain_db=-4)), heard(note())
    assert float((aligned_envelopes(target, target)[0] - target.features.envelope_db).abs().max()) == 0.0
    moved, _ = aligned_envelopes(sound, target)
    assert float((moved - sound.features.envelope_db).abs().max()) < 0.5


def test_transport_grows_with_a_pitch_error_where_bands_only_say_elsewhere() -> None:
    t = np.arange(RATE // 2) / RATE
    sines = [stereo(0.1 * np.sin(2 * np.pi * 440 * 2 ** (k / 12) * t)) for k in (0, 3, 7, 12, 19, 24)]
    costs = [term("transport", sine, sines[0]) for sine in sines]
    by_band = [term("log_mel", sine, sines[0]) for sine in sines]
    assert np.all(np.diff(costs) > 0.2 * costs[1])
    assert costs[-1] / costs[1] > 3 * by_band[-1] / by_band[1]
