"""CLAP (Wu et al. 2023) through the `transformers` library: the audio half, from a local folder.

The folder is what `save_pretrained` writes for a `ClapModel` and its feature extractor: `config.json`,
`preprocessor_config.json` and `model.safetensors`. A checkpoint that is only there as a pickle (`.bin`) is
not read: load it elsewhere and save it again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from myna.envs.embedding import mono_at
from myna.errors import BackendError, printable

__all__ = ["ClapScorer"]


class ClapScorer:
    """Embeds with CLAP's audio tower and projection; of a long sound the first 10 s (or what the model takes).

    Shorter sounds are repeated up to that length, as CLAP was trained. The text half is not loaded.

    Args:
        folder: see the module.

    Raises:
        BackendError: the files cannot be read or do not fit.
    """

    def __init__(self, folder: Path) -> None:
        with _quiet():
            self._extractor, self._model, missing = _load(folder)
        if missing:  # transformers would fill them with random numbers
            raise BackendError(
                f"{printable(str(folder))} lacks CLAP's {printable(sorted(missing)[0])}: fetch the weights again."
            )

    def embed(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        """See `EmbeddingScorer.embed`."""
        rate_hz = self._extractor.sampling_rate
        # Longer sounds are cropped at random by the extractor: cut them first, so that it has nothing to draw.
        mono = mono_at(samples, sample_rate, rate_hz)[: self._extractor.nb_max_samples]
        inputs = self._extractor(mono, sampling_rate=rate_hz, return_tensors="pt")
        with torch.inference_mode():
            return self._model(**inputs).audio_embeds[0].float().numpy()


def _load(folder: Path) -> tuple[Any, Any, set[str]]:
    from transformers import ClapAudioModelWithProjection, ClapFeatureExtractor

    try:
        extractor = ClapFeatureExtractor.from_pretrained(folder, local_files_only=True)
        loaded: Any = ClapAudioModelWithProjection.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
        model, report = loaded
    except Exception as error:  # a config can be wrong in as many ways as the library has lines
        reason = printable(str(error).strip().split("\n")[0].rstrip("."), 160)
        raise BackendError(f"cannot load CLAP from {printable(str(folder))} ({reason}): fetch it again.") from error
    return extractor, model.eval(), report["missing_keys"]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars, and no table of the text half's weights, which are left out on purpose."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
