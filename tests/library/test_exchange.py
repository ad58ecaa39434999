"""What strangers send is bounded and never becomes a path; what is exported comes back the same."""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.library.presets import drawn, imported

from myna.errors import MynaError, UsageError
from myna.library import Library, importing, open_library
from myna.library.exporting import export_folder, export_zip, zip_bytes
from myna.library.importing import import_presets, import_zip
from myna.library.query import Filters, find, find_ids
from myna.presets import Preset, dumps

HOSTILE = [
    "../../etc/passwd", "..", ".", "/etc/cron.d/x", "C:\\x", "a\0b", "💥", "\u202egnp.exe", "<script>", "con", "NUL",
    "com1.x", "x" * 200, "é" * 200, ".hidden", "trailing. ", "-rf", "a\nb", "Same", "same", "SAME", "*", "|", "'",
]  # fmt: skip
ANY = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


def zipped(files: dict[str, bytes | str], packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", packed) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, packed)
    return content.getvalue()


def contents(library: Library) -> list[str]:
    return sorted(dumps(library.get(entry_id).preset) for entry_id in find_ids(library))


def one_sentence(text: str, *parts: str) -> None:
    assert "\n" not in text and text.endswith(".") and all(part in text for part in parts)


@pytest.fixture
def other(tmp_path: Path):
    with open_library(tmp_path / "other.sqlite") as opened:
        yield opened


# Import


def test_a_folder_and_all_below_it_is_imported_once(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "deep/er").mkdir(parents=True)
    for path, preset in zip(("a.json", "deep/b.JSON", "deep/er/c.json"), drawn(3), strict=True):
        (folder / path).write_text(dumps(preset))
    (folder / "read me.txt").write_text("no preset")
    (folder / "._a.json").write_bytes(b"\0\5\x16\7")
    first = import_presets(library, folder)
    assert (len(first.ids), first.known, first.refused, first.stopped) == (3, 0, (), False)
    assert contents(library) == sorted(map(dumps, drawn(3)))
    assert {row.origin for row in find(library, Filters(source="import")).rows} == {"a.json", "b.JSON", "c.json"}
    again = import_presets(library, folder)
    assert (again.ids, again.known) == ((), 3) and find(library).total == 3
    assert import_presets(library, folder / "a.json").known == 1


def test_bad_files_are_told_in_a_sentence_each_and_the_good_ones_kept(library: Library, tmp_path: Path) -> None:
    bad = {
        "nan.json": b'{"format_version": 1, "x": NaN}', "new.json": b'{"format_version": 99}', "text.json": b"hello",
        "deep.json": b"[" * 100_000, "huge.json": b" " * (1 << 20) + b"{}", "empty.json": b"",
        "bin.json": bytes(range(256)),
    }  # fmt: skip
    files = {**bad, "good.json": dumps(drawn(1)[0]).encode()}
    for name, content in files.items():
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(content)
    (tmp_path / "outside.json").write_text(dumps(drawn(2)[1]))
    (tmp_path / "in/link.json").symlink_to(tmp_path / "outside.json")
    os.mkfifo(tmp_path / "in/pipe.json")
    for found in (import_presets(library, tmp_path / "in"), import_zip(library, zipped(files))):
        assert len(found.refused) == len(bad)
        for name in bad:
            one_sentence(next(sentence for sentence in found.refused if name in sentence))
    assert contents(library) == [dumps(drawn(1)[0])]


def test_names_in_a_zip_file_never_reach_the_file_system(library: Library, tmp_path: Path, monkeypatch) -> None:
    inside = tmp_path / "a/b/c"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    names = [f"{name}.json" for name in HOSTILE if "\0" not in name] + ["../../../up.json", "/abs.json", "..\\win.json"]
    before = sorted(tmp_path.rglob("*"))
    presets = drawn(len(names))
    found = import_zip(library, zipped({n: dumps(p) for n, p in zip(names, presets, strict=True)}))
    assert (len(found.ids), found.refused) == (len(names), ())
    assert sorted(path for path in tmp_path.rglob("*") if not path.name.startswith("library.sqlite")) == [
        path for path in before if not path.name.startswith("library.sqlite")
    ]
    assert all(row.origin.isprintable() and "/" not in row.origin for row in find(library).rows)


def test_zip_bombs_are_refused_before_they_are_unpacked(library: Library) -> None:
    flat = zipped({f"{i}.json": bytes(64 << 20) for i in range(5)})
    many = zipped({f"{i}.json": b"" for i in range(importing.MAX_FILES + 1)}, zipfile.ZIP_STORED)
    for data, told in ((flat, "unpacks to more than 256 MiB"), (many, "more than 20,000 files")):
        assert len(data) < 4 << 20
        with pytest.raises(MynaError) as caught:
            import_zip(library, data, "bomb.zip")
        one_sentence(str(caught.value), "“bomb.zip”", told)
    with pytest.raises(MynaError) as caught:
        import_zip(library, bytes(importing.MAX_ZIP_BYTES + 1))
    one_sentence(str(caught.value), "larger than 64 MiB")
    single = import_zip(library, zipped({"a.json": bytes(200 << 20)}))  # within the sum, but no preset
    assert len(single.refused) == 1 and find(library).total == 0


def test_a_member_that_claims_to_be_small_is_read_no_further_than_it_claims(library: Library) -> None:
    data = bytearray(zipped({"a.json": bytes(50 << 20)}))
    at = data.rindex(b"PK\1\2") + 24
    data[at : at + 4] = (100).to_bytes(4, "little")
    found = import_zip(library, bytes(data))
    assert found.ids == () and len(found.refused) == 1


@pytest.mark.parametrize(
    "content", [b"PK", b"PK\3\4" + bytes(100), b"PK\5\6" + b"\xff" * 18, b"PK\3\4" + b"\xff" * 4000]
)
def test_a_broken_zip_file_is_one_sentence(content: bytes, library: Library, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(MynaError) as caught:
        import_presets(library, tmp_path / "a.zip")
    one_sentence(str(caught.value), "a.zip")


def test_damaged_encrypted_and_oddly_packed_members_are_left_out(library: Library) -> None:
    text = dumps(drawn(1)[0])
    damaged = bytearray(zipped({"a.json": text}))
    damaged[60:70] = bytes(10)
    locked = bytearray(zipped({"a.json": text}))
    locked[locked.rindex(b"PK\1\2") + 8] |= 1
    for data, told in (
        (damaged, "is damaged"),
        (locked, "encrypted"),
        (zipped({"a.json": text}, zipfile.ZIP_BZIP2), "unusual"),
    ):
        found = import_zip(library, bytes(data))
        assert found.ids == () and len(found.refused) == 1
        one_sentence(found.refused[0], told)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_zip_file_with_any_byte_changed_is_read_or_refused(library: Library, flips: list[tuple[int, int]]) -> None:
    data = bytearray(zipped({f"{i}.json": dumps(p) for i, p in enumerate(drawn(2))}))
    for place, value in flips:
        data[place % len(data)] = value
    try:
        found = import_zip(library, bytes(data))
    except MynaError as error:
        one_sentence(str(error))
        return
    assert all(sentence.endswith(".") for sentence in found.refused)


@pytest.mark.parametrize("path", ["none", "a\0b", "/dev/null"])
def test_what_cannot_be_imported_is_one_sentence(path: str, library: Library) -> None:
    with pytest.raises(MynaError) as caught:
        import_presets(library, path)
    one_sentence(str(caught.value))


def test_a_stopped_import_keeps_what_it_has_and_is_gone_on_with(library: Library, monkeypatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 10)
    data, told = zipped({f"{i}.json": dumps(p) for i, p in enumerate(drawn(35))}), []
    first = import_zip(library, data, progress=lambda *at: told.append(at), stop=lambda: len(told) == 2)
    assert (first.stopped, len(first.ids), told) == (True, 20, [(10, 35), (20, 35)])
    second = import_zip(library, data)
    assert (second.stopped, len(second.ids), second.known) == (False, 15, 20)
    assert contents(library) == sorted(map(dumps, drawn(35)))


# Export


def test_an_export_comes_back_the_same_by_folder_and_by_zip(library: Library, other: Library, tmp_path: Path) -> None:
    library.add_many(imported(drawn(30)))
    files = export_folder(library, find_ids(library), tmp_path / "out")
    assert [path.read_text(encoding="utf-8") for path in files] == [
        dumps(library.get(entry_id).preset) for entry_id in find_ids(library)
    ]
    assert len(import_presets(other, tmp_path / "out").ids) == 30
    assert contents(other) == contents(library)
    other.remove(find_ids(other))
    assert export_zip(library, find_ids(library), tmp_path / "all.zip") == 30
    assert len(import_presets(other, tmp_path / "all.zip").ids) == 30
    assert contents(other) == contents(library)
    assert zip_bytes(library, find_ids(library)) == (tmp_path / "all.zip").read_bytes()


def test_hostile_names_leave_as_safe_and_different_file_names(library: Library, other: Library, tmp_path: Path) -> None:
    presets = [replace(preset, name=name) for preset, name in zip(drawn(len(HOSTILE)), HOSTILE, strict=True)]
    library.add_many(imported(tuple(presets)))
    before = sorted(tmp_path.iterdir())
    files = export_folder(library, find_ids(library), tmp_path / "out")
    with zipfile.ZipFile(io.BytesIO(zip_bytes(library, find_ids(library)))) as archive:
        inside = archive.namelist()
    assert [path.name for path in files] == inside
    assert len({name.casefold() for name in inside}) == len(HOSTILE)
    for name in inside:
        stem = name.removesuffix(".json")
        assert name.isprintable() and not set(name) & set('/\\:<>|*"?\0') and len(name.encode()) <= 255
        assert stem.strip(". ") == stem and stem.casefold() not in ("con", "nul")
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "out"])
    assert len(import_presets(other, tmp_path / "out").ids) == len(HOSTILE)
    assert contents(other) == contents(library)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(ANY, min_size=1, max_size=6))
def test_any_names_go_out_and_come_back(library: Library, other: Library, names: list[str]) -> None:
    library.remove(find_ids(library))
    other.remove(find_ids(other))
    library.add_many(
        [
            (Preset("serum-lite", {}, name=name), kind)
            for (_, kind), name in zip(imported(drawn(6)), names, strict=False)
        ]
    )
    import_zip(other, zip_bytes(library, find_ids(library)))
    assert contents(other) == contents(library)


def test_nothing_is_overwritten_and_those_that_are_gone_are_left_out(library: Library, tmp_path: Path) -> None:
    (entry_id, _), (gone, _) = library.add_many(imported(drawn(2)))
    library.remove([gone])
    first = export_folder(library, [entry_id, gone], tmp_path / "out")
    second = export_folder(library, [entry_id], tmp_path / "out")
    assert len(first) == len(second) == 1 and first != second
    (tmp_path / "a.zip").write_bytes(b"mine")
    with pytest.raises(UsageError):
        export_zip(library, [entry_id], tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == b"mine"
    with pytest.raises(MynaError) as caught:
        export_folder(library, [entry_id], tmp_path / "a.zip")
    one_sentence(str(caught.value), "cannot make the folder")
