"""Log-mel and MFCC equal librosa's, but for the calibration: full scale is a sine of RMS 1."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
from tests.features.sounds import RATE, RECORDINGS, recording, sine, synthetic

from myna.features import FULL, analyse
from myna.features.mel import LOW_HZ, TOP_HZ, mel_weights

SOUNDS = {path.stem: recording(path, 0.7)[:1] for path in RECORDINGS} | {k: v[None] for k, v in synthetic().items()}


def librosa_bank(window: int, bands: int, rate: int = RATE) -> np.ndarray:
    """(M, bins); librosa leaves bands between two bins empty, and warns."""
    top_hz = min(TOP_HZ, rate / 2)
    return librosa.filters.mel(sr=rate, n_fft=window, n_mels=bands, fmin=LOW_HZ, fmax=top_hz, htk=True, norm=None)


def librosa_mel_db(audio: np.ndarray, window: int, bands: int) -> np.ndarray:
    """(F, M) from librosa alone, float64, with our calibration and floor."""
    spectrum = np.abs(librosa.stft(audio.astype(np.float64), n_fft=window, hop_length=window // 4, pad_mode="constant"))
    power = librosa_bank(window, bands) @ (spectrum**2 * 8 / window**2)
    return librosa.power_to_db(power, ref=1.0, amin=1e-8, top_db=None).T


@pytest.mark.filterwarnings("ignore:Empty filters")
@pytest.mark.parametrize(("window", "bands"), FULL.mels)
@pytest.mark.parametrize("name", SOUNDS)
def test_log_mel_equals_librosas_to_a_hundredth_of_a_db(name: str, window: int, bands: int) -> None:
    ours = analyse(SOUNDS[name], RATE).mels[[w for w, _ in FULL.mels].index(window)].numpy()
    filled = librosa_bank(window, bands).any(1)
    assert ours[:, filled] == pytest.approx(librosa_mel_db(SOUNDS[name][0], window, bands)[:, filled], abs=0.01)


@pytest.mark.parametrize("name", SOUNDS)
def test_mfcc_equals_librosas_from_the_same_log_mel(name: str) -> None:
    features = analyse(SOUNDS[name], RATE)
    theirs = librosa.feature.mfcc(S=features.mels[0].numpy().T.astype(np.float64), n_mfcc=20).T
    assert features.mfcc.numpy() == pytest.approx(theirs, abs=2e-3)


@pytest.mark.filterwarnings("ignore:Empty filters")
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 192_000])
@pytest.mark.parametrize(("window", "bands"), [(2048, 128), (1024, 64), (256, 32)])
def test_bands_are_librosas_and_one_between_two_bins_hears_the_nearest(window: int, bands: int, rate: int) -> None:
    ours, theirs = mel_weights(window, rate, bands).numpy().T, librosa_bank(window, bands, rate)
    filled = theirs.any(1)
    assert ours[filled] == pytest.approx(theirs[filled], abs=1e-4)
    assert (ours[~filled].sum(1) == 1).all()


@pytest.mark.parametrize("rms", [0.3, 0.01, 0.0003])
def test_a_sine_reads_its_own_level(rms: float) -> None:
    for mel in analyse(sine(1000, rms), RATE).mels:
        # The loudest triangle may miss the tone's centre, and a short window spreads it over its neighbours.
        assert mel[0, 20:-20].max().item() == pytest.approx(20 * np.log10(rms), abs=2.5)
