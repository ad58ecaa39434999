"""The Compare page: equal loudness only where it says so, and a blind test that gives nothing away."""

from __future__ import annotations

import base64
import json
import stat
import time
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from tests.app.conftest import RATE, sound_in, sound_of, texts, tone
from tests.app.test_match_page import BAD_SOUNDS, NAMES

pytest.importorskip("streamlit", reason="Streamlit is not installed: pip install 'myna[app]'")

from myna.app import blind as blind_module
from myna.app.blind import Blind, the_blinds
from myna.app.draw_pair import FLOOR_DB, levels_of_pair
from myna.app.jobs import the_jobs
from myna.app.pair import Pair, Sound
from myna.app.sound import listen
from myna.audio.loudness import loudness_lufs
from myna.audio.wav import encode_wav
from myna.evaluation.listening.abx import Abx
from myna.presets import dumps
from myna.render import find_preset
from myna.synth.base import Probe

FLUTE = find_preset("Silver Flute")
REFUSED = {name: data for name, data in BAD_SOUNDS.items() if name != "too short"}
"""By the door itself; what is too short for a note can be compared."""


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYNA_DATA_DIR", str(tmp_path / "data"))
    the_blinds.cache_clear()


def clips(page) -> list[dict[str, Any]]:
    """What the page's only deck was given."""
    (part,) = page.get("bidi_component")
    return json.loads(part.proto.json)["clips"]


def bytes_of(clip: dict[str, Any]) -> bytes:
    return base64.b64decode(clip["uri"].removeprefix("data:audio/wav;base64,"))


def heard(page) -> list[np.ndarray]:
    return [sound_in(bytes_of(clip)).T for clip in clips(page)]


def upload(page, side: str, data: bytes, name: str = "sound.wav"):
    page.file_uploader(key=f"{side}.file").set_value((name, data, "audio/wav"))
    return sound_of(page.run())


def example(app):
    return sound_of(app("compare").button(key="compare.example").click().run())


def begun(page, count: int = 8):
    sound_of(page.segmented_control(key="compare.view").set_value("Blind test").run())
    sound_of(page.select_slider(key="blind.count").set_value(count).run())
    return sound_of(page.button(key="blind.begin").click().run())


def vote(page, said: str):
    return sound_of(page.button(key=f"vote.{said}.{blind_of(page).abx.trial}").click().run())


def blind_of(page) -> Blind:
    found = the_blinds().find(page.query_params["test"])
    assert found is not None
    return found


def test_an_empty_page_teaches(app) -> None:
    page = app("compare")
    assert "Choose A and B above" in texts(page) and not page.get("bidi_component")


def test_the_example_can_be_heard_and_seen(app) -> None:
    page = example(app)
    assert [(clip["key"], clip["name"]) for clip in clips(page)] == [("A", "Silver Flute"), ("B", "Andean Pipes")]
    assert sum('class="screen pair' in part.value for part in page.get("html")) == 3


def test_two_sounds_6_db_apart_leave_the_page_6_db_apart_or_equally_loud_as_it_says(app) -> None:
    page, loud = app("compare"), sound_in(tone()).T
    upload(page, "a", tone(), "loud.wav")
    upload(page, "b", encode_wav(loud / 2, RATE), "soft.wav")
    assert [clip["gain"] for clip in clips(page)] == ["gain 0.0 dB", "gain +6.0 dB"]
    assert np.ptp([loudness_lufs(sound, RATE) for sound in heard(page)]) < 0.05
    sound_of(page.toggle(key="pair.equal").set_value(False).run())
    assert [clip["gain"] for clip in clips(page)] == ["own level"] * 2
    a, b = heard(page)
    assert 20 * np.log10(np.abs(a).max() / np.abs(b).max()) == pytest.approx(6.02, abs=0.02)
    np.testing.assert_array_equal(a, np.stack([loud, loud]))


def test_a_preset_is_compared_as_it_sounds(app) -> None:
    page = app("compare")
    sound_of(page.toggle(key="pair.equal").set_value(False).run())
    for side, note in (("a", 60), ("b", 36)):
        sound_of(page.segmented_control(key=f"{side}.source").set_value("Preset").run())
        sound_of(page.select_slider(key=f"{side}.note").set_value(note).run())
        sound_of(page.text_input(key=f"{side}.words").set_value("flute").run())
        sound_of(page.selectbox(key=f"{side}.preset").set_value("Silver Flute").run())
        sound_of(page.button(key=f"{side}.take").click().run())
    wanted = encode_wav(listen(FLUTE, Probe(60, 100, 0.8, 1.5)), RATE)
    assert bytes_of(clips(page)[0]) == wanted != bytes_of(clips(page)[1])
    sound_of(page.button(key="pair.swap").click().run())
    assert bytes_of(clips(page)[1]) == wanted


