"""Searches find what was asked for, in the order that was asked for, and take no word for an order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.library.presets import drawn, imported

from myna.errors import UsageError
from myna.library import Library, Lineage, bulk
from myna.library.query import SORTS, Filters, counted_tags, find, find_ids
from myna.presets import Preset


def made(name: str, category: str, author: str, tags: tuple[str, ...], description: str = "") -> Preset:
    return Preset("serum-lite", {}, name, author, category, tags, description)


PRESETS = (
    made("Deep Bass 10", "bass", "Ann", ("dark", "Mono"), "low"),
    made("deep bass 9", "bass", "BOB", ("bright",)),
    made("Éclat", "bell", "ann", ("Dark", "wide", "cut-off")),
    made("💥 Boom!", "drum", "Zoë", ("808",), "for the bassline"),
)


@pytest.fixture
def filled(library: Library) -> Library:
    for preset, source in zip(PRESETS, ("factory", "match", "synth", "import"), strict=True):
        library.add(preset, Lineage(source))
    return library


def names(library: Library, sort: str = "name", **filters) -> list[str]:
    page = find(library, Filters(**filters), sort)
    assert page.total == len(page.rows) == len(find_ids(library, Filters(**filters)))
    return [row.name for row in page.rows]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("bass", ["deep bass 9", "Deep Bass 10", "💥 Boom!"]),
        ("BASS dee", ["deep bass 9", "Deep Bass 10"]),
        ("bassl", ["💥 Boom!"]),
        ("eclat", ["Éclat"]),
        ("ECLÁT", ["Éclat"]),
        ("cut-off", ["Éclat"]),
        ("mono ann", ["Deep Bass 10"]),
        ("low", ["Deep Bass 10"]),
        ("💥", ["💥 Boom!"]),
        ("💥 boom", ["💥 Boom!"]),
        ("!", ["💥 Boom!"]),
        ("ass", []),
        ("bass nothing", []),
    ],
)
def test_words_are_beginnings_of_words_anywhere(words: str, found: list[str], filled: Library) -> None:
    assert names(filled, words=words) == found


def test_notes_are_searched_and_a_change_or_removal_is_seen_at_once(filled: Library) -> None:
    entry_id = find_ids(filled, Filters(words="eclat"))[0]
    filled.update(entry_id, notes="for the bridge of “Tide”")
    assert names(filled, words="brid tide") == ["Éclat"]
    filled.update(entry_id, replace(PRESETS[2], name="Shine"))
    assert names(filled, words="eclat") == [] and names(filled, words="shine bridge") == ["Shine"]
    filled.remove([entry_id])
    assert names(filled, words="shine") == []


@pytest.mark.parametrize(
    "words",
    [
        '"', '""', '"deep', "deep OR xyzzy", "NOT deep", "deep AND", "NEAR(deep bass)", "deep*", "*", "name:deep",
        "^deep", "{deep}", "(deep", "deep)", "--", "'", "';DROP TABLE entries", "\\", "%", "_", "\0", "deep\0bass", "+",
        "deep + bass", "x" * 5000, "deep " * 500,
    ],
)  # fmt: skip
def test_no_word_is_an_operator(words: str, filled: Library) -> None:
    page = find(filled, Filters(words=words), "relevance")
    assert page.total <= 2
    assert find(filled).total == 4


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(max_size=30), sort=st.sampled_from(SORTS))
def test_any_text_can_be_looked_for(filled: Library, words: str, sort: str) -> None:
    try:
        asked = Filters(words=words, all_tags=(words,), any_tags=(words,), author=words)
    except UsageError as error:
        assert "surrogate" in str(error)
        return
    assert find(filled, asked, sort).total <= 4


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"category": "bass"}, ["deep bass 9", "Deep Bass 10"]),
        ({"all_tags": ("DARK",)}, ["Deep Bass 10", "Éclat"]),
        ({"all_tags": ("dark", "wide")}, ["Éclat"]),
        ({"any_tags": ("wide", "BRIGHT", "none")}, ["deep bass 9", "Éclat"]),
        ({"all_tags": ("dar",)}, []),
        ({"author": "ANN"}, ["Deep Bass 10", "Éclat"]),
        ({"author": "zoë"}, ["💥 Boom!"]),
        ({"source": "match"}, ["deep bass 9"]),
        ({"category": "bass", "all_tags": ("dark",), "author": "ann", "words": "deep"}, ["Deep Bass 10"]),
    ],
)
def test_filters_leave_what_fits_all_of_them(filters, found: list[str], filled: Library) -> None:
    assert names(filled, **filters) == found


def test_favourites_and_ratings_are_filters_and_an_order(filled: Library) -> None:
    first, second, *_ = find_ids(filled)
    bulk.favour(filled, [first, second])
    bulk.rate(filled, [second], 5)
    bulk.rate(filled, [first], 2)
    assert names(filled, favourite=True) == ["deep bass 9", "Deep Bass 10"]
    assert names(filled, favourite=False) == ["Éclat", "💥 Boom!"]
    assert names(filled, min_rating=3) == ["Deep Bass 10"]
    assert names(filled, "rating")[:2] == ["Deep Bass 10", "deep bass 9"]


def test_orders_are_natural_by_time_and_by_fit(filled: Library) -> None:
    assert names(filled) == ["deep bass 9", "Deep Bass 10", "Éclat", "💥 Boom!"]
    assert names(filled, "oldest") == [preset.name for preset in PRESETS] == names(filled, "newest")[::-1]
    filled.add(Preset("serum-lite", {}, name="Dark dark", tags=("dark",), description="dark"))
    assert names(filled, "relevance", words="dark")[0] == "Dark dark"


def test_pages_make_up_the_whole(library: Library) -> None:
    library.add_many(imported(drawn(40)))
    for sort in SORTS:
        pages = [find(library, sort=sort, offset=i, limit=7) for i in range(0, 45, 7)]
        rows = [row for page in pages for row in page.rows]
        assert rows == list(find(library, sort=sort).rows) and len({row.id for row in rows}) == 40
        assert {page.total for page in pages} == {40}
    assert find(library, limit=0).rows == () and find(library, limit=0).total == 40


def test_what_cannot_be_shown_is_a_usage_error(library: Library) -> None:
    for wrong in ({"sort": "odd"}, {"offset": -1}, {"limit": -1}):
        with pytest.raises(UsageError):
            find(library, **wrong)


# Bulk


def test_tags_are_added_and_taken_away_in_presets_and_searches_alike(filled: Library) -> None:
    ids = find_ids(filled, Filters(words="bass"))
    assert bulk.tag(filled, [*ids, "0" * 32], add=("Sub", "DARK"), remove=("mono", "bright")) == 3
    tags = [filled.get(entry_id).preset.tags for entry_id in ids]
    assert tags == [("Sub", "DARK"), ("dark", "Sub"), ("808", "Sub", "DARK")]
    assert [row.tags for row in find(filled).rows if row.id in ids] == tags
    assert names(filled, all_tags=("sub",)) == names(filled, words="sub") == ["deep bass 9", "Deep Bass 10", "💥 Boom!"]
    assert names(filled, words="mono") == []
    assert dict(counted_tags(filled)) == {"dark": 4, "sub": 3, "808": 1, "wide": 1, "cut-off": 1}


@pytest.mark.parametrize("add", [("",), ("x" * 41,), ("\ud800",), tuple(f"t{i}" for i in range(31))])
def test_tags_that_a_preset_cannot_hold_change_nothing(add: tuple[str, ...], filled: Library) -> None:
    before = [filled.get(entry_id) for entry_id in find_ids(filled)]
    with pytest.raises(UsageError) as caught:
        bulk.tag(filled, find_ids(filled), add=add)
    assert "\n" not in str(caught.value)
    assert [filled.get(entry_id) for entry_id in find_ids(filled)] == before
