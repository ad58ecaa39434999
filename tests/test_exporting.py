"""Exports: the files that are asked for, at the level that is asked for, named safely, and gone on with."""

from __future__ import annotations

import html
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from myna.audio.loudness import loudness_lufs
from myna.errors import MynaError, UsageError
from myna.exporting import LOG, SHEET, ExportSettings, export, read_log
from myna.presets.preset import Preset
from myna.render import find_preset, render_preset
from myna.synth.base import Probe

BASS, FLUTE = find_preset("Bedrock Sub"), find_preset("Silver Flute")
SHORT = ExportSettings(gate_s=0.2, total_s=0.3)


def sounds(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".wav", ".flac")}


def test_every_preset_is_played_at_every_note_and_velocity(tmp_path: Path) -> None:
    settings = replace(SHORT, notes_midi=(36.0, 60.0), velocities=(60.0, 100.0), pattern="{number} {midi} {velocity}")
    found = export([BASS, FLUTE], tmp_path, settings)
    names = [f"{number:03} {note} {velocity}.wav" for number in (1, 2) for note in (36, 60) for velocity in (60, 100)]
    assert [one.file for one in found] == names and set(sounds(tmp_path)) == set(names)


def test_a_file_holds_what_the_preset_sounds_like(tmp_path: Path) -> None:
    (one,) = export([FLUTE], tmp_path, replace(SHORT, format="wav-float"))
    heard, rate = soundfile.read(tmp_path / one.file, dtype="float32")
    np.testing.assert_array_equal(heard.T, render_preset(FLUTE, Probe(60, 100, 0.2, 0.3)))
    assert rate == 44_100 and one.gain_db == 0.0


@pytest.mark.parametrize("format", ["wav", "wav-float", "flac"])
def test_levels_are_as_asked_in_every_format(tmp_path: Path, format: str) -> None:
    for level in ("peak", "loudness"):
        (one,) = export([FLUTE], tmp_path / level, ExportSettings(format=format, level=level))
        heard = soundfile.read(tmp_path / level / one.file, always_2d=True)[0].T
        peak_db = 20 * np.log10(np.abs(heard).max())
        assert peak_db == pytest.approx(one.peak_db, abs=0.02)
        if level == "peak":
            assert peak_db == pytest.approx(-1.0, abs=0.02)
        else:
            lufs = loudness_lufs(heard.astype(np.float32), 44_100)
            assert lufs == pytest.approx(-18.0, abs=0.1) or peak_db == pytest.approx(-1.0, abs=0.02)


def test_silence_stays_silent_at_every_level(tmp_path: Path) -> None:
    values = {**FLUTE.values, "osc_a.on": False, "osc_b.on": False, "sub.on": False, "noise.on": False}
    silent = replace(FLUTE, values=values)
    for level in ("peak", "loudness"):
        (one,) = export([silent], tmp_path / level, replace(SHORT, level=level))
        assert (one.gain_db, one.loudness_lufs) == (0.0, -70.0)


def test_what_is_there_is_not_played_again_and_what_changed_is(tmp_path: Path) -> None:
    export([BASS, FLUTE], tmp_path, SHORT)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.wav")}
    wider = replace(SHORT, notes_midi=(60.0, 72.0))
    assert len(export([BASS, FLUTE], tmp_path, wider)) == 4
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.wav")}
    assert {name: after[name] for name in before} == before
    (tmp_path / "Silver Flute C4.wav").unlink()
    export([replace(BASS, values={**BASS.values, "master.volume_db": -20.0}), FLUTE], tmp_path, SHORT)
    last = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.wav")}
    assert last["Bedrock Sub C4.wav"] > after["Bedrock Sub C4.wav"] and "Silver Flute C4.wav" in last


def test_a_stopped_export_goes_on_to_the_same_files(tmp_path: Path) -> None:
    calls: list[int] = []
    part = export([BASS, FLUTE], tmp_path / "part", SHORT, stop=lambda: len(calls) == 1 or calls.append(1) is not None)
    assert len(part) == 1
    assert export([BASS, FLUTE], tmp_path / "part", SHORT) == export([BASS, FLUTE], tmp_path / "whole", SHORT)
    assert sounds(tmp_path / "part") == sounds(tmp_path / "whole")


def test_a_line_that_a_kill_cut_off_costs_one_render(tmp_path: Path) -> None:
    export([BASS, FLUTE], tmp_path, SHORT)
    log = tmp_path / LOG
    log.write_bytes(log.read_bytes()[:-30])
    assert len(read_log(log)) == 1
    assert len(export([BASS, FLUTE], tmp_path, SHORT)) == 2 and len(read_log(log)) == 2


@pytest.mark.parametrize(
    "name", ["../../up", "/etc/passwd", "con", "a\x00b", "x" * 5000, "<script>alert(1)</script>", "🎹", ""]
)
def test_no_name_leaves_the_folder_or_the_page_open(tmp_path: Path, name: str) -> None:
    (one,) = export([replace(BASS, name=name)], tmp_path / "out", replace(SHORT, pattern="{name}"))
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {one.file, LOG, SHEET}
    assert "<script>" not in (tmp_path / "out" / SHEET).read_text(encoding="utf-8")


def test_presets_of_one_name_get_files_of_their_own(tmp_path: Path) -> None:
    found = export([BASS, replace(FLUTE, name=BASS.name.upper())], tmp_path, replace(SHORT, pattern="{name}"))
    assert len({one.file.casefold() for one in found}) == 2


def test_the_page_names_and_links_every_sound_and_nothing_else(tmp_path: Path) -> None:
    export([BASS, FLUTE], tmp_path, SHORT)
    page = (tmp_path / SHEET).read_text(encoding="utf-8")
    assert "Bedrock Sub" in page and 'src="Silver%20Flute%20C4.wav"' in page
    assert "http:" not in page and "https:" not in page
    assert "default-src 'none'" in html.unescape(page)
    export([BASS], tmp_path / "bare", replace(SHORT, sheet=False))
    assert not (tmp_path / "bare" / SHEET).exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"notes_midi": ()}, "at least one note"),
        ({"format": "mp3"}, "wav, wav-float, flac"),
        ({"level": "loud"}, "as-is, peak, loudness"),
        ({"pattern": "{nme}"}, "{name}"),
        ({"pattern": "{name.__class__}"}, "may name"),
        ({"pattern": "{name!r:>9999999}"}, "may name"),
        ({"pattern": "{name"}, "brace"),
        ({"sample_rate": 1}, "8000"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_sentence(change: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        replace(SHORT, **change)


def test_what_cannot_be_exported_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for presets in ([], [BASS, replace(FLUTE, synth="vital")], [BASS] * 20_001):
        with pytest.raises(UsageError):
            export(presets, tmp_path / "none", SHORT)
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(MynaError, match="choose another"):
        export([BASS], tmp_path / "file", SHORT)
    assert isinstance(BASS, Preset)
