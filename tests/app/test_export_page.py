"""The Export page: a pack is put together, seen before it is made, stopped, gone on with, and taken away."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from dataclasses import asdict, replace
from typing import Any

import pytest
from tests.app.conftest import sound_in, sound_of, texts, tone

pytest.importorskip("streamlit", reason="Streamlit is not installed: pip install 'myna[app]'")

from myna.app.basket import Basket, begin_export, weight
from myna.app.export_job import OUT, PRESETS, ZIP, packed, run
from myna.app.jobs import Job, the_jobs
from myna.app.worker import Desk
from myna.errors import UsageError
from myna.exporting import LOG, SHEET, ExportSettings, read_log
from myna.library import open_library
from myna.library.bulk import favour
from myna.presets import dumps
from myna.presets.factory import load_factory
from myna.synth.serum_lite.parameters import TABLE

FACTORY = load_factory(TABLE)
SHORT = ExportSettings(gate_s=0.05, total_s=0.1)
MANY = ExportSettings(tuple(map(float, range(24, 104))), gate_s=0.05, total_s=0.1)


def basket_of(page) -> Basket:
    return page.session_state["export.basket"]


def filled(app, *names: str):
    page = app("export")
    sound_of(page.multiselect(key="export.picked").set_value(list(names or ("Silver Flute", "Bedrock Sub"))).run())
    return sound_of(page.button(key="export.add").click().run())


def short(page):
    sound_of(page.select_slider(key="export.gate").set_value(0.1).run())
    return sound_of(page.select_slider(key="export.tail").set_value(0.0).run())


def started(page) -> Job:
    sound_of(page.button(key="export.go").click().run())
    job = the_jobs().find(page.query_params["job"])
    assert job is not None
    return job


def until(true: Any, seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


def upload(page, *files: tuple[str, bytes]):
    sound_of(page.segmented_control(key="export.source").set_value("Files").run())
    page.file_uploader(key="export.files").set_value([(name, data, "application/json") for name, data in files])
    return sound_of(page.run())


def preview(page) -> list[str]:
    return page.code[0].value.split("\n")


def test_an_empty_page_teaches_and_exports_nothing(app) -> None:
    page = app("export")
    assert "The pack is empty" in texts(page) and page.button(key="export.go").disabled
    assert page.button(key="export.add").disabled


def test_whole_kinds_and_single_presets_go_in_once_and_can_be_taken_out(app) -> None:
    page = app("export")
    sound_of(page.button_group(key="export.kinds").set_value(["bell"]).run())
    sound_of(page.multiselect(key="export.picked").set_value(["Silver Flute"]).run())
    for _ in range(2):
        sound_of(page.button(key="export.add").click().run())
    bells = [preset.name for preset in FACTORY if preset.category == "bell" or preset.name == "Silver Flute"]
    assert list(basket_of(page).presets) == bells
    assert sum('class="wall"' in part.value for part in page.get("html")) == 1
    sound_of(page.multiselect(key="export.chosen").set_value(bells[:2]).run())
    assert list(basket_of(page).presets) == bells[:2]
    sound_of(page.button(key="export.empty").click().run())
    assert not basket_of(page).presets and page.button(key="export.go").disabled


def test_two_presets_of_one_name_are_both_kept() -> None:
    basket, other = Basket(), replace(FACTORY[1], name=FACTORY[0].name)
    basket.add([FACTORY[0], other, FACTORY[0], other])
    assert list(basket.presets.values()) == [FACTORY[0], other]


def test_the_first_names_are_seen_as_they_will_be(app) -> None:
    page = filled(app)
    sound_of(page.multiselect(key="export.notes").set_value([60, 36, 48]).run())
    sound_of(page.text_input(key="export.pattern").set_value("{number} {name}/{midi}").run())
    assert preview(page) == [
        "001 Bedrock Sub_36.wav", "001 Bedrock Sub_48.wav", "001 Bedrock Sub_60.wav", "002 Silver Flute_36.wav",
        "002 Silver Flute_48.wav", "… and 1 more",
    ]  # fmt: skip
    sound_of(page.segmented_control(key="export.format").set_value("flac").run())
    assert preview(page)[0].endswith(".flac")


@pytest.mark.parametrize(
    "pattern", ["{", "}", "{nope}", "{name!r}", "{name:>99999999}", "{0}", "{name.__class__}", "{}"]
)
def test_a_pattern_that_cannot_be_is_told_in_a_sentence(app, pattern: str) -> None:
    page = filled(app)
    sound_of(page.text_input(key="export.pattern").set_value(pattern).run())
    assert len(page.error) == 1 and not [b for b in page.button if b.key == "export.go"]
    sound_of(page.text_input(key="export.pattern").set_value("{name}").run())
    assert not page.error and page.button(key="export.go")


def test_no_note_and_no_velocity_are_told_in_a_sentence(app) -> None:
    page = filled(app)
    sound_of(page.multiselect(key="export.notes").set_value([]).run())
    assert len(page.error) == 1
    sound_of(page.multiselect(key="export.notes").set_value([60]).run())
    sound_of(page.button_group(key="export.velocities").set_value([]).run())
    assert len(page.error) == 1


def test_an_export_is_followed_to_its_zip_and_a_reload_finds_it(app, played: list[bytes]) -> None:
    page = short(filled(app))
    sound_of(page.button_group(key="export.velocities").set_value([60, 127]).run())
    sound_of(page.segmented_control(key="export.level").set_value("peak").run())
    job = started(page)
    assert page.get("progress")
    until(lambda: job.finished)
    sound_of(page.run())
    assert "4 sounds" in texts(page) and len(played) >= 4
    assert abs(sound_in(played[-1])).max() == pytest.approx(10 ** (-1 / 20), 1e-3)
    with zipfile.ZipFile(io.BytesIO(job.read(ZIP) or b"")) as archive:
        names = {one.file for one in read_log(job.folder / OUT / LOG)}
        assert set(archive.namelist()) == names | {LOG, SHEET} and len(names) == 4
    assert page.get("download_button") and "4 sounds" in texts(app("export", job=job.id))
    sound_of(page.button(key="export.new").click().run())
    assert "job" not in page.query_params and page.button(key="export.go"), "the pack is still there"


def test_an_export_that_was_stopped_or_died_keeps_what_is_done_and_goes_on(app) -> None:
    page = app("export")
    job = begin_export(list(FACTORY[:20]), MANY)
    until(lambda: job.done >= 3)
    page.query_params["job"] = job.id
    sound_of(page.run())
    sound_of(page.button(key="export.stop").click().run())
    until(lambda: job.finished)
    assert job.state == "done" and job.result["stopped"] and 3 <= job.result["count"] < 1600
    first = read_log(job.folder / OUT / LOG)[0].file
    written = (job.folder / OUT / first).stat().st_mtime_ns
    sound_of(page.run())
    assert "are there" in texts(page) and page.get("download_button")
    sound_of(page.button(key="export.on").click().run())
    again = the_jobs().find(page.query_params["job"])
    assert again is not None and again.id != job.id
    until(lambda: again.done > job.result["count"])
    assert (again.folder / OUT / first).stat().st_mtime_ns == written, "it was not made again"
    assert again.process is not None
    again.process.kill()
    until(lambda: again.finished)
    sound_of(page.run())
    assert len(page.error) == 1 and "are there" in texts(page) and page.button(key="export.on")


def test_an_export_that_is_not_ones_own_is_not_shown(app) -> None:
    assert "no longer kept" in app("export", job="x" * 22).info[0].value
    other = the_jobs().start("match", {"name": "bass"})
    page = app("export", job=other.id)
    assert "no longer kept" in page.info[0].value and "The pack is empty" in texts(page)


def test_an_export_can_be_thrown_away(app) -> None:
    job = begin_export(list(FACTORY[:20]), MANY)
    page = app("export", job=job.id)
    sound_of(page.button(key="export.drop").click().run())
    assert the_jobs().find(job.id) is None and not job.folder.exists()


HOSTILE = [
    "../../up",
    "/etc/passwd",
    "con",
    "x" * 190,
    "<script>alert(1)</script>",
    "🎹",
    "\u202egpj",
    "{name}",
    "a/b\\c",
]


def test_hostile_names_stay_in_the_folder_and_are_text_on_the_page(app, tmp_path) -> None:
    page = app("export")
    files = [(f"{i}.json", dumps(replace(FACTORY[i], name=name)).encode()) for i, name in enumerate(HOSTILE)]
    upload(page, *files)
    assert list(basket_of(page).presets) == HOSTILE and not page.error
    assert "<script" not in "".join(part.value for part in page.get("html"))
    request = {"settings": asdict(SHORT), "synth": "serum-lite", "goes_on": None}
    (tmp_path / PRESETS).write_bytes(packed(list(basket_of(page).presets.values())))
    assert run(request, Desk(tmp_path, io.StringIO(), threading.Event()))["count"] == len(HOSTILE)
    assert {path.name for path in tmp_path.iterdir()} == {PRESETS, OUT, ZIP}
    with zipfile.ZipFile(tmp_path / ZIP) as archive:
        assert len(archive.namelist()) == len(HOSTILE) + 2
        assert not any(set("/\\") & set(name) or name.startswith(".") for name in archive.namelist())


@pytest.mark.parametrize("data", [b"", b"{", b'{"values": NaN}', b"[]", b"\xff\xfe\x00", b"[" * 5000])
def test_a_bad_preset_file_is_told_and_the_good_ones_go_in(app, data: bytes) -> None:
    page = upload(app("export"), ("bad.json", data), ("good.json", dumps(FACTORY[3]).encode()))
    assert len(page.error) == 1 and list(basket_of(page).presets) == [FACTORY[3].name]


def test_too_much_is_refused_before_it_begins() -> None:
    with pytest.raises(UsageError, match="at once"):
        begin_export(list(FACTORY) * 15, SHORT)
    with pytest.raises(UsageError, match="MB"):
        begin_export(list(FACTORY), ExportSettings(tuple(map(float, range(40, 50))), total_s=30.0))
    with pytest.raises(UsageError, match="nothing"):
        begin_export([], SHORT)
    assert weight(2, replace(SHORT, format="wav-float")) == (2, 2 * 2 * 4 * 4410)


def test_what_a_match_found_goes_in(app, matched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYNA_TEST_MATCH", str(matched))
    page = app("export")
    sound_of(page.segmented_control(key="export.source").set_value("Matches").run())
    assert "Match a sound first" in texts(page)
    job = the_jobs().start("match", {"name": "bass", "budget": 80}, {"sound.bin": tone()})
    until(lambda: job.finished)
    page.session_state["match.job"] = job.id
    sound_of(page.run())
    sound_of(page.button(key="export.match.0").click().run())
    assert len(basket_of(page).presets) == 1
    sound_of(page.toggle(key="export.best").set_value(False).run())
    sound_of(page.button(key="export.match.0").click().run())
    alternatives = json.loads((matched / "result.json").read_text())["alternatives"]
    assert len(basket_of(page).presets) == 1 + len(alternatives)


def test_what_is_found_in_the_library_goes_in(app, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYNA_DATA_DIR", str(tmp_path))
    with open_library() as library:
        kept = [library.add(preset) for preset in FACTORY[:3]]
        favour(library, [kept[1].id])
    page = app("export")
    sound_of(page.segmented_control(key="export.source").set_value("Library").run())
    sound_of(page.toggle(key="export.library.favourites").set_value(True).run())
    sound_of(page.button(key="export.library.add").click().run())
    assert list(basket_of(page).presets.values()) == [FACTORY[1]]
    sound_of(page.toggle(key="export.library.favourites").set_value(False).run())
    sound_of(page.text_input(key="export.library.words").set_value("no such words").run())
    assert page.button(key="export.library.add").disabled
    sound_of(page.text_input(key="export.library.words").set_value("").run())
    sound_of(page.button(key="export.library.add").click().run())
    assert {preset.name for preset in basket_of(page).presets.values()} == {preset.name for preset in FACTORY[:3]}


def test_a_broken_library_is_told(app, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYNA_DATA_DIR", str(tmp_path))
    (tmp_path / "library.sqlite").write_bytes(b"not a library" * 100)
    page = app("export")
    sound_of(page.segmented_control(key="export.source").set_value("Library").run())
    assert len(page.error) == 1


def test_sixty_turns_of_every_control_raise_nothing(app, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYNA_DATA_DIR", str(tmp_path))
    page = filled(app, "Silver Flute")
    for turn in range(60):
        step = turn // 10
        match turn % 10:
            case 0:
                page.multiselect(key="export.notes").set_value(list(range(60, 61 + step)))
            case 1:
                page.button_group(key="export.velocities").set_value([30, 127][: 1 + step % 2])
            case 2:
                page.select_slider(key="export.gate").set_value([0.1, 1.0, 4.0][step % 3])
            case 3:
                page.select_slider(key="export.tail").set_value([0.0, 3.0][step % 2])
            case 4:
                page.segmented_control(key="export.format").set_value(["wav", "wav-float", "flac"][step % 3])
            case 5:
                page.segmented_control(key="export.level").set_value(["as-is", "peak", "loudness"][step % 3])
            case 6:
                page.text_input(key="export.pattern").set_value(["{name}", "{number}", "same", ""][step % 4])
            case 7:
                page.segmented_control(key="export.source").set_value(
                    ["Files", "Library", "Matches", "Factory"][step % 4]
                )
            case 8:
                if [w for w in page.button_group if w.key == "export.kinds"]:
                    page.button_group(key="export.kinds").set_value(["bass", "pad"][: step % 3])
            case _:
                if [b for b in page.button if b.key == "export.add" and not b.disabled]:
                    page.button(key="export.add").click()
        sound_of(page.run())
    assert not page.error