def test_a_preset_file_is_taken_through_the_strict_codec(app) -> None:
    page = app("compare")
    sound_of(page.segmented_control(key="a.source").set_value("Preset").run())
    for bad in (b"{", b'{"a": NaN}', b"[]", b"\xff\xfe"):
        page.file_uploader(key="a.json").set_value(("bad.json", bad, "application/json"))
        assert len(sound_of(page.run()).error) == 1
    page.file_uploader(key="a.json").set_value(("good.json", dumps(FLUTE).encode(), "application/json"))
    assert not sound_of(page.run()).error and page.session_state["compare.pair"].a.name == FLUTE.name


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_a_bad_sound_is_refused_in_a_sentence_and_the_pair_stays(app, data: bytes) -> None:
    page = example(app)
    upload(page, "a", data, "bad.wav")
    assert len(page.error) == 1 and page.error[0].value.endswith("\\.")
    assert clips(page)[0]["name"] == "Silver Flute"


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_text_and_nothing_else(app, name: str) -> None:
    page = example(app)
    upload(page, "b", tone(), name)
    shown = clips(page)[1]["name"]
    assert "/" not in shown and shown.isprintable() and len(shown) <= 60
    begun(page)
    record = json.loads(blind_of(page).file.read_text())
    assert record["names"][1] == shown and blind_of(page).file.name == f"abx-{blind_of(page).id}.json"


def test_long_sounds_are_cut_and_one_channel_is_heard_on_both_sides() -> None:
    sound = Sound("long", np.ones((1, 20 * RATE)))
    assert sound.audio.shape == (2, 12 * RATE) and Sound("six", np.ones((6, 10))).audio.shape == (2, 10)


