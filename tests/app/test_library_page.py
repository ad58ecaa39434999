"""The Library page: every control does what it says, strangers' files do no harm, and libraries do not mix."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.app.conftest import sound_in, sound_of, texts, tone

pytest.importorskip("streamlit", reason="Streamlit is not installed: pip install 'myna[app]'")

from myna.app import library_alike, library_desk, library_player
from myna.library import Library, Lineage, open_library
from myna.library.exporting import zip_bytes
from myna.library.query import Filters, find, find_ids
from myna.presets import Preset, dumps, loads
from myna.presets.factory import load_factory
from myna.synth.serum_lite.parameters import TABLE

FACTORY = load_factory(TABLE)
HOSTILE = (
    "<script>alert(1)</script>", "../../etc/passwd", "![x](http://a.b/c.png)", ":red[x] $\\frac{1}{2}$", "`|~^&=#*_",
    "\u202egnp.exe", "a" * 300, "</style><img src=x onerror=alert(1)>", "con", "0",
)  # fmt: skip


def preset(name: str, **changes) -> Preset:
    return replace(FACTORY[0], name=name[:120], **changes)


@pytest.fixture
def shelf(tmp_path, monkeypatch) -> Iterator[Library]:
    """The library of this user, in a folder of its own, with a few presets."""
    monkeypatch.setenv("MYNA_DATA_DIR", str(tmp_path / "own"))
    library = open_library()
    library.add_many([(one, Lineage("factory")) for one in FACTORY[:12]])
    library.add(preset("Found", tags=("mine",)), Lineage("match", "trumpet <b>.wav", 0.07, "auto", 700))
    yield library
    library_desk.errands().close()
    library_desk.errands.cache_clear()
    library_desk._opened.cache_clear()
    library_desk._sounds.cache_clear()
    library.close()


@pytest.fixture
def empty(tmp_path, monkeypatch) -> Iterator[Library]:
    monkeypatch.setenv("MYNA_DATA_DIR", str(tmp_path / "empty"))
    yield open_library()
    library_desk.errands().close()
    library_desk.errands.cache_clear()
    library_desk._opened.cache_clear()


def entry(library: Library, name: str):
    return next(library.get(i) for i in find_ids(library) if library.get(i).preset.name == name)


def shown(page) -> list[str]:
    """Ids of the rows, in order."""
    return [b.key.removeprefix("show.") for b in page.button if str(b.key).startswith("show.")]


def press(page, key: str):
    return sound_of(page.button(key=key).click().run())


def settled(page, until, tries: int = 300):
    for _ in range(tries):
        sound_of(page.run())
        if until(page):
            return page
        time.sleep(0.1)
    raise AssertionError(f"the page does not come to rest: {texts(page)}")


def zipped(files: dict[str, bytes | str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def test_an_empty_library_teaches_and_is_filled_in_one_click(app, empty: Library) -> None:
    page = app("library")
    assert "Your presets live here" in texts(page) and not shown(page)
    press(page, "import.factory")
    assert len(shown(page)) == min(len(FACTORY), library_desk.PER_PAGE)
    assert find(empty).total == len(FACTORY)


def test_rows_are_found_filtered_and_sorted(app, shelf: Library) -> None:
    page = app("library")
    assert shown(page) == find_ids(shelf)
    sound_of(page.text_input(key="q").set_value("found").run())
    assert shown(page) == [entry(shelf, "Found").id]
    sound_of(page.text_input(key="q").set_value('"" ( * NEAR "x').run())
    assert not shown(page) and "Nothing fits" in texts(page)
    press(page, "library.all")
    assert len(shown(page)) == 13
    for category in ("bass", "pad", None):
        sound_of(page.selectbox(key="category").set_value(category).run())
        assert shown(page) == find_ids(shelf, Filters(category=category))
    sound_of(page.selectbox(key="source").set_value("match").run())
    assert shown(page) == [entry(shelf, "Found").id]
    press(page, "find.clear")
    sound_of(page.multiselect(key="tags").set_value(["mine"]).run())
    assert shown(page) == [entry(shelf, "Found").id]
    press(page, "find.clear")
    for order in library_desk.SORT_WORDS:
        sound_of(page.selectbox(key="sort").set_value(order).run())
        assert shown(page) == [row.id for row in find(shelf, sort=order).rows]
    sound_of(page.select_slider(key="stars").set_value(3).run())
    assert not shown(page)


def test_the_address_finds_the_same_rows_again(app, shelf: Library) -> None:
    page = app("library", q="found", sort="Newest", source="Matches", stars="0", note="C2", fav="false")
    assert shown(page) == [entry(shelf, "Found").id] and page.segmented_control(key="note").value == 36
    assert page.selectbox(key="sort").value == "newest"
    assert shown(app("library", source="Factory", category="bass")) == find_ids(
        shelf, Filters(category="bass", source="factory")
    )


@pytest.mark.parametrize("value", ["../x", "%00", "-1", "99999999", "<script>", "None", "[1,2]", "\u202e", "a" * 5000])
def test_an_address_of_nonsense_shows_the_page(app, shelf: Library, value: str) -> None:
    names = ("q", "sort", "category", "tags", "source", "stars", "fav", "note", "p", "open", "play", "view", "job")
    page = app("library", **dict.fromkeys(names, value))
    assert not page.error and "preset" in texts(page)
    assert app("library", like=value).error or value == "None"


def test_stars_ratings_and_notes_are_kept_at_once_and_undone(app, shelf: Library) -> None:
    page, found = app("library"), entry(shelf, "Found")
    press(page, f"star.{found.id}")
    assert shelf.get(found.id).favourite
    sound_of(page.toggle(key="fav").set_value(True).run())
    assert shown(page) == [found.id]
    press(page, "undo.go")
    assert not shelf.get(found.id).favourite and not shown(page)
    sound_of(page.toggle(key="fav").set_value(False).run())
    press(page, f"show.{found.id}")
    assert "trumpet" in texts(page) and "700 renders" in texts(page) and "loss 0.070" in texts(page)
    sound_of(page.feedback(key=f"entry.rating.{found.id}").set_value(3).run())
    assert shelf.get(found.id).rating == 4
    sound_of(page.text_area(key=f"entry.notes.{found.id}").set_value("for the <b>chorus</b>").run())
    assert shelf.get(found.id).notes == "for the <b>chorus</b>"
    press(page, "undo.go")
    assert shelf.get(found.id).notes == "" and shelf.get(found.id).rating == 4
    press(page, "undo.close")
    assert "Undo" not in texts(page)


def test_the_card_renames_retags_and_recategorises(app, shelf: Library) -> None:
    page, found = app("library"), entry(shelf, "Found")
    press(page, f"show.{found.id}")
    for name in ("Brass & <i>Wind</i>", HOSTILE[2][:80], ""):
        sound_of(page.text_input(key=f"entry.name.{found.id}").set_value(name).run())
        assert shelf.get(found.id).preset.name == (name or "Untitled")
    sound_of(page.text_input(key=f"entry.author.{found.id}").set_value("somebody").run())
    sound_of(page.selectbox(key=f"entry.category.{found.id}").set_value("brass").run())
    sound_of(page.multiselect(key=f"entry.tags.{found.id}").set_value(["mine"]).run())
    kept = shelf.get(found.id).preset
    assert (kept.author, kept.category, kept.tags) == ("somebody", "brass", ("mine",))
    assert kept.values == found.preset.values


def test_a_row_is_heard_at_the_note_that_is_chosen_and_is_rendered_once(
    app, shelf: Library, played, monkeypatch
) -> None:
    page, found = app("library"), entry(shelf, "Found")
    library_player._audio.cache_clear()
    library_player._wav.cache_clear()
    renders: list[object] = []
    listen = library_player.listen
    monkeypatch.setattr(library_player, "listen", lambda *a: renders.append(a) or listen(*a))
    played.clear()
    press(page, f"play.{found.id}")
    first = played[-1]
    assert abs(sound_in(first)).max() > 0.01
    sound_of(page.segmented_control(key="note").set_value(36).run())
    assert played[-1] != first and len(renders) == 2
    sound_of(page.segmented_control(key="note").set_value(60).run())
    assert played[-1] == first and len(renders) == 2
    count = len(played)
    press(page, f"play.{found.id}")
    sound_of(page.run())
    assert len(played) == count, "stopped"


def test_chosen_presets_are_starred_tagged_exported_and_deleted_together(app, shelf: Library) -> None:
    page = app("library")
    ids = shown(page)[:3]
    for entry_id in ids:
        sound_of(page.checkbox(key=f"pick.{entry_id}").check().run())
    assert "3 chosen" in texts(page)
    press(page, "bulk.star")
    assert all(shelf.get(i).favourite for i in ids)
    press(page, "bulk.unstar")
    sound_of(page.feedback(key="bulk.rating").set_value(1).run())
    assert [shelf.get(i).rating for i in ids] == [2, 2, 2]
    page.multiselect(key="bulk.add").set_value(["mine"])
    press(page, "bulk.tag")
    assert all("mine" in shelf.get(i).preset.tags for i in ids)
    press(page, "undo.go")
    assert not any("mine" in shelf.get(i).preset.tags for i in ids)
    with zipfile.ZipFile(io.BytesIO(zip_bytes(shelf, ids))) as archive:
        assert len(archive.namelist()) == 3 and all(loads(archive.read(n), TABLE) for n in archive.namelist())
    press(page, "bulk.delete")
    assert find(shelf).total == 10 and "chosen" not in texts(page)
    press(page, "undo.go")
    assert find(shelf).total == 13
    assert len(find_ids(shelf, Filters(min_rating=2))) == 3


def test_more_pages_than_one_are_turned_and_chosen_all_at_once(app, empty: Library) -> None:
    many = [preset(f"Sound {i}", tags=("many",)) for i in range(230)]
    empty.add_many([(one, Lineage("import")) for one in many])
    page = app("library")
    assert len(shown(page)) == 50 and "230 presets" in texts(page)
    sound_of(page.pagination(key="p").set_value(5).run())
    assert shown(page) == [row.id for row in find(empty, offset=200).rows]
    press(page, "bulk.page")
    press(page, "bulk.all")
    assert "230 chosen" in texts(page) and page.button(key="bulk.delete").disabled
    sound_of(page.checkbox(key="bulk.sure").check().run())
    press(page, "bulk.delete")
    assert find(empty).total == 0 and "for good" not in texts(page)
    assert "undo.go" not in {b.key for b in page.button}


def test_a_page_of_an_older_address_that_is_gone_shows_the_first(app, shelf: Library) -> None:
    assert len(shown(app("library", p="7"))) == 13


def test_uploads_are_imported_in_the_background_and_hostile_ones_are_told(app, empty: Library) -> None:
    page = app("library")
    good = {f"{name}.json": dumps(preset(name or "x")) for name in HOSTILE if "\u202e" not in name}
    bank = {**good, "../../evil.json": dumps(preset("Evil")), "broken.json": b"{", "note.txt": "hi"}
    files = [
        ("bank.zip", zipped(bank), "application/zip"),
        ("../../<script>.json", dumps(preset("Loose")).encode(), "application/json"),
        ("no.zip", b"PK\x03\x04 nothing", "application/zip"),
    ]  # fmt: skip
    sound_of(page.file_uploader[0].set_value(files).run())
    settled(page, lambda p: "new" in texts(p) and "Import" in texts(p))
    names = {empty.get(i).preset.name for i in find_ids(empty)}
    assert {"Loose", "Evil", "<script>alert(1)</script>"} <= names and len(names) == len(good) + 2
    assert "2 left out" in texts(page)
    for entry_id in shown(page):
        press(page, f"show.{entry_id}")
    press(page, "import.close")
    assert "left out" not in texts(page)


def test_the_nearest_to_a_preset_and_to_a_sound_come_first(app, shelf: Library) -> None:
    page, found = app("library"), entry(shelf, "Found")
    press(page, f"show.{found.id}")
    press(page, "entry.like")
    assert shown(page)[0] in (found.id, entry(shelf, FACTORY[0].name).id) and "nearest first" in texts(page)
    assert any("0.0 dB away" in b.label for b in page.button)
    sound_of(page.text_input(key="q").set_value("found").run())
    assert shown(page) == [found.id]
    press(page, "like.close")
    sound_of(page.text_input(key="q").set_value("").run())
    sound_of(page.file_uploader(key="like.file").set_value(("../tone.wav", tone(), "audio/wav")).run())
    assert "tone" in texts(page) and len(shown(page)) == 13
    sound_of(page.file_uploader(key="like.file").set_value(("x.wav", b"RIFFnothing", "audio/wav")).run())
    assert page.error
    assert app("library", like="sound").query_params.get("like") in (None, []), "a sound is its session's own"


def test_many_presets_are_heard_in_the_background_first(app, shelf: Library, monkeypatch) -> None:
    monkeypatch.setattr(library_alike, "AT_ONCE", 2)
    page = app("library", like=entry(shelf, "Found").id)
    settled(page, lambda p: len(shown(p)) == 13)
    assert not library_desk.the_sounds().missing()


def test_what_is_there_twice_is_shown_and_swept(app, shelf: Library) -> None:
    page = app("library")
    press(page, "twins.open")
    assert "1 group" in texts(page) and len(shown(page)) == 2
    sound_of(page.segmented_control(key="twins.kind").set_value("To the ear").run())
    assert len(shown(page)) >= 2
    sound_of(page.segmented_control(key="twins.kind").set_value("To the knob").run())
    press(page, "twins.keep.0")
    assert "Nothing is there twice" in texts(page) and find(shelf).total == 12
    press(page, "undo.go")
    press(page, "twins.all")
    assert "1 chosen" in texts(page)


def test_a_preset_goes_to_the_other_pages(app, shelf: Library) -> None:
    found = entry(shelf, "Found")
    page = app("library", open=found.id)
    press(page, "entry.synth")
    assert page.session_state["synth.panel"].preset.name == "Found"
    page = app("library", open=found.id)
    press(page, "entry.match")
    assert page.session_state["match.draft"].start.name == "Found"
    page = app("library", open=found.id)
    press(page, "entry.compare-a")
    assert page.session_state["compare.pair"].a.name == "Found"


def test_chosen_presets_go_to_the_export_page(app, shelf: Library) -> None:
    page = app("library")
    press(page, "bulk.page")
    press(page, "bulk.audio")
    assert len(page.session_state["export.basket"].presets) == 13


def test_a_preset_kept_on_the_synth_page_is_found_here(app, empty: Library) -> None:
    press(app(), "save.keep")
    (kept,) = find(empty).rows
    assert kept.source == "synth"


def test_hostile_names_are_shown_as_they_are_and_do_nothing(app, empty: Library) -> None:
    empty.add_many([(preset(n, author=n[:80], tags=(n[:40],), description=n), Lineage("import", n)) for n in HOSTILE])
    page = app("library")
    for entry_id in shown(page):
        press(page, f"show.{entry_id}")
        press(page, f"play.{entry_id}")
    words = texts(page) + "".join(b.label for b in page.button)
    assert "<script>" not in words and "![x](" not in words and "\u202e" not in words
    assert not any("<script>" in html.proto.body for html in page.get("html"))


def test_two_sessions_with_two_libraries_do_not_mix(app, shelf: Library, tmp_path, monkeypatch) -> None:
    mine = app("library")
    monkeypatch.setenv("MYNA_DATA_DIR", str(tmp_path / "other"))
    theirs = app("library")
    assert not shown(theirs) and "Your presets live here" in texts(theirs)
    press(theirs, "import.factory")
    monkeypatch.setenv("MYNA_DATA_DIR", str(tmp_path / "own"))
    assert len(shown(sound_of(mine.run()))) == 13
    one, other = app("library"), app("library")
    sound_of(one.checkbox(key=f"pick.{shown(one)[0]}").check().run())
    assert "1 chosen" in texts(one) and "chosen" not in texts(sound_of(other.run()))


def test_a_preset_that_another_session_removed_is_told_and_nothing_breaks(app, shelf: Library) -> None:
    page, found = app("library"), entry(shelf, "Found")
    press(page, f"show.{found.id}")
    shelf.remove([found.id])
    page.button(key="entry.delete").click().run()
    assert not sound_of(page).error and found.id not in shown(page)
    page = app("library", like=found.id)
    assert "There is no preset" in texts(page)
    press(page, "library.back")
    assert len(shown(page)) == 12


def test_a_library_that_cannot_be_read_is_told_in_a_sentence(app, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MYNA_DATA_DIR", str(tmp_path))
    (tmp_path / "library.sqlite").write_bytes(b"no database at all, but something else" * 100)
    page = app("library")
    assert "cannot use the library" in texts(page).replace("\\", "")


def test_the_import_job_tells_what_it_did(empty: Library, tmp_path) -> None:
    from myna.app import import_job
    from myna.app.worker import Desk

    told = io.StringIO()
    (tmp_path / "upload_0.zip").write_bytes(zipped({"a.json": dumps(preset("A")), "b.json": "{"}))
    (tmp_path / "upload_1.zip").write_bytes(b"no zip")
    desk = Desk(tmp_path, told, threading.Event())
    result = import_job.run({"library": str(empty.database.path), "names": ["one", "two"]}, desk)
    assert (result["new"], result["known"], result["refused_count"]) == (1, 0, 2)
    assert any("total" in json.loads(line) for line in told.getvalue().splitlines())
