"""A folder of recorded notes whose `index.csv` says what was played, and by a hash that each file is the one meant."""

from __future__ import annotations

import csv
import math
import os
from dataclasses import dataclass
from pathlib import Path

from myna.audio.files import MAX_FILE_BYTES
from myna.audio.target import Target, target_from_file
from myna.errors import BadAudioError, printable
from myna.files import sha256_hex

__all__ = ["INDEX", "Recording", "read_index"]

INDEX = "index.csv"
_LARGEST_INDEX_BYTES = 1 << 24


@dataclass(frozen=True)
class Recording:
    """One note of an index.

    Attributes:
        path: the audio file, beside the index.
        program: number of the instrument in its collection, which orders instruments.
        instrument: its name.
        note_midi: the key that was played, 0 to 127.
        gate_s: how long it was held, above 0.
        sha256: of the file, 64 hex digits.
    """

    path: Path
    program: int
    instrument: str
    note_midi: float
    gate_s: float
    sha256: str

    def target(self, sample_rate: int = 44_100, max_s: float = 4.0) -> Target:
        """The note as a target with its known key and gate, as `myna match FILE --note N --gate S` makes it.

        Args:
            sample_rate: Hz.
            max_s: seconds, see `target_from_file`.

        Raises:
            BadAudioError: the file is not the one of the index, or not usable.
        """
        self._check()
        return target_from_file(self.path, sample_rate=sample_rate, note=self.note_midi, gate=self.gate_s, max_s=max_s)

    def _check(self) -> None:
        try:
            with open(self.path, "rb") as file:
                found = sha256_hex(file.read(MAX_FILE_BYTES + 1))
        except OSError as error:
            raise BadAudioError(f"{_shown(self.path)} is in the index but cannot be read: {error.strerror}.") from None
        if found != self.sha256:
            raise BadAudioError(f"{_shown(self.path)} is not the file that its index names: copy it again.")


def read_index(folder: str | os.PathLike[str]) -> list[Recording]:
    """The notes of a folder, in the order of its index.

    The index has the columns file, program (or gm_program, that of General MIDI), instrument, note_midi, gate_s and
    sha256, and may have others.

    Raises:
        BadAudioError: no index, no notes in it, or a row that says something impossible.
    """
    path = Path(folder) / INDEX
    if "\0" in os.fspath(path):
        raise BadAudioError(f"{_shown(path)} cannot be a file's name: give a folder with an index.")
    try:
        if path.stat().st_size > _LARGEST_INDEX_BYTES:
            raise BadAudioError(f"{_shown(path)} is larger than 16 MiB: it is no index of recordings.")
        with path.open(encoding="utf-8", newline="") as file:
            notes = [_recording(path, number, row) for number, row in enumerate(csv.DictReader(file), 2)]
    except OSError as error:
        raise BadAudioError(f"{_shown(path)} cannot be read ({error.strerror}): give a folder with an index.") from None
    except (UnicodeDecodeError, csv.Error):
        raise BadAudioError(f"{_shown(path)} is not a table in UTF-8: save it as CSV.") from None
    if not notes:
        raise BadAudioError(f"{_shown(path)} names no recordings.")
    return notes


def _recording(path: Path, line: int, row: dict[str, str]) -> Recording:
    try:
        name, note_midi, gate_s = row["file"], float(row["note_midi"]), float(row["gate_s"])
        program = int(row["program" if "program" in row else "gm_program"])
        found = Recording(path.parent / name, program, row["instrument"], note_midi, gate_s, row["sha256"])
    except KeyError as error:
        raise BadAudioError(f"{_shown(path)} has no column {error}.") from None
    except (TypeError, ValueError):
        raise BadAudioError(f"{_shown(path)}, line {line}: a number is missing or unreadable.") from None
    if os.path.basename(name) != name or not 0 <= note_midi <= 127 or not 0 < gate_s < math.inf:
        raise BadAudioError(f"{_shown(path)}, line {line}: a file beside the index, a MIDI note and a gate are needed.")
    return found


def _shown(path: Path) -> str:
    return printable(os.fspath(path))