def test_a_match_and_its_target_come_over(app, matched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYNA_TEST_MATCH", str(matched))
    page = app("match")
    job = the_jobs().start("match", {"name": "bass", "budget": 80}, {"sound.bin": tone()})
    end = time.monotonic() + 60.0
    while not job.finished and time.monotonic() < end:
        time.sleep(0.02)
    page.query_params["job"] = job.id
    sound_of(page.run())
    sound_of(page.button(key="result.compare").click().run())
    assert [clip["name"].split(" · ")[0] for clip in clips(page)] == ["Target “bass”", "Match of “bass”"]
    page.switch_page("views/compare.py")  # the harness does not follow the page's own turn
    sound_of(page.run())
    sound_of(page.segmented_control(key="b.source").set_value("Match").run())
    other = next(title for title in page.selectbox(key="b.match").options if title.startswith("No. 2"))
    sound_of(page.selectbox(key="b.match").set_value(other).run())
    sound_of(page.button(key="b.found").click().run())
    assert clips(page)[1]["name"] == other
    assert "Match a sound first" in texts(app("compare").segmented_control(key="a.source").set_value("Match").run())


def test_the_difference_is_zero_for_one_sound_and_its_gain_for_a_louder_one() -> None:
    sound = np.random.default_rng(1).normal(0, 0.1, (2, RATE // 2))
    _, a, b = levels_of_pair(sound, sound, RATE)
    np.testing.assert_array_equal(a, b)
    _, a, b = levels_of_pair(sound, sound / 2, RATE)
    assert a.max() == 0.0 and a.min() >= FLOOR_DB
    np.testing.assert_allclose((b - a)[b > FLOOR_DB], -6.02, atol=0.01)


# The blind test


def test_a_page_with_x_as_a_and_one_with_x_as_b_differ_in_the_samples_of_x_alone(
    app, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Blind, "_veiled", lambda self, key, sound: sound)
    trees, sounds = [], []
    page = begun(example(app))
    for truth in "AB":
        monkeypatch.setattr(Abx, "x_is", lambda self, trial, truth=truth: truth)
        sound_of(page.run())
        (part,) = page.get("bidi_component")
        told = json.loads(part.proto.json)
        sounds.append({clip["key"]: clip.pop("uri") for clip in told["clips"]})
        told.pop("mark")
        part.proto.json = json.dumps(told)
        trees.append(str(page._tree) + texts(page) + str([b.proto for b in page.button]) + str(part.proto))
    assert trees[0] == trees[1]
    assert sounds[0]["X"] == sounds[0]["A"] and sounds[1]["X"] == sounds[1]["B"] and sounds[0]["A"] == sounds[1]["A"]


def test_nothing_on_the_page_tells_of_the_key(app) -> None:
    page = begun(example(app))
    abx = blind_of(page).abx
    shown = str(page.get("bidi_component")[0].proto) + texts(page) + str([h.value for h in page.get("html")])
    assert str(abx.entropy) not in shown and f"{abx.entropy:x}" not in shown and str(abx.entropy) not in str(page)
    assert "Silver" not in texts(page) and not [b for b in page.button if b.key == "pair.swap"]
    assert all((clip["name"], clip["gain"], clip["wave"]) == ("", "", "") for clip in clips(page))


def test_x_is_a_clip_of_its_own_that_sounds_as_one_of_the_others(app) -> None:
    page = begun(example(app))
    blind = blind_of(page)
    for _ in range(3):
        a, b, x = heard(page)
        assert a.shape == b.shape == x.shape
        assert all(bytes_of(one) != bytes_of(other) for one, other in combinations(clips(page), 2))
        same, other = (a, b) if blind.abx.x_is(blind.abx.trial) == "A" else (b, a)
        assert np.abs(x - same).max() <= 4 / 32768 < np.abs(x - other).max()
        before = bytes_of(clips(page)[0])
        sound_of(page.run())
        assert bytes_of(clips(page)[0]) == before, "a rerun plays on"
        vote(page, "A")
        assert bytes_of(clips(page)[0]) != before


def test_the_count_is_fixed_and_the_verdict_comes_with_the_last_vote(app) -> None:
    page = begun(example(app), 10)
    blind = blind_of(page)
    for trial in range(10):
        assert f"Trial {trial + 1} of 10" in page.get("progress")[0].proto.text
        assert "right" not in texts(page) and "p =" not in texts(page)
        record = json.loads(blind.file.read_text())
        assert len(record["votes"]) == trial and "key" not in record and "right" not in record
        truth = blind.abx.x_is(trial)
        vote(page, truth if trial else "AB".replace(truth, ""))
    assert "You can tell them apart" in texts(page) and "p = 0.011" in texts(page)
    record = json.loads(blind.file.read_text())
    times = [vote["at_s"] for vote in record["votes"]]
    assert record["right"] == 9 and record["trials"] == 10 and times == sorted(times) and times[-1] > 0
    assert record["equal_loudness"] is True and record["gains_db"][0] == 0.0
    assert stat.S_IMODE(blind.folder.stat().st_mode) == 0o700
    assert page.get("bidi_component"), "the pair can be heard again"
    sound_of(page.button(key="blind.again").click().run())
    assert "test" not in page.query_params


def test_guessing_is_not_called_hearing(app) -> None:
    page = begun(example(app))
    blind = blind_of(page)
    for trial in range(8):
        truth = blind.abx.x_is(trial)
        vote(page, truth if trial < 6 else "AB".replace(truth, ""))
    assert "Not shown that you can tell them apart" in texts(page) and "p = 0.14" in texts(page)
    upload(page, "a", tone(), "new.wav")
    assert "test" not in page.query_params, "the result belongs to the pair that was heard"


def test_a_reload_goes_on_and_another_session_sees_nothing(app) -> None:
    page = begun(example(app))
    vote(page, "B")
    again = app("compare", test=blind_of(page).id)
    assert "Trial 2 of 8" in again.get("progress")[0].proto.text and clips(again) == clips(page)
    other = app("compare")
    assert "test" not in other.query_params and "Choose A and B above" in texts(other)
    stranger = app("compare", test="0" * 32)
    assert "test" not in stranger.query_params and not stranger.get("progress")


def test_a_test_that_is_stopped_has_no_result_and_its_votes_stay(app) -> None:
    page = begun(example(app))
    blind = blind_of(page)
    vote(page, "A")
    sound_of(page.button(key="blind.stop").click().run())
    record = json.loads(blind.file.read_text())
    assert record["finished"] is False and len(record["votes"]) == 1 and "key" not in record
    assert "right" not in texts(page).replace("whether you were right", "").replace("Whether you were right", "")


def test_votes_that_cannot_be_kept_are_told(app, tmp_path) -> None:
    (tmp_path / "data").write_text("a file in the way")
    page = begun(example(app))
    assert len(page.error) == 1 and "test" not in page.query_params


def test_a_vote_that_cannot_be_kept_does_not_count(app) -> None:
    page = begun(example(app))
    blind = blind_of(page)
    blind.file.unlink()
    blind.file.mkdir()
    vote(page, "A")
    assert len(page.error) == 1 and blind.abx.trial == 0 and "Trial 1 of 8" in page.get("progress")[0].proto.text


def test_only_so_many_tests_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    blinds, sound = blind_module.Blinds(kept=2), Sound("s", np.full((2, RATE // 2), 0.1, np.float32))
    tests = [blinds.begin(Pair(sound, sound), 8) for _ in range(3)]
    assert blinds.find(tests[0].id) is None and blinds.find(tests[2].id) is tests[2] and tests[0].file.exists()
    assert len({test.abx.entropy for test in tests}) == 3


def test_sixty_turns_of_every_control_raise_nothing(app) -> None:
    page = example(app)
    for turn in range(60):
        side = "ab"[turn % 2]
        match turn % 6:
            case 0:
                page.toggle(key="pair.equal").set_value(turn % 4 == 0)
            case 1:
                page.button(key="pair.swap").click()
            case 2:
                page.segmented_control(key=f"{side}.source").set_value(["Preset", "Match", "Sound file"][turn // 6 % 3])
            case 3:
                page.segmented_control(key="compare.view").set_value(["Blind test", "Listen and look"][turn // 6 % 2])
            case 4:
                if [w for w in page.select_slider if w.key == "blind.count"]:
                    page.select_slider(key="blind.count").set_value(20)
            case _:
                page.segmented_control(key=f"{side}.source").set_value("Sound file")
        sound_of(page.run())
    assert not page.error
