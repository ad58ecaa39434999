"""A packed export holds what its log names, and nothing else."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest

from myna.errors import MynaError
from myna.export_zip import zip_export
from myna.exporting import LOG, SHEET, ExportSettings, export, file_names, read_log
from myna.render import find_preset

BASS, FLUTE = find_preset("Bedrock Sub"), find_preset("Silver Flute")
SHORT = ExportSettings(gate_s=0.05, total_s=0.1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    export([BASS, FLUTE], tmp_path / "pack", SHORT)
    return tmp_path / "pack"


def test_all_sounds_their_log_and_the_sheet_are_in_it_as_they_are(folder: Path, tmp_path: Path) -> None:
    assert zip_export(folder, tmp_path / "pack.zip") == 2
    with zipfile.ZipFile(tmp_path / "pack.zip") as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {"Bedrock Sub C4.wav", "Silver Flute C4.wav", LOG, SHEET}
        assert all(archive.read(name) == (folder / name).read_bytes() for name in archive.namelist())


def test_the_same_export_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        zip_export(folder, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize(
    "file", ["../secret.wav", "/etc/passwd", "a/b.wav", "..", ".", "", 7, None, "C:\\x.wav", "pack"]
)
def test_a_log_that_lies_puts_nothing_in(folder: Path, tmp_path: Path, file: object) -> None:
    (tmp_path / "secret.wav").write_bytes(b"secret")
    (folder / "pack").mkdir()
    known = asdict(read_log(folder / LOG)[0])
    with (folder / LOG).open("a") as log:
        log.write(json.dumps({**known, "file": file}) + "\n[1]\n{}\nnull\n{\n")
    assert zip_export(folder, tmp_path / "pack.zip") == 2
    with zipfile.ZipFile(tmp_path / "pack.zip") as archive:
        assert len(archive.namelist()) == 4


def test_links_and_strangers_in_the_folder_stay_out(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "Silver Flute C4.wav").unlink()
    (folder / "Silver Flute C4.wav").symlink_to(tmp_path / "secret")
    (folder / "notes.txt").write_text("mine")
    assert zip_export(folder, tmp_path / "pack.zip") == 1
    with zipfile.ZipFile(tmp_path / "pack.zip") as archive:
        assert set(archive.namelist()) == {"Bedrock Sub C4.wav", LOG, SHEET}


def test_a_zip_that_cannot_be_written_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "x").touch()
    with pytest.raises(MynaError, match="cannot write"):
        zip_export(folder, tmp_path / "taken")
    assert not list(tmp_path.glob(".export-*"))


def test_names_are_known_before_any_sound_is_made(tmp_path: Path) -> None:
    settings = ExportSettings((36.0, 60.0), gate_s=0.05, total_s=0.1, pattern="{name}")
    found = [one.file for one in export([BASS, BASS, FLUTE], tmp_path, settings)]
    for first in range(8):
        assert file_names([BASS, BASS, FLUTE], settings, first) == found[:first]
