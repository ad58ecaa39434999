"""How fast myna hears, beside librosa + pyloudnorm + auraloss: `python benchmarks/features.py [--json]`.

A workload is a batch of 64 stereo renders of 1 s at 44.1 kHz, compared with one target; figures are CPU milliseconds of
one pinned thread for each render. The reference measures the same features and MR-STFT of the same sounds in the same
run, sound by sound: `reference` calls librosa with samples, `shared_reference` computes each spectrogram once, a task
that is left to librosa's user. Memory is the peak of a whole process, torch included, that scores a batch of 256.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import auraloss
import librosa
import numpy as np
import pyloudnorm
import torch
from threadpoolctl import threadpool_limits
from timing import machine, pinned

from myna.features import CONFIGS, FULL, Features, analyse
from myna.features.mel import LOW_HZ, TOP_HZ
from myna.loss import CONFIGS as LOSSES
from myna.loss import PerceptualLoss, score
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

RATE, BATCH, LARGE_BATCH = 44_100, 64, 256
ROUNDS, REFERENCE_SOUNDS = 20, 8
MEL = {"sr": RATE, "fmin": LOW_HZ, "fmax": TOP_HZ, "htk": True, "norm": None}
GOALS = {
    "full_ms_per_render": ("<=", 4.0),
    "training_ms_per_render": ("<=", 1.5),
    "speedup_vs_reference": (">=", 15.0),
    "peak_gib": ("<=", 2.0),
}


def renders(count: int) -> torch.Tensor:
    """Audible presets of the musical prior at note 60, (count, 2, T)."""
    renderer, probe = Renderer(threads=1), Probe(60, 100, 0.6, 1.0)
    draw = generator(0, "benchmark")
    u = MusicalPrior(renderer.table).sample_audible(count, draw, lambda rows: renderer.render(rows, probe))
    return torch.as_tensor(renderer.render(u, probe))[:, 0].contiguous()


def least_ms(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Least CPU milliseconds of each call, in turn, so that a busy moment on the machine spoils none of them alone."""
    found = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds + 1):
        for name, call in calls.items():
            start = time.process_time()
            call()
            found[name] = min(found[name], 1e3 * (time.process_time() - start))
    return found


def reference(sounds: np.ndarray, target: np.ndarray, mr_stft: torch.nn.Module, shared: bool) -> None:
    """The features of `FULL` and MR-STFT's distance from a target's middle, sound by sound; (B, 2, T)."""
    for sound in sounds:
        middle = (sound[0] + sound[1]) / 2
        features = from_shared_spectra(middle) if shared else from_samples(middle)
        assert len(features) == 5
        others(sound, middle)
        mr_stft(torch.from_numpy(middle)[None, None], torch.from_numpy(target)[None, None])


