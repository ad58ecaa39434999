"""The library keeps presets to the bit, with what people say of them, and tells in one sentence what it cannot do."""

from __future__ import annotations

import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.library.presets import TABLE, drawn, imported

from myna.errors import BadPresetError, IncompatibleVersionError, MynaError, UsageError
from myna.library import Library, Lineage, open_library
from myna.library.query import find, find_ids
from myna.library.schema import SCHEMA_VERSION
from myna.presets import CATEGORIES, Preset, dumps

HOSTILE = [
    "../../etc/passwd",
    "a\0b",
    "💥",
    "\u202egnp.exe",
    "<script>alert(1)</script>",
    "con",
    "'; DROP TABLE entries; --",
]
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def one_sentence(caught: pytest.ExceptionInfo[MynaError], *parts: str) -> None:
    text = str(caught.value)
    assert "\n" not in text and text.endswith(".") and all(part in text for part in parts)


# What is kept


def test_a_preset_comes_back_to_the_bit_with_its_lineage(library: Library) -> None:
    preset = drawn(1)[0]
    lineage = Lineage("match", "trumpet.wav", 0.071, "auto", 1000, "ab" * 16)
    entry = library.add(preset, lineage)
    again = library.get(entry.id[:6])
    assert again == entry and again.lineage == lineage
    assert dumps(again.preset) == dumps(preset)
    assert (again.favourite, again.rating, again.notes) == (False, 0, "")
    assert again.created_utc == again.changed_utc != ""


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=ANY.filter(bool),
    author=ANY,
    category=st.sampled_from(CATEGORIES),
    tags=st.lists(ANY, max_size=5).map(tuple),
    notes=ANY,
    rating=st.integers(0, 5),
    seed=st.integers(0, 20),
)
def test_whatever_people_write_comes_back_as_it_was(
    library: Library, name, author, category, tags, notes, rating, seed
):
    preset = replace(drawn(21)[seed], name=name, author=author, category=category, tags=tags, description=notes)
    entry = library.add(preset)
    library.update(entry.id, notes=notes, rating=rating, favourite=True)
    found = library.get(entry.id)
    assert found.preset == preset
    assert (found.notes, found.rating, found.favourite) == (notes, rating, True)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_a_name(name: str, library: Library) -> None:
    entry = library.add(Preset("serum-lite", {}, name=name, author=name, tags=(name,)))
    assert library.get(entry.id).preset.name == name
    assert find(library).rows[0].tags == (name,)


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""}, {"name": "x" * 5000}, {"name": "half \ud800"}, {"category": "nose"}, {"tags": ("x" * 41,)},
        {"tags": ("t",) * 33}, {"values": {"osc_a.level": 2.0}}, {"values": {"no.such": 1}}, {"synth": "other"},
        {"values": {"osc_a.level": float("nan")}},
    ],
)  # fmt: skip
def test_what_no_preset_file_may_hold_is_refused_and_nothing_is_kept(change, library: Library) -> None:
    good, bad = drawn(1)[0], replace(drawn(1)[0], **change)
    with pytest.raises(BadPresetError) as caught:
        library.add_many([(good, Lineage()), (bad, Lineage())])
    one_sentence(caught)
    assert find(library).total == 0


def test_what_a_file_leaves_out_and_how_it_writes_a_switch_makes_no_other_preset(library: Library) -> None:
    first = library.add(Preset("serum-lite", {"filter.on": 1}, name="A"))
    whole = TABLE.to_dict(TABLE.from_dict({"filter.on": True}))
    assert library.add(Preset("serum-lite", whole, name="A")).id == first.id
    assert first.preset.values["filter.on"] is True


def test_the_same_preset_again_is_the_entry_that_is_there_however_it_was_tagged_since(library: Library) -> None:
    preset = drawn(1)[0]
    entry = library.add(preset)
    library.update(entry.id, replace(preset, tags=("other",)), rating=4)
    assert library.add(preset).id == entry.id
    assert library.add_many([(preset, Lineage()), (drawn(2)[1], Lineage()), (drawn(2)[1], Lineage())])[1:] == [
        (find_ids(library)[1], True), (find_ids(library)[1], False)
    ]  # fmt: skip
    assert library.get(entry.id).preset.tags == ("other",)


def test_a_preset_whose_sound_was_changed_does_not_stand_for_what_it_was(library: Library) -> None:
    first, second = drawn(2)
    entry = library.add(first)
    library.update(entry.id, replace(first, values=second.values))
    assert library.add(first).id != entry.id
    with pytest.raises(UsageError) as caught:
        library.update(entry.id, first)
    one_sentence(caught, "holds this very preset already")


def test_an_update_changes_what_is_given_alone(library: Library) -> None:
    entry = library.add(drawn(1)[0])
    library.update(entry.id, notes="for the bridge", rating=5)
    found = library.update(entry.id, favourite=True)
    assert (found.notes, found.rating, found.favourite, found.preset) == ("for the bridge", 5, True, entry.preset)
    for bad in ({"rating": 6}, {"rating": -1}, {"notes": "x" * 10_001}, {"notes": "\ud800"}):
        with pytest.raises(UsageError):
            library.update(entry.id, favourite=False, **bad)
    assert library.get(entry.id) == found


