"""The verb `export`: presets into a folder of sounds, for demos and sample packs. Both faces call this.

What is there already is not rendered again: an export that was stopped goes on, and one of more notes adds to it.

    DIR/NAME.wav …        one file for each preset, note and velocity, named by a pattern
    DIR/export.jsonl      a line for each: what it holds, and a key of all that its samples hang on
    DIR/index.html        the contact sheet, see `myna.contact_sheet`

Shapes: C channels, T samples.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from myna.audio.files import encode_wav
from myna.audio.loudness import loudness_lufs
from myna.contact_sheet import contact_sheet
from myna.errors import MynaError, UsageError, printable
from myna.files import make_folder, safe_stems, write_atomic
from myna.presets.preset import Preset
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.units import gain_to_db, note_name

__all__ = ["FIELDS", "FORMATS", "LEVELS", "ExportSettings", "Exported", "export", "file_names", "read_log"]

LOG, SHEET = "export.jsonl", "index.html"
FORMATS = {"wav": "wav", "wav-float": "wav", "flac": "flac"}
"""Format → suffix: 16 bits, 32-bit float, 24 bits."""
LEVELS = ("as-is", "peak", "loudness")
"""What is done to the level: nothing, the peak to -1 dBFS, or the loudness to -18 LUFS with peaks under -1 dBFS."""
FIELDS = ("number", "name", "category", "author", "synth", "note", "midi", "velocity")
"""What a naming pattern may name."""
PEAK_DB, LOUDNESS_LUFS, QUIETEST_LUFS = -1.0, -18.0, -70.0
MOST_FILES = 20_000


@dataclass(frozen=True)
class ExportSettings:
    """What is played, and how it is written.

    Attributes:
        notes_midi, velocities: every preset is played at each note with each velocity.
        gate_s, total_s: seconds the key is held, and in all.
        sample_rate: Hz.
        format: of `FORMATS`. 16 and 24 bits clip at full scale; a sound that would is written as float where it is WAV.
        level: of `LEVELS`.
        pattern: of the names, with {FIELDS} in braces; two of one name are numbered.
        sheet: whether to write the contact sheet.

    Raises:
        UsageError: something of it cannot be.
    """

    notes_midi: tuple[float, ...] = (60.0,)
    velocities: tuple[float, ...] = (100.0,)
    gate_s: float = 0.8
    total_s: float = 1.5
    sample_rate: int = 44_100
    format: str = "wav"
    level: str = "as-is"
    pattern: str = "{name} {note}"
    sheet: bool = True

    def __post_init__(self) -> None:
        """See the class."""
        if not self.notes_midi or not self.velocities:
            raise UsageError("An export needs at least one note and one velocity.")
        for name, value, known in (("format", self.format, FORMATS), ("level", self.level, LEVELS)):
            if value not in known:
                raise UsageError(f"The {name} must be one of {', '.join(known)}; got '{printable(value, 40)}'.")
        if not 8_000 <= self.sample_rate <= 192_000:
            raise UsageError(f"The sample rate must lie in 8000 to 192000 Hz; got {self.sample_rate}.")
        _check_pattern(self.pattern)

    def probes(self) -> list[Probe]:
        """What each preset is played at."""
        return [
            Probe(note, velocity, self.gate_s, self.total_s) for note in self.notes_midi for velocity in self.velocities
        ]


def _check_pattern(pattern: str) -> None:
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError:
        raise UsageError(f"The naming pattern '{printable(pattern, 80)}' has a brace too many or too few.") from None
    for _, name, form, conversion in parts:
        if name is not None and (name not in FIELDS or form or conversion):
            known = ", ".join(f"{{{field}}}" for field in FIELDS)
            raise UsageError(f"The naming pattern may name {known}; got '{printable(pattern, 80)}'.")


@dataclass(frozen=True)
class Exported:
    """One file.

    Attributes:
        file: its name in the folder.
        preset, note_midi, velocity: what is played.
        gain_db: by which it was changed.
        peak_db, loudness_lufs: of what is written; the latter at least -70.
        key: SHA-256 of all that the samples hang on.
    """

    file: str
    preset: str
    note_midi: float
    velocity: float
    gain_db: float
    peak_db: float
    loudness_lufs: float
    key: str


@dataclass(frozen=True)
class _Item:
    """A file to be written."""

    preset: Preset
    probe: Probe
    file: str
    key: str


def export(
    presets: Sequence[Preset],
    out: str | os.PathLike[str],
    settings: ExportSettings | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> list[Exported]:
    """Play presets into files.

    Args:
        presets: of one synth.
        out: the folder.
        settings: see `ExportSettings`.
        progress: called with (files done, files in all), those that were there already among the first.
        stop: polled after each file; true ends the export, and what is done stays.

    Returns:
        All files of this export that are there, in the order of presets, notes and velocities.

    Raises:
        UsageError: no presets, too many files, or presets of several synths.
        MynaError: the folder cannot be written.

    Example:
        >>> from myna.render import find_preset
        >>> export([find_preset("Init")], "out/demo")  # doctest: +SKIP
    """
    settings = settings or ExportSettings()
    items = _items(presets, settings)
    folder = make_folder(out)
    known = {one.file: one for one in read_log(folder / LOG)}
    done = {item.file: known[item.file] for item in items if _is_done(item, known, folder)}
    renderer = Renderer(presets[0].synth, sample_rate=settings.sample_rate)
    for item in (item for item in items if item.file not in done):
        if progress is not None:
            progress(len(done), len(items))
        if stop is not None and stop():
            break
        done[item.file] = _write(item, folder, settings, renderer)
    if progress is not None:
        progress(len(done), len(items))
    found = [done[item.file] for item in items if item.file in done]
    _tidy(folder, {**known, **done})
    if settings.sheet:
        write_atomic(folder / SHEET, contact_sheet(folder, found))
    return found


def _items(presets: Sequence[Preset], settings: ExportSettings) -> list[_Item]:
    if not presets:
        raise UsageError("There is nothing to export: name at least one preset.")
    if len({preset.synth for preset in presets}) > 1:
        raise UsageError("Presets of several synths cannot be exported together: export those of one.")
    count = len(presets) * len(settings.probes())
    if count > MOST_FILES:
        raise UsageError(f"These are {count:,} files: export at most {MOST_FILES:,} at once.")
    played = list(_played(presets, settings))
    files = _named(played, settings)
    return [
        _Item(preset, probe, file, _key(preset, probe, settings))
        for file, (_, preset, probe) in zip(files, played, strict=True)
    ]


def file_names(presets: Sequence[Preset], settings: ExportSettings, first: int) -> list[str]:
    """The first names that an export would give, without any sound being made.

    Args:
        presets: as for `export`.
        settings: likewise.
        first: how many names at most.
    """
    return _named(list(itertools.islice(_played(presets, settings), first)), settings)


def _played(presets: Sequence[Preset], settings: ExportSettings) -> Iterator[tuple[int, Preset, Probe]]:
    """What is played, in order: the number of the preset, the preset, the note."""
    probes = settings.probes()
    return ((number, preset, probe) for number, preset in enumerate(presets, 1) for probe in probes)


def _named(played: Sequence[tuple[int, Preset, Probe]], settings: ExportSettings) -> list[str]:
    """A name that is taken is numbered by what comes before it, so the first names are known from the first alone."""
    stems = safe_stems(_name(preset, number, probe, settings) for number, preset, probe in played)
    return [f"{stem}.{FORMATS[settings.format]}" for stem in stems]


def _name(preset: Preset, number: int, probe: Probe, settings: ExportSettings) -> str:
    known = {
        "number": f"{number:03}",
        "name": preset.name,
        "category": preset.category,
        "author": preset.author,
        "synth": preset.synth,
        "note": note_name(probe.note_midi),
        "midi": f"{probe.note_midi:g}",
        "velocity": f"{probe.velocity:g}",
    }
    return settings.pattern.format(**known)


def _key(preset: Preset, probe: Probe, settings: ExportSettings) -> str:
    from myna.synth.serum_lite.engine import source_hash

    told = [dict(preset.values), preset.synth, asdict(probe), settings.sample_rate, settings.format, settings.level]
    return hashlib.sha256(f"{source_hash()} {json.dumps(told, sort_keys=True)}".encode()).hexdigest()


def _is_done(item: _Item, known: Mapping[str, Exported], folder: Path) -> bool:
    return item.file in known and known[item.file].key == item.key and (folder / item.file).is_file()


def _write(item: _Item, folder: Path, settings: ExportSettings, renderer: Renderer) -> Exported:
    u = np.asarray(item.preset.u(renderer.table), np.float64)
    audio = np.asarray(renderer.render(u[None], [item.probe]), np.float32)[0, 0]
    gain_db = _gain_db(audio, settings)
    audio = audio * np.float32(10.0 ** (gain_db / 20.0))
    write_atomic(folder / item.file, _encoded(audio, settings))
    found = Exported(
        item.file,
        item.preset.name,
        item.probe.note_midi,
        item.probe.velocity,
        round(gain_db, 3),
        round(_peak_db(audio), 2),
        round(max(loudness_lufs(audio, settings.sample_rate), QUIETEST_LUFS), 2),
        item.key,
    )
    _append(folder / LOG, found)
    return found


def _peak_db(audio: np.ndarray) -> float:
    return float(gain_to_db(max(float(np.abs(audio).max(initial=0.0)), 1e-6)))


def _gain_db(audio: np.ndarray, settings: ExportSettings) -> float:
    """What brings it to its level; silence is left alone."""
    if settings.level == "as-is" or not np.any(audio):
        return 0.0
    room = PEAK_DB - _peak_db(audio)
    if settings.level == "peak":
        return room
    lufs = loudness_lufs(audio, settings.sample_rate)
    return 0.0 if lufs <= QUIETEST_LUFS else min(LOUDNESS_LUFS - lufs, room)


def _encoded(audio: np.ndarray, settings: ExportSettings) -> bytes:
    if settings.format == "flac":
        import io

        import soundfile

        target = io.BytesIO()
        soundfile.write(target, np.clip(audio.T, -1.0, 1.0), settings.sample_rate, format="FLAC", subtype="PCM_24")
        return target.getvalue()
    whole = settings.format == "wav" and float(np.abs(audio).max(initial=0.0)) <= 1.0
    return encode_wav(audio, settings.sample_rate, "PCM_16" if whole else "FLOAT")


# The log


def read_log(path: Path) -> list[Exported]:
    """What an export wrote, of each file the last; a line that a kill cut off, or that is none, is left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise MynaError(f"cannot read {printable(os.fspath(path))}: delete it, and export again.") from error
    return list({one.file: one for one in _parsed(lines)}.values())


def _parsed(lines: Sequence[str]) -> Iterator[Exported]:
    for line in lines:
        try:
            one = Exported(**json.loads(line))
        except (ValueError, TypeError):
            continue
        if isinstance(one.file, str) and os.path.basename(one.file) == one.file and one.file not in ("", ".", ".."):
            yield one


def _append(path: Path, one: Exported) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(one)) + "\n")
    except OSError as error:
        raise MynaError(f"cannot write {printable(os.fspath(path))}: {error.strerror}.") from error


def _tidy(folder: Path, known: Mapping[str, Any]) -> None:
    """One line for each file that is there."""
    lines = [json.dumps(asdict(one)) + "\n" for one in known.values() if (folder / one.file).is_file()]
    write_atomic(folder / LOG, "".join(lines))