def from_samples(y: np.ndarray) -> list[Any]:
    """As librosa's pages show it: each feature from the samples."""
    main = {"n_fft": FULL.windows[0], "hop_length": FULL.windows[0] // 4, "pad_mode": "constant"}
    return [
        [np.abs(librosa.stft(y, n_fft=w, hop_length=w // 4, pad_mode="constant")) for w in FULL.windows],
        [librosa.power_to_db(librosa.feature.melspectrogram(y=y, **MEL, **size, n_mels=m)) for size, m in mel_sizes()],
        librosa.feature.mfcc(y=y, n_mfcc=FULL.mfcc, n_mels=FULL.mels[0][1], **MEL, **main),
        librosa.feature.spectral_centroid(y=y, sr=RATE, **main),
        librosa.feature.spectral_flatness(y=y, **main),
    ]


def from_shared_spectra(y: np.ndarray) -> list[Any]:
    """The same with each spectrogram computed once."""
    spectra = {w: np.abs(librosa.stft(y, n_fft=w, hop_length=w // 4, pad_mode="constant")) for w in FULL.windows}
    main = spectra[FULL.windows[0]]
    mels = [librosa.feature.melspectrogram(S=spectra[w] ** 2, n_mels=bands, **MEL) for w, bands in FULL.mels]
    decibels = [librosa.power_to_db(mel) for mel in mels]
    return [
        spectra,
        decibels,
        librosa.feature.mfcc(S=decibels[0], n_mfcc=FULL.mfcc),
        librosa.feature.spectral_centroid(S=main, sr=RATE),
        librosa.feature.spectral_flatness(S=main),
    ]


def mel_sizes() -> list[tuple[dict[str, Any], int]]:
    """Arguments of librosa's STFT, and bands, of each log-mel."""
    return [({"n_fft": w, "hop_length": w // 4, "pad_mode": "constant"}, bands) for w, bands in FULL.mels]


def others(sound: np.ndarray, middle: np.ndarray) -> list[Any]:
    """Envelopes, loudness and levels of a sound (2, T)."""
    frame = round(FULL.envelope_s * RATE)
    rms = {"frame_length": frame, "hop_length": frame, "center": False}
    meter = pyloudnorm.Meter(RATE)
    loudness = meter.integrated_loudness(sound.T)  # the meter keeps the momentary blocks
    return [
        librosa.feature.rms(y=middle, **rms),
        librosa.feature.rms(y=(sound[0] - sound[1]) / 2, **rms),
        (loudness, meter.blockwise_loudness),
        (np.mean(middle**2), np.abs(sound).max(), sound.mean(), (np.abs(sound) >= 0.999).mean()),
    ]


def speeds(sounds: torch.Tensor) -> dict[str, float]:
    """CPU milliseconds for a render of every workload, and the ratio to the reference."""
    targets = {name: analyse(sounds[0], RATE, config) for name, config in CONFIGS.items()}
    losses = {name: PerceptualLoss(config) for name, config in LOSSES.items()}
    arrays = sounds[:REFERENCE_SOUNDS].numpy()
    goal = arrays[0].mean(0)
    windows = list(FULL.windows)
    mr_stft = auraloss.freq.MultiResolutionSTFTLoss(windows, [w // 4 for w in windows], windows)
    calls: dict[str, Callable[[], Any]] = {
        name: lambda name=name: score(sounds, RATE, targets[name], losses[name]) for name in CONFIGS
    }
    calls |= {f"{name}_analyse": lambda c=config: analyse(sounds, RATE, c) for name, config in CONFIGS.items()}
    ours = {f"{name}_ms_per_render": ms / BATCH for name, ms in least_ms(calls, ROUNDS).items()}
    # Beside it once more, so that all meet the same machine.
    beside = {
        "ours": calls["full"],
        "reference": lambda: reference(arrays, goal, mr_stft, shared=False),
        "shared_reference": lambda: reference(arrays, goal, mr_stft, shared=True),
    }
    least = least_ms(beside, ROUNDS)
    per_render = {name: ms / (BATCH if name == "ours" else len(arrays)) for name, ms in least.items()}
    for name in ("reference", "shared_reference"):
        ours |= {f"{name}_ms_per_render": per_render[name], f"speedup_vs_{name}": per_render[name] / per_render["ours"]}
    return ours


def peak_gib() -> float:
    """Peak of a fresh process that scores a large batch."""
    command = [sys.executable, str(Path(__file__)), "--peak"]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def score_large_batch() -> float:
    """GiB that this process used at most; noise stands for renders, as no synth should count."""
    draw = generator(0, "benchmark", "noise")
    sounds = torch.from_numpy(0.1 * draw.standard_normal((LARGE_BATCH, 2, RATE), np.float32))
    _, features = score(sounds, RATE, analyse(sounds[0], RATE))
    assert len(features) == LARGE_BATCH
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def on_gpu(sounds: torch.Tensor) -> dict[str, float]:
    """Renders a second on a GPU, where there is one."""
    if not torch.cuda.is_available():
        return {}
    there, found = sounds.cuda().repeat(4, 1, 1), {}
    for name, config in CONFIGS.items():
        target, loss = analyse(there[0], RATE, config), PerceptualLoss(LOSSES[name])
        seconds = []
        for _ in range(10):
            torch.cuda.synchronize()
            start = time.perf_counter()
            score(there, RATE, target, loss)
            torch.cuda.synchronize()
            seconds.append(time.perf_counter() - start)
        found[f"{name}_gpu_renders_per_s"] = len(there) / min(seconds)
    return found


def sizes(sounds: torch.Tensor) -> dict[str, float]:
    """KiB of features that a render leaves behind."""

    def kib(features: Features) -> float:
        return sum(tensor.nbytes for tensor in features.tensors().values()) / 1024

    whole = {f"{name}_kib_per_render": kib(analyse(sounds[0], RATE, config)) for name, config in CONFIGS.items()}
    return whole | {"full_lean_kib_per_render": kib(analyse(sounds[0], RATE).lean())}


def measure() -> dict[str, Any]:
    """All figures, and what they depend on."""
    found: dict[str, Any] = machine() | {"torch": torch.__version__, "librosa": librosa.__version__}
    torch.set_num_threads(1)
    with pinned(), threadpool_limits(1):  # BLAS's threads would only stand in each other's way on one CPU
        sounds = renders(BATCH)
        found |= speeds(sounds)
    found |= sizes(sounds) | on_gpu(sounds) | {"peak_gib": peak_gib()}
    return found | {"load_after": machine()["load"]}


def print_rows(found: dict[str, Any]) -> None:
    """One figure a line, with the number to reach where there is one."""
    for name, value in found.items():
        if isinstance(value, float):
            sign, goal = GOALS.get(name, ("", 0.0))
            reached = "" if not sign else f"{sign} {goal:g}  {'yes' if (value <= goal) == (sign == '<=') else 'NO'}"
            print(f"{name:32}{value:12.3f}  {reached}")
        else:
            print(f"{name:32}{value}")


def main() -> None:
    """Measure and print, as a table or as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--peak", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print(score_large_batch())
        return
    found = measure()
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        print_rows(found)


if __name__ == "__main__":
    main()
