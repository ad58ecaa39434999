"""VGGish (Hershey et al. 2017): the network and the log-mel front end of the TensorFlow reference, in torch.

The folder holds `vggish.safetensors` with the names of torchvggish (`features.0.weight`, …,
`embeddings.4.bias`; for the whitening also `pproc.pca_matrix`, `pproc.pca_means`). To make it, once, elsewhere:

    model = torch.hub.load("harritaylor/torchvggish", "vggish")
    safetensors.torch.save_file(model.state_dict(), "vggish.safetensors")

As in the reference, the embedding is taken before any last activation (torchvggish adds a ReLU there).

Shapes: C channels, T samples, K patches of 96 frames × 64 bands, D dimensions (128).
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from myna.envs.embedding import VGGISH_FILES, mono_at
from myna.errors import BackendError, printable

__all__ = ["Vggish", "VggishScorer", "log_mel_patches"]

RATE_HZ = 16_000
WINDOW, HOP, FFT = 400, 160, 512  # samples: 25 ms, 10 ms
BANDS, LOWEST_HZ, HIGHEST_HZ = 64, 125.0, 7500.0
PATCH_FRAMES = 96  # 0.96 s
LOG_OFFSET = 0.01
PCA_CLIP = 2.0
CHUNK = 16  # patches at once: bounds the memory that a long sound takes
CONVOLUTIONS = (0, 3, 6, 8, 11, 13)  # their places in `features`; a pooling follows all but 6 and 11
PCA = ("pproc.pca_matrix", "pproc.pca_means")


class Vggish(nn.Module):
    """The network: (K, 1, 96, 64) log-mel patches to (K, D).

    Args:
        channels: of the six convolutions.
        hidden: of the two wide layers.
        size: D.
    """

    def __init__(
        self,
        channels: tuple[int, ...] = (64, 128, 256, 256, 512, 512),
        hidden: tuple[int, int] = (4096, 4096),
        size: int = 128,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for place, before, after in zip(CONVOLUTIONS, (1, *channels), channels, strict=False):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
            layers += [] if place in (6, 11) else [nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers)
        flat = channels[-1] * (PATCH_FRAMES // 16) * (BANDS // 16)
        self.embeddings = nn.Sequential(
            nn.Linear(flat, hidden[0]),
            nn.ReLU(),
            nn.Linear(hidden[0], hidden[1]),
            nn.ReLU(),
            nn.Linear(hidden[1], size),
        )

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Embed patches."""
        # TensorFlow flattens with the channels last.
        return self.embeddings(self.features(patches).permute(0, 2, 3, 1).flatten(1))


class VggishScorer:
    """Embeds with VGGish: the mean over a sound's patches.

    Args:
        folder: see the module.
        pca: whiten each patch's embedding and clip it at ±2, as the AudioSet release does (without its 8 bits).

    Raises:
        BackendError: the weights cannot be read or do not fit.
    """

    def __init__(self, folder: Path, pca: bool = False) -> None:
        self._model, self._pca = _load(folder / VGGISH_FILES[0], pca)

    def embed(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        """See `EmbeddingScorer.embed`."""
        patches = log_mel_patches(torch.from_numpy(mono_at(samples, sample_rate, RATE_HZ)))
        with torch.inference_mode():
            embedded = torch.cat([self._model(part) for part in patches[:, None].split(CHUNK)])
            if self._pca:
                matrix, means = self._pca
                embedded = ((embedded - means) @ matrix.T).clamp(-PCA_CLIP, PCA_CLIP)
            return embedded.mean(0).numpy()


def log_mel_patches(mono: torch.Tensor) -> torch.Tensor:
    """Return the log-mel patches of a sound, float32 (K, 96, 64).

    Frames of 25 ms every 10 ms, no padding, magnitudes, 64 triangles in mel, natural log of the value plus 0.01.
    Patches do not overlap and a started one is dropped, as in the reference; but a sound shorter than one
    patch (15,600 samples), of which the reference makes nothing, is followed by silence.

    Args:
        mono: float32 (T,) at 16 kHz.
    """
    shortest = (PATCH_FRAMES - 1) * HOP + WINDOW
    mono = nn.functional.pad(mono, (0, max(0, shortest - mono.shape[-1])))
    window = torch.hann_window(WINDOW, periodic=True, dtype=mono.dtype)
    magnitudes = torch.fft.rfft(mono.unfold(-1, WINDOW, HOP) * window, FFT).abs()
    log_mel = torch.log(magnitudes @ _mel_matrix().to(mono.dtype) + LOG_OFFSET)
    return log_mel[: len(log_mel) // PATCH_FRAMES * PATCH_FRAMES].reshape(-1, PATCH_FRAMES, BANDS)


@functools.cache
def _mel_matrix() -> torch.Tensor:
    """Return (257, 64): triangles that are straight in mel, not in Hz."""

    def mel(hz: torch.Tensor) -> torch.Tensor:
        return 1127.0 * torch.log1p(hz / 700.0)

    bins = mel(torch.linspace(0.0, RATE_HZ / 2, FFT // 2 + 1, dtype=torch.float64))[:, None]
    ends = mel(torch.tensor([LOWEST_HZ, HIGHEST_HZ], dtype=torch.float64))
    edges = torch.linspace(float(ends[0]), float(ends[1]), BANDS + 2, dtype=torch.float64)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    return torch.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)).clamp(min=0.0)


def _load(path: Path, pca: bool) -> tuple[Vggish, tuple[torch.Tensor, torch.Tensor] | None]:
    name = printable(str(path))
    try:
        tensors = {key: value.float() for key, value in load_file(path).items()}
        whitening = tuple(tensors.pop(key, None) for key in PCA)
        with torch.device("meta"):  # nothing is drawn and nothing held before the weights come
            model = Vggish(
                tuple(tensors[f"features.{i}.weight"].shape[0] for i in CONVOLUTIONS),
                (tensors["embeddings.0.weight"].shape[0], tensors["embeddings.2.weight"].shape[0]),
                tensors["embeddings.4.weight"].shape[0],
            )
        model.load_state_dict(tensors, assign=True)
    except KeyError as error:
        raise BackendError(f"{name} lacks VGGish's {error.args[0]}: convert the weights again.") from error
    except (SafetensorError, OSError, RuntimeError, IndexError) as error:
        reason = printable(" ".join(str(error).split()), 160).rstrip(".")
        raise BackendError(f"cannot load VGGish from {name} ({reason}): convert the weights again.") from error
    return model.eval().requires_grad_(False), _whitening(name, model, whitening) if pca else None


def _whitening(name: str, model: Vggish, found: tuple[torch.Tensor | None, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    matrix, means = found
    size = len(model.state_dict()["embeddings.4.bias"])
    if matrix is None or means is None or matrix.shape != (size, size) or means.numel() != size:
        raise BackendError(f"{name} lacks VGGish's whitening ({' and '.join(PCA)}): use vggish instead of vggish-pca.")
    return matrix, means.reshape(-1)
