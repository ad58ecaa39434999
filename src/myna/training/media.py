"""What an evaluation sounds and looks like: of a few held-out tasks the target and what was found, to compare.

In the folder, of the last evaluations, within a bound of count and bytes:

    step-000000065536/
        best-target.flac, best-match.flac    the target and the best preset's sound, each at its own level
        best-spectrogram.png                 both on one dB scale
        best-knobs.png                       the loss and the knobs that moved most, step by step
        worst-…, fixed_1-…, fixed_2-…
"""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from myna.envs.callbacks import Episode
from myna.envs.loggers import Logger
from myna.envs.run_logs import episode_words
from myna.envs.snapshots import encode_flac
from myna.features.spectrogram import draw_pair
from myna.files import make_folder
from myna.training.checkpoint import replace_folder
from myna.training.trajectory import draw_trajectory

__all__ = ["KINDS", "Media"]

KINDS = {"target.flac": "target", "match.flac": "match", "spectrogram.png": "spectrogram", "knobs.png": "knobs"}
"""End of a file's name → end of the name under which loggers are told of it, `match/<slot>/<kind>`."""
_OWN = re.compile(r"step-\d{12}")


class Media:
    """Writes sounds and pictures of evaluations, and tells a logger of them.

    Args:
        folder: made where it is missing.
        slots: of each evaluation so many episodes.
        most: evaluations that stay on disk; trackers keep their own copies.
        most_bytes: of all files together.
    """

    def __init__(self, folder: Path, slots: int, most: int = 8, most_bytes: int = 128 * 2**20) -> None:
        """See the class."""
        self.folder, self._slots, self._most, self._most_bytes = folder, slots, most, most_bytes

    def write(self, step: int, shown: Mapping[str, Episode], logger: Logger) -> None:
        """Write those of one evaluation in the place of the oldest, and tell of them: files, and edits in words.

        Args:
            step: of the learner.
            shown: slot → episode; the first ones are taken.
            logger: is told.

        Raises:
            MynaError: they cannot be written; nothing is told then.
        """
        chosen = dict(itertools.islice(shown.items(), self._slots))
        files = {slot: _files(slot, step, episode) for slot, episode in chosen.items()}
        path = make_folder(self.folder) / f"step-{step:012d}"
        self._make_room(sum(len(data) for own in files.values() for data in own.values()), path)
        replace_folder(path, lambda new: _write(new, files))
        for slot, episode in chosen.items():
            for ending in files[slot]:
                tell = logger.audio if ending.endswith(".flac") else logger.image
                tell(step, f"match/{slot}/{KINDS[ending]}", path / f"{slot}-{ending}")
            logger.text(step, f"match/{slot}/edits", _words(episode))

    def _make_room(self, size: int, fresh: Path) -> None:
        """Remove the oldest, so that both bounds hold with `size` bytes more."""
        there = sorted(path for path in self.folder.iterdir() if _OWN.fullmatch(path.name) and path != fresh)
        sizes = [sum(file.stat().st_size for file in path.iterdir()) for path in there]
        while there and (len(there) >= self._most or sum(sizes) + size > self._most_bytes):
            shutil.rmtree(there.pop(0), ignore_errors=True)
            sizes.pop(0)


def _files(slot: str, step: int, episode: Episode) -> dict[str, bytes]:
    sounds = episode.sounds()
    target, best = (np.nan_to_num(sound, posinf=1.0, neginf=-1.0) for sound in (sounds.target, sounds.best))
    where = f"{slot.replace('_', ' ')}, step {step:,}"
    titles = (f"target ({where})", f"match, loss {episode.best_loss:.3f}")
    files = {
        "target.flac": encode_flac(target, sounds.sample_rate),
        "match.flac": encode_flac(best, sounds.sample_rate),
        "spectrogram.png": draw_pair(target, best, sounds.sample_rate, titles),
    }
    return files | ({"knobs.png": draw_trajectory(episode.trail, where)} if episode.trail else {})


def _write(folder: Path, files: Mapping[str, Mapping[str, bytes]]) -> None:
    for slot, own in files.items():
        for ending, data in own.items():
            (folder / f"{slot}-{ending}").write_bytes(data)


def _words(episode: Episode) -> str:
    """The edits, then what the lowest loss is made of, the largest part first."""
    parts = sorted(((value, name) for name, value in episode.terms.items() if value >= 0.0005), reverse=True)
    told = ", ".join(f"{name} {value:.3f}" for value, name in parts)
    return episode_words(episode) + (f"\nwhat is left: {told}" if told else "")