def test_removed_entries_are_gone_and_may_come_again(library: Library) -> None:
    kept = library.add_many(imported(drawn(3)))
    ids = [entry_id for entry_id, _ in kept]
    assert library.remove([*ids[:2], "f" * 32]) == 2
    assert find_ids(library) == ids[2:] and find(library).total == 1
    with pytest.raises(UsageError) as caught:
        library.get(ids[0])
    one_sentence(caught, "no preset with the id")
    assert [fresh for _, fresh in library.add_many(imported(drawn(3)))] == [True, True, False]


@pytest.mark.parametrize("asked", ["", "abc", "xyzw", "%", "' OR 1=1", "a" * 33, "\0", "\ud800"])
def test_what_is_no_id_is_one_sentence(asked: str, library: Library) -> None:
    with pytest.raises(UsageError) as caught:
        library.get(asked)
    one_sentence(caught, "no id")


@pytest.mark.parametrize(
    "bad", [{"source": "theft"}, {"loss": -1.0}, {"loss": float("nan")}, {"renders": -1}, {"origin": "\ud800"}]
)
def test_a_lineage_that_cannot_be_is_refused(bad) -> None:
    with pytest.raises(UsageError) as caught:
        Lineage(**bad)
    one_sentence(caught)


# The file


def test_a_library_of_a_newer_myna_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    open_library(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(IncompatibleVersionError) as caught:
        open_library(path)
    one_sentence(caught, "newer than this myna reads", "update myna")
    assert path.read_bytes() == before


def test_an_older_library_is_brought_up_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.sqlite"
    with open_library(path) as library:
        entry = library.add(drawn(1)[0])
    steps = []
    monkeypatch.setattr("myna.library.schema.SCHEMA_VERSION", SCHEMA_VERSION + 2)
    for older in (SCHEMA_VERSION, SCHEMA_VERSION + 1):
        monkeypatch.setitem(
            sys.modules["myna.library.schema"].MIGRATIONS, older, lambda connection, older=older: steps.append(older)
        )
    with open_library(path) as library:
        assert library.get(entry.id) == entry
    open_library(path).close()
    assert steps == [SCHEMA_VERSION, SCHEMA_VERSION + 1]


def test_a_failed_migration_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.sqlite"
    open_library(path).close()

    def fail(connection) -> None:
        connection.exec_driver_sql("ALTER TABLE entries RENAME TO lost")
        raise MynaError("no.")

    with monkeypatch.context() as patch:
        patch.setattr("myna.library.schema.SCHEMA_VERSION", SCHEMA_VERSION + 1)
        patch.setitem(sys.modules["myna.library.schema"].MIGRATIONS, SCHEMA_VERSION, fail)
        with pytest.raises(MynaError):
            open_library(path)
    with open_library(path) as library:
        library.add(drawn(1)[0])


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.sqlite") as raw:
        raw.execute("CREATE TABLE history (url)")
    raw.close()
    with pytest.raises(MynaError) as caught:
        open_library(tmp_path / "other.sqlite")
    one_sentence(caught, "another program")


@pytest.mark.parametrize("content", [b"RIFF" + bytes(5000), b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_database_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(MynaError) as caught:
        open_library(tmp_path / "a.wav")
    one_sentence(caught, "cannot use the library")
    assert (tmp_path / "a.wav").read_bytes() == content


@pytest.mark.parametrize("path", ["folder", "file/below", "/proc/nowhere/a.sqlite", "a\0b", "/sys/a.sqlite"])
def test_a_place_where_no_library_can_be_is_one_sentence(path: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(MynaError) as caught:
        open_library(path)
    one_sentence(caught, "cannot")


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path: Path, library: Library) -> None:
    library.add_many(imported(drawn(3)))
    with library.database.writing() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(MynaError) as caught:
        library.add_many(imported(drawn(40)))
    one_sentence(caught, "the disk is full")
    assert [library.get(entry_id).preset for entry_id in find_ids(library)] == list(drawn(3))


def test_a_library_that_may_only_be_read_says_so(library: Library) -> None:
    entry = library.add(drawn(1)[0])
    with library.database.reading() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")  # stays with the pooled connection
    with pytest.raises(MynaError) as caught:
        library.update(entry.id, rating=1)
    one_sentence(caught, "may only be read")
    assert library.get(entry.id) == entry


def test_libraries_know_nothing_of_one_another(tmp_path: Path) -> None:
    with open_library(tmp_path / "a/library.sqlite") as first, open_library(tmp_path / "b/library.sqlite") as second:
        entry = first.add(drawn(1)[0])
        assert find(second).total == 0
        with pytest.raises(UsageError):
            second.get(entry.id)
