"""The spectrogram equals scipy's, and keeps the energy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal
from tests.features.sounds import RATE, RECORDINGS, noise, recording, sine, synthetic

from myna.features.stft import frame_count, power_frames


def against_scipy(audio: np.ndarray, window: int, hop: int) -> None:
    ours = power_frames(torch.from_numpy(audio)[None], window, hop)[0].sqrt().numpy()
    hann = signal.windows.hann(window, sym=False)
    transform = signal.ShortTimeFFT(hann, hop, RATE, scale_to=None, phase_shift=None)
    theirs = np.abs(transform.stft(audio.astype(np.float64), p0=0, p1=frame_count(len(audio), hop))).T
    assert ours == pytest.approx(theirs * 8**0.5 / window, abs=2e-6 * max(1e-3, theirs.max() * 8**0.5 / window))


@pytest.mark.parametrize("window", [256, 512, 1024, 2048])
@pytest.mark.parametrize("name", synthetic())
def test_magnitudes_equal_scipys_to_2_millionths_of_the_loudest(name: str, window: int) -> None:
    against_scipy(synthetic()[name], window, window // 4)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_magnitudes_of_recordings_equal_scipys(path) -> None:
    against_scipy(recording(path, 0.7)[0], 2048, 512)


@pytest.mark.parametrize("overlap", [3, 4, 8])
def test_frames_hold_the_energy_of_every_sample_once(overlap: int) -> None:
    audio = torch.from_numpy(noise(1, 1, 5_000)[0])
    window, hop = 528, 528 // overlap
    power = power_frames(audio, window, hop, extra=overlap)[0].double()
    power[:, 1:-1] *= 2  # the mirror image
    energy = power.sum() * window / 8 / (0.375 * window / hop)
    assert energy.item() == pytest.approx(audio.double().square().sum().item(), rel=1e-5)


def test_a_sine_on_a_bin_reads_its_rms() -> None:
    hz = 64 * RATE / 2048
    power = power_frames(torch.from_numpy(sine(hz, 0.2)[0]), 2048, 512)[0]
    assert power[10:-10, 64].sqrt().numpy() == pytest.approx(0.2, rel=1e-4)


def test_extra_frames_leave_the_others_as_they_are() -> None:
    audio = torch.from_numpy(noise(1, 1, 3_000)[0])
    assert torch.equal(power_frames(audio, 512, 128), power_frames(audio, 512, 128, extra=2)[:, 2:-2])


@pytest.mark.parametrize("samples", [1, 127, 128, 129, 511, 512, 1000])
def test_a_frame_stands_at_the_first_sample_and_at_each_hop(samples: int) -> None:
    frames = power_frames(torch.ones(1, samples), 512, 128)
    assert frames.shape == (1, 1 + samples // 128, 257)
