"""What sounds alike is found near, whatever its volume; what does not is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.library.presets import TABLE, imported

from myna.audio.files import Audio
from myna.audio.target import target_from_audio
from myna.errors import UsageError
from myna.library import Library, Lineage, open_library
from myna.library.duplicates import AUDIBLE_DB, audible_duplicates, exact_duplicates, near_groups
from myna.library.query import Filters, find, find_ids
from myna.library.schema import PRESETS
from myna.library.sounds import Sounds, picture
from myna.presets import Preset
from myna.presets.factory import load_factory
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

FACTORY = load_factory(TABLE)[:24]


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory, renderer: Renderer) -> Iterator[Sounds]:
    """Of a library that no test changes: 24 factory presets, all heard."""
    with open_library(tmp_path_factory.mktemp("library") / "library.sqlite") as library:
        library.add_many([(preset, Lineage("factory")) for preset in FACTORY])
        sounds = Sounds(library, renderer)
        assert sounds.refresh() == len(FACTORY)
        yield sounds


def moved(preset: Preset, **values: object) -> Preset:
    whole = TABLE.to_dict(TABLE.from_dict(preset.values))
    return replace(
        preset, name=f"{preset.name} moved", values={**whole, **{k.replace("__", "."): v for k, v in values.items()}}
    )


def test_a_preset_is_nearest_to_itself_and_then_by_distance(sounds: Sounds) -> None:
    for preset in FACTORY[:6]:
        page = sounds.like(preset, limit=100)
        away = [row.distance_db for row in page.rows]
        assert page.total == len(FACTORY) and page.rows[0].name == preset.name
        assert away[0] is not None and away[0] < 0.1  # kept in half precision
        assert away == sorted(away) and away[1] > 1.0


def test_an_entry_is_compared_by_the_picture_that_is_kept_and_else_heard(sounds: Sounds, tmp_path: Path) -> None:
    entry = sounds.library.get(find_ids(sounds.library)[0])
    page = sounds.like(entry)
    assert (page.rows[0].id, page.rows[0].distance_db) == (entry.id, 0.0)
    assert [row.id for row in page.rows] == [row.id for row in sounds.like(entry.preset).rows]
    with open_library(tmp_path / "other.sqlite") as other:
        stranger = other.add(entry.preset)
    assert sounds.like(stranger).rows == sounds.like(entry.preset).rows


def test_a_recording_finds_the_preset_that_made_it_at_its_own_note_gate_and_volume(sounds: Sounds) -> None:
    found = 0
    for i, preset in enumerate(FACTORY[:12]):
        probe = Probe((45, 52, 60)[i % 3], 100, (0.3, 0.6, 1.1)[i % 3], 1.6)
        audio = sounds.renderer.render(preset.u(TABLE)[None], probe)[0, 0] * 0.3
        target = target_from_audio(Audio(audio, 44_100, 44_100), name="x", note=probe.note_midi, gate=probe.gate_s)
        found += preset.name in [row.name for row in sounds.like(target, limit=2).rows]
    assert found >= 10


def test_neighbours_are_filtered_and_come_in_pages(sounds: Sounds) -> None:
    whole = sounds.like(FACTORY[0], limit=100).rows
    kind = whole[3].category
    basses = sounds.like(FACTORY[0], Filters(category=kind), limit=100)
    assert list(basses.rows) == [row for row in whole if row.category == kind] and basses.total == len(basses.rows)
    assert sounds.like(FACTORY[0], offset=5, limit=7).rows == whole[5:12]
    for wrong in ({"offset": -1}, {"limit": -1}):
        with pytest.raises(UsageError):
            sounds.like(FACTORY[0], **wrong)


def test_volume_does_not_count_and_brightness_does(sounds: Sounds) -> None:
    _, pictures = sounds.pictures()
    own = sounds.distances(FACTORY[0], pictures).argmin()
    quieter = moved(FACTORY[0], master__volume_db=-20.0)
    darker = moved(FACTORY[0], filter__on=True, filter__cutoff_hz=100.0)
    assert sounds.distances(quieter, pictures)[own] < AUDIBLE_DB < sounds.distances(darker, pictures)[own]


def test_pictures_depend_on_the_sound_alone(renderer: Renderer) -> None:
    audio = renderer.render(np.array([preset.u(TABLE) for preset in FACTORY[:4]]), Probe(60, 100, 0.6, 1.0))[:, 0]
    whole, heard = picture(audio, 0.6, 44_100)
    assert whole.shape == (4, 7, 32) and heard.all()
    for i in range(4):
        one, _ = picture(audio[i : i + 1], 0.6, 44_100, threads=2)
        assert np.array_equal(one[0], whole[i])


def test_only_what_is_new_or_changed_is_heard_again(library: Library, renderer: Renderer) -> None:
    sounds = Sounds(library, renderer)
    kept = library.add_many(imported(FACTORY[:3]))
    assert (sounds.refresh(), sounds.refresh()) == (3, 0)
    library.update(kept[0][0], replace(FACTORY[0], name="Other"), rating=3)
    assert sounds.refresh() == 0
    library.update(kept[0][0], replace(FACTORY[0], values=FACTORY[5].values))
    assert sounds.refresh() == 1
    assert sounds.like(FACTORY[5]).rows[0].id == kept[0][0]
    library.remove([kept[0][0]])
    assert [row.id for row in sounds.like(FACTORY[1]).rows] == [kept[1][0], kept[2][0]]


def test_another_engine_hears_all_of_it_again(library: Library, renderer: Renderer, monkeypatch) -> None:
    library.add_many(imported(FACTORY[:3]))
    assert Sounds(library, renderer).refresh() == 3
    monkeypatch.setattr("myna.synth.serum_lite.engine.source_hash", lambda: "another")
    changed = Sounds(library, renderer)
    assert len(changed.pictures()[0]) == 0 and changed.refresh() == 3 and len(changed.pictures()[0]) == 3


def test_a_stop_keeps_the_batches_that_were_heard(library: Library, renderer: Renderer, monkeypatch) -> None:
    monkeypatch.setattr("myna.library.sounds._BATCH", 2)
    library.add_many(imported(FACTORY[:5]))
    sounds, told = Sounds(library, renderer), []
    assert sounds.refresh(lambda *at: told.append(at), lambda: len(told) == 2) == 4
    assert told == [(2, 5), (4, 5)] and len(sounds.pictures()[0]) == 4
    assert sounds.refresh() == 1


def test_silence_and_what_cannot_be_read_are_like_nothing(library: Library, renderer: Renderer) -> None:
    silent = moved(FACTORY[0], osc_a__on=False, osc_b__on=False, sub__on=False, noise__on=False)
    library.add_many(imported((silent, FACTORY[1], FACTORY[2])))
    broken = find_ids(library, Filters(words=FACTORY[2].name))[0]
    with library.database.writing() as connection:  # as by a myna with other knobs
        connection.execute(PRESETS.update().where(PRESETS.c.seq == 3).values(preset="{}"))
    sounds = Sounds(library, renderer)
    assert (sounds.refresh(), sounds.refresh()) == (3, 0)
    assert [row.name for row in sounds.like(FACTORY[1]).rows] == [FACTORY[1].name]
    assert broken not in [row.id for row in sounds.like(FACTORY[1]).rows] and find(library).total == 3
    with pytest.raises(UsageError, match="is silent"):
        sounds.like(silent)


# Duplicates


def exchanged(preset: Preset) -> Preset:
    """The same sound with the two oscillators in each other's place."""
    twin = {"osc_a": "osc_b", "osc_b": "osc_a"}
    values = {}
    for name, value in TABLE.to_dict(TABLE.from_dict(preset.values)).items():
        module, _, knob = name.partition(".")
        if name.startswith("matrix.destination"):
            head, dot, tail = str(value).partition(".")
            value = f"{twin.get(head, head)}{dot}{tail}"
        values[f"{twin.get(module, module)}.{knob}"] = value
    return replace(preset, name=f"{preset.name} exchanged", values=values)


