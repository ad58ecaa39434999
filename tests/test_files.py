"""Files are written whole or not at all."""

from __future__ import annotations

import doctest
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from myna import files
from myna.errors import MynaError
from myna.files import alone, cache_dir, data_dir, make_folder, safe_stems, sha256_hex, write_atomic

KILLS = 30
SIZE = 200_000

# Writes files of one repeated letter for ever, so that a torn file shows as two letters or a wrong size.
WRITER = """
import itertools, sys
from myna.files import write_atomic
for letter in itertools.cycle(b"abcdef"):
    write_atomic(sys.argv[1], bytes([letter]) * int(sys.argv[2]))
    print("written", flush=True)
"""


def test_the_worked_examples_hold() -> None:
    assert doctest.testmod(files).failed == 0


def test_bytes_and_text_come_back_as_written(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a.bin", b"\x00\xff")
    write_atomic(str(tmp_path / "b.txt"), "é\r\n")
    assert (tmp_path / "a.bin").read_bytes() == b"\x00\xff"
    assert (tmp_path / "b.txt").read_bytes() == "é\r\n".encode()


def test_an_existing_file_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    write_atomic(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_new_file_gets_the_permissions_that_open_gives(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a.txt", "a")
    (tmp_path / "b.txt").write_text("b")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


def test_a_symbolic_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    write_atomic(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_a_failed_rename_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(MynaError, match=r"a\.txt: No space left on device"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_leaves_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "a.txt", "new")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_an_error_that_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(MynaError, match=r"nowhere/a\.txt: No such file or directory"):
        write_atomic(tmp_path / "nowhere" / "a.txt", "a")


def test_a_folder_is_made_with_those_above_it_and_may_be_there_already(tmp_path: Path) -> None:
    for _ in range(2):
        assert make_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
        assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("name", ["file", "file/below", "nul\0", "n" * 300])
def test_a_folder_that_cannot_be_made_is_one_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MynaError, match=r"^cannot make the folder .*: choose another\.$"):
        make_folder(tmp_path / name)


def test_a_name_with_a_nul_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(MynaError, match="cannot write"):
        write_atomic(f"{tmp_path}/nul\0.txt", "a")


def test_a_folder_in_the_way_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MynaError, match="cannot write"):
        write_atomic(tmp_path, "a")


def test_a_very_long_name_that_the_system_allows_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_atomic(path, "a")
    assert path.read_text() == "a"


def test_a_kill_in_the_middle_of_writing_never_tears_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    for kill in range(KILLS):
        command = [sys.executable, "-c", WRITER, str(path), str(SIZE)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()  # it is writing by now; the delays sweep across a write
            time.sleep(0.0002 * kill)
            child.send_signal(signal.SIGKILL)
        content = path.read_bytes()
        assert len(content) == SIZE
        assert len(set(content)) == 1


def test_sha256_of_text_is_that_of_its_utf8() -> None:
    assert sha256_hex("é") == sha256_hex("é".encode())
    assert sha256_hex(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    "name",
    ["../../x", "..", "a/\x1b[2J", "nul\udcff", "é" * 300, "", "a\0b", "x" * 5000, "<i>", "\u202egnp.", "a\\b", "C:x"],
)
def test_a_safe_name_never_escapes_or_disturbs(name: str) -> None:
    (stem,) = safe_stems([name])
    assert stem not in ("", ".", "..")
    assert not set(stem) & set("/\\:<>\0")
    assert stem.isprintable()
    assert len(stem.encode()) <= 80


@pytest.mark.parametrize("name", ["con", "NUL", "Aux.old", "com1", "LPT9 .x", "com¹"])
def test_a_safe_name_is_no_device_of_windows(name: str) -> None:
    assert safe_stems([name])[0].startswith("_")


def test_safe_names_that_collide_after_numbering_stay_apart() -> None:
    stems = safe_stems(["a-2", "a", "A", "a", "e\u0301", "\u00e9", *["x"] * 2000], taken=["A-3"])
    assert len({stem.casefold() for stem in stems} | {"a-3"}) == 2007


@pytest.mark.parametrize(
    ("folder", "kind", "home"), [(cache_dir, "CACHE", ".cache"), (data_dir, "DATA", ".local/share")]
)
def test_the_folders_of_our_own_follow_the_environment(
    folder: Callable[[], Path], kind: str, home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(f"MYNA_{kind}_DIR", raising=False)
    monkeypatch.delenv(f"XDG_{kind}_HOME", raising=False)
    assert folder() == tmp_path / home / "myna"
    monkeypatch.setenv(f"XDG_{kind}_HOME", "relative")
    assert folder() == tmp_path / home / "myna"
    monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / "xdg"))
    assert folder() == tmp_path / "xdg" / "myna"
    monkeypatch.setenv(f"MYNA_{kind}_DIR", str(tmp_path / "own"))
    assert folder() == tmp_path / "own"


HOLD = """
import sys, time
from myna.files import alone
with alone("test"):
    print("in", flush=True)
    time.sleep(float(sys.argv[1]))
"""


def test_processes_that_want_to_be_alone_wait_for_one_another_and_a_kill_lets_them_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MYNA_CACHE_DIR", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", HOLD, "60"], stdout=subprocess.PIPE) as first:
        assert first.stdout and first.stdout.readline() == b"in\n"
        with subprocess.Popen([sys.executable, "-c", HOLD, "0"], stdout=subprocess.PIPE) as second:
            with pytest.raises(subprocess.TimeoutExpired):
                second.wait(1.5)
            first.kill()
            assert second.wait(30) == 0
    with alone("test"), alone("other"):  # nobody is in there any more, and other names are other locks
        pass


def test_where_no_lock_can_be_had_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MYNA_CACHE_DIR", str(tmp_path / "file" / "below"))
    with alone("test"), alone("test"):
        pass
