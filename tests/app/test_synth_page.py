"""The Synth page: every control does what it says, is heard, and nothing raises."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.app.conftest import sound_in, sound_of, texts

pytest.importorskip("streamlit", reason="Streamlit is not installed: pip install 'myna[app]'")

from myna.app.cards import RACKS, edited_rows, modules_in, numbered
from myna.app.knobs import positions
from myna.app.panel import Panel
from myna.presets import Preset, dumps
from myna.presets.factory import load_factory
from myna.synth.serum_lite.parameters import TABLE

FACTORY = load_factory(TABLE)
EVERYTHING_ON = {p.name: True for p in TABLE.parameters if p.name.endswith(".on")}
KNOBS = [p for p in TABLE.parameters if p.module != "matrix"]


def panel_of(page) -> Panel:
    return page.session_state["synth.panel"]


def turn(page, parameter):
    """Turn one knob on the page to another value than it has; the value as the panel must have it then."""
    key, before = f"knob.{parameter.name}", panel_of(page).values[parameter.name]
    if parameter.kind == "boolean":
        page.toggle(key=key).set_value(not before)
        return not before
    if parameter.kind == "integer":
        value = int(parameter.low if before != parameter.low else parameter.high)
        page.slider(key=key).set_value(value)
        return value
    if parameter.kind == "categorical":
        value = next(choice for choice in reversed(parameter.choices) if choice != before)
        widget = page.segmented_control if len(parameter.choices) <= 4 else page.selectbox
        widget(key=key).set_value(value)
        return value
    shown = page.select_slider(key=key)
    text = next(t for t in shown.options[len(shown.options) // 3 :] if t != shown.value)
    shown.set_value(text)
    return positions(parameter)[text]


@pytest.mark.parametrize("rack", RACKS)
def test_every_knob_of_a_rack_can_be_turned_and_undone(app, rack: str) -> None:
    page = app()
    panel_of(page).turn(EVERYTHING_ON)
    sound_of(page.segmented_control(key="rack").set_value(rack).run())
    knobs = [p for p in KNOBS if p.module in modules_in(TABLE, rack) and not p.name.endswith(".on")]
    for parameter in knobs[:: 3 if len(knobs) > 30 else 2]:
        wanted = turn(page, parameter)
        sound_of(page.run())
        assert panel_of(page).values[parameter.name] == wanted, parameter.name
    sound_of(page.button(key="undo").click().run())
    assert panel_of(page).values[parameter.name] != wanted
    sound_of(page.button(key="redo").click().run())
    assert panel_of(page).values[parameter.name] == wanted


@pytest.mark.parametrize("parameter", KNOBS, ids=lambda p: p.name)
def test_every_knob_has_a_widget_of_what_its_table_says(parameter) -> None:
    if parameter.kind == "continuous":
        texts, values = zip(*positions(parameter).items(), strict=True)
        assert len(texts) > 60 and list(values) == sorted(values)
        assert (values[0], values[-1]) == (parameter.low, parameter.high)
        assert texts[0] == parameter.describe(parameter.low) and texts[-1] == parameter.describe(parameter.high)
        if parameter.low == -parameter.high:
            assert any(abs(value) < 1e-12 for value in values), "the middle can be set"


def test_every_module_is_on_one_rack() -> None:
    placed = [module for rack in RACKS for module in modules_in(TABLE, rack)]
    assert sorted(placed) == sorted(TABLE.modules)


def test_modules_that_are_off_show_their_switch_alone(app) -> None:
    page = app()
    keys = {widget.key for widget in page.select_slider}
    assert "knob.osc_a.level" in keys and "knob.osc_b.level" not in keys
    sound_of(page.toggle(key="knob.osc_b.on").set_value(True).run())
    assert "knob.osc_b.level" in {widget.key for widget in page.select_slider}


def test_a_turned_knob_is_heard_at_once(app, played: list[bytes]) -> None:
    page = app()
    before = played[-1]
    sound_of(page.select_slider(key="knob.osc_a.level").set_value("0.25").run())
    assert played[-1] != before and len(sound_in(played[-1])) == len(sound_in(before))


@pytest.mark.parametrize("name", ["C", "F♯", "B"])
def test_keys_octave_velocity_and_hold_are_what_is_played(app, played: list[bytes], name: str) -> None:
    page = app()
    sound_of(page.segmented_control(key="keys.note").set_value(name).run())
    sound_of(page.select_slider(key="keys.octave").set_value(2).run())
    sound_of(page.slider(key="keys.velocity").set_value(30).run())
    sound_of(page.select_slider(key="keys.gate_s").set_value(0.3).run())
    keys = page.session_state["synth.keys"]
    assert (keys.note, keys.velocity, keys.gate_s) == (36 + "C C♯ D D♯ E F F♯ G G♯ A A♯ B".split().index(name), 30, 0.3)
    assert len(sound_in(played[-1])) == keys.probe.samples(44_100)
    sound_of(page.toggle(key="synth.autoplay").set_value(False).run())
    assert keys.autoplay is False


def test_two_sounds_6_db_apart_leave_the_page_6_db_apart(app, played: list[bytes]) -> None:
    page, levels = app(), []
    for volume_db in (-6.0, -12.0):
        panel_of(page).turn({"master.volume_db": volume_db})
        sound_of(page.run())
        levels.append(20 * np.log10(np.sqrt(np.mean(sound_in(played[-1]) ** 2))))
    assert levels[0] - levels[1] == pytest.approx(6.0, abs=0.02)


def test_a_factory_preset_is_found_loaded_morphed_and_compared(app) -> None:
    page, wanted = app(), FACTORY[7]
    sound_of(page.text_input(key="load.words").set_value(wanted.name).run())
    sound_of(page.selectbox(key="load.factory").set_value(wanted.name).run())
    sound_of(page.button(key="load.go").click().run())
    assert panel_of(page).preset.values == wanted.values and wanted.name in texts(page)
    sound_of(page.selectbox(key="morph.other").set_value(FACTORY[20].name).run())
    sound_of(page.slider(key="morph.amount").set_value(100).run())
    assert panel_of(page).preset.u(TABLE) == pytest.approx(FACTORY[20].u(TABLE), abs=1e-9)
    sound_of(page.slider(key="morph.amount").set_value(40).run())
    changed = len(panel_of(page).differences())
    assert changed > 5 and len(page.dataframe[0].value) == changed
    sound_of(page.button(key="revert").click().run())
    assert panel_of(page).differences() == []
    sound_of(page.button(key="load.init").click().run())
    assert panel_of(page).preset.name == "Init"


def test_randomising_draws_anew_each_time_and_leaves_locked_modules_alone(app) -> None:
    page = app()
    sound_of(page.button(key="lock.osc_a").click().run())
    before = dict(panel_of(page).values)
    sound_of(page.selectbox(key="randomise.category").set_value("bass").run())
    seen = []
    for _ in range(2):
        sound_of(page.button(key="randomise.go").click().run())
        seen.append(dict(panel_of(page).values))
    assert before != seen[0] != seen[1]
    assert all(values[name] == before[name] for values in seen for name in before if name.startswith("osc_a."))
    sound_of(page.multiselect(key="randomise.modules").set_value(["noise"]).run())
    sound_of(page.button(key="randomise.go").click().run())
    now = panel_of(page).values
    assert all(now[name] == seen[1][name] for name in now if not name.startswith("noise."))
    sound_of(page.button(key="lock.osc_a").click().run())
    sound_of(page.button(key="roll.osc_a").click().run())
    assert any(panel_of(page).values[name] != now[name] for name in now if name.startswith("osc_a."))


def test_nothing_but_silence_is_told_in_a_sentence(app) -> None:
    page = app()
    panel_of(page).turn({"osc_a.on": False})
    panel_of(page).locked = set(TABLE.modules) - {"eq"}
    sound_of(page.button(key="randomise.go").click().run())
    assert "Nothing but silence came up" in page.error[0].value


def test_a_preset_is_saved_as_it_is_played_and_read_again(app) -> None:
    page = app()
    sound_of(page.text_input(key="save.name").set_value("../<b>bass</b>").run())
    sound_of(page.selectbox(key="save.category").set_value("bass").run())
    assert page.download_button(key="save.download").label == "Download preset"
    saved = dumps(Preset("serum-lite", {**panel_of(page).values, "osc_a.level": 0.125}, name="mine"))
    sound_of(page.file_uploader(key="load.file").set_value(("mine.json", saved.encode(), "application/json")).run())
    assert panel_of(page).values["osc_a.level"] == 0.125 and panel_of(page).preset.name == "mine"


DOCUMENT = json.loads(dumps(FACTORY[0]))
BAD_PRESETS = {
    "not json": b"{",
    "not utf-8": b"\xff\xfe\x00",
    "nan": dumps(FACTORY[0]).replace("0.", "NaN//0.", 1).encode(),
    "deep": b"[" * 5000,
    "newer": json.dumps(DOCUMENT | {"format_version": 99}).encode(),
    "another synth": json.dumps(DOCUMENT | {"synth": "moog"}).encode(),
    "out of range": json.dumps(DOCUMENT | {"parameters": {"osc_a.level": 5}}).encode(),
    "unknown knob": json.dumps(DOCUMENT | {"parameters": {"osc_z.level": 0.5}}).encode(),
    "a tag": json.dumps(DOCUMENT | {"category": "<script>alert(1)</script>"}).encode(),
    "audio": b"RIFF\x00\x00\x00\x00WAVE",
}


@pytest.mark.parametrize("data", BAD_PRESETS.values(), ids=BAD_PRESETS)
def test_a_bad_preset_file_is_refused_in_a_sentence_and_changes_nothing(app, data: bytes) -> None:
    page = app()
    before = panel_of(page).preset
    page.file_uploader(key="load.file").set_value(("../../x.json", data, "application/json"))
    sound_of(page.run())
    assert len(page.error) == 1 and panel_of(page).preset is before


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "a*b_c`d", "[x](javascript:alert(1))", "x" * 190, "\u202eevil"]
)
def test_a_preset_s_name_is_text_on_the_page_and_nothing_else(app, name: str) -> None:
    page = app()
    panel_of(page).load(Preset("serum-lite", {}, name=name))
    sound_of(page.run())
    title = page.markdown[0].value
    for mark in "<[`*_":
        assert title.count(mark) == title.count(f"\\{mark}"), "escaped"
    assert "\u202e" not in title


def test_the_matrix_is_a_table_whose_edits_reach_the_panel(app) -> None:
    columns = numbered(TABLE, "matrix")
    assert {name: len(knobs) for name, knobs in columns.items()} == {"source": 8, "destination": 8, "amount": 8}
    base = {name: [p.to_json(p.default) for p in knobs] for name, knobs in columns.items()}
    rows = edited_rows(columns, base, {"2": {"source": "lfo_1", "amount": 1}, "3": {"amount": None, "strange": 1}})
    assert (rows["source"][2], rows["amount"][2], rows["amount"][3]) == ("lfo_1", 1.0, 0.0)
    assert numbered(TABLE, "filter") == {}
    page = app()
    sound_of(page.segmented_control(key="rack").set_value("LFOs & matrix").run())
    panel_of(page).turn({"matrix.source_1": "lfo_2", "matrix.destination_1": "pitch", "matrix.amount_1": 0.1})
    sound_of(page.run())
    assert list(page.data_editor[0].value.iloc[0]) == ["lfo_2", "pitch", 0.1]


def test_two_sessions_do_not_mix(app) -> None:
    first, second = app(), app()
    panel_of(first).load(FACTORY[3])
    sound_of(first.run())
    sound_of(second.run())
    assert panel_of(second).preset.name == "Init" and FACTORY[3].name not in texts(second)


@pytest.mark.parametrize("preset", FACTORY[::56], ids=lambda p: p.name)
def test_any_preset_can_be_shown_on_every_rack(app, preset: Preset) -> None:
    page = app()
    panel_of(page).load(preset)
    for rack in RACKS:
        sound_of(page.segmented_control(key="rack").set_value(rack).run())
        assert page.segmented_control(key="rack").value == rack