def test_twins_are_found_by_their_knobs_and_by_their_sound(library: Library, renderer: Renderer) -> None:
    quiet = moved(FACTORY[3], master__volume_db=-17.0)
    idle = moved(FACTORY[5], **{"eq.on": False, "eq.low_db": 3.0, "eq.high_db": -3.0})
    assert not TABLE.from_dict(FACTORY[5].values)[TABLE.index["eq.on"]]
    presets = (FACTORY[0], FACTORY[3], exchanged(FACTORY[0]), quiet, FACTORY[5], idle, FACTORY[7])
    ids = [entry_id for entry_id, _ in library.add_many(imported(presets))]
    assert exact_duplicates(library) == [[ids[0], ids[2]]]
    sounds = Sounds(library, renderer)
    sounds.refresh()
    assert sorted(audible_duplicates(sounds)) == sorted([[ids[0], ids[2]], [ids[1], ids[3]], [ids[4], ids[5]]])
    assert len(audible_duplicates(sounds, 60.0)[0]) == len(presets)


def test_no_two_factory_presets_pass_for_one_sound(sounds: Sounds) -> None:
    assert audible_duplicates(sounds) == []


def test_an_empty_library_has_neither_neighbours_nor_duplicates(library: Library, renderer: Renderer) -> None:
    sounds = Sounds(library, renderer)
    assert sounds.refresh() == 0 and sounds.like(FACTORY[0]).total == 0
    assert exact_duplicates(library) == audible_duplicates(sounds) == []


def test_groups_are_those_of_every_pair_compared(monkeypatch) -> None:
    monkeypatch.setattr("myna.library.duplicates._ROWS", 7)
    points = generator(0, "groups").standard_normal((60, 5)).astype(np.float32)
    near = np.sqrt(((points[:, None] - points) ** 2).mean(-1)) < 0.4
    reach = near
    for _ in range(6):  # paths of up to 64 steps
        reach = (reach.astype(int) @ reach) > 0
    expected = {frozenset(np.flatnonzero(row)) for row in reach if row.sum() > 1}
    assert {frozenset(group.tolist()) for group in near_groups(points, 0.4)} == expected
