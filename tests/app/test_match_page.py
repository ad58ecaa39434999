"""The Match page: from an upload to presets, with a reload, a stop and a second session on the way."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import numpy as np
import pytest
from tests.app.conftest import RATE, sound_in, sound_of, texts, tone

pytest.importorskip("streamlit", reason="Streamlit is not installed: pip install 'myna[app]'")

from myna.agents.registry import AGENTS
from myna.app import match_job, speed
from myna.app.jobs import Job, the_jobs
from myna.app.match_setup import BUDGETS, METHODS
from myna.audio.loudness import loudness_lufs
from myna.audio.wav import encode_wav
from myna.errors import MynaError
from myna.presets.factory import load_factory
from myna.synth.serum_lite.parameters import TABLE


@pytest.fixture(autouse=True)
def found(matched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYNA_TEST_MATCH", str(matched))


def upload(page, data: bytes | None = None, name: str = "bass.wav"):
    page.file_uploader(key="match.upload").set_value((name, tone() if data is None else data, "audio/wav"))
    return sound_of(page.run())


def started(page) -> Job:
    sound_of(page.button(key="match.go").click().run())
    job = the_jobs().find(page.query_params["job"])
    assert job is not None
    return job


def finished(page, job: Job):
    end = time.monotonic() + 60.0
    while not job.finished:
        assert time.monotonic() < end
        time.sleep(0.02)
    return sound_of(page.run())


def matched_page(app):
    page = upload(app("match"))
    return finished(page, started(page))


def test_an_empty_page_teaches(app) -> None:
    page = app("match")
    assert "Give one note of any sound" in texts(page) and not [b for b in page.button if b.key == "match.go"]


def test_what_was_heard_is_shown_and_can_be_corrected(app, played: list[bytes]) -> None:
    page = upload(app("match"))
    assert "heard A3" in texts(page) and len(sound_in(played[-1]))
    heard = page.session_state["match.draft"].understood(as_heard=True)
    sound_of(page.number_input(key="match.note.1").set_value(45.0).run())
    sound_of(page.slider(key="match.gate.1").set_value(0.2).run())
    target = page.session_state["match.draft"].understood()
    assert (target.note_midi, target.gate_s) == (45.0, 0.2) and heard.note_midi == 57.0
    assert "heard A3" in texts(page)


def test_another_sound_forgets_the_corrections_of_the_last(app) -> None:
    page = upload(app("match"))
    sound_of(page.number_input(key="match.note.1").set_value(45.0).run())
    upload(page, tone(440.0), "high.wav")
    assert page.session_state["match.draft"].understood().note_midi == 69.0 and "high" in texts(page)


def test_a_recording_and_an_example_are_sounds_too(app) -> None:
    page = app("match")
    sound_of(page.segmented_control(key="match.source").set_value("Record").run())
    assert page.audio_input(key="match.record").proto.sample_rate == RATE
    page.audio_input(key="match.record").set_value(("recording.wav", tone(330.0), "audio/wav"))
    sound_of(page.run())
    assert page.session_state["match.draft"].understood().note_midi == 64.0
    sound_of(page.segmented_control(key="match.source").set_value("Example").run())
    name = load_factory(TABLE)[2].name
    sound_of(page.selectbox(key="match.example").set_value(name).run())
    sound_of(page.button(key="match.take").click().run())
    assert page.session_state["match.draft"].sound.name == name


@pytest.mark.parametrize("budget", [BUDGETS[0], BUDGETS[-1]])
def test_the_budget_goes_from_16_to_5000_and_says_how_long_it_takes(app, budget: int) -> None:
    page = upload(app("match"))
    sound_of(page.select_slider(key="match.budget").set_value(budget).run())
    total_s = page.session_state["match.draft"].understood().total_s
    assert f"about {speed.in_words(budget * total_s / 50.0)} here" in texts(page)
    assert started(page).request["budget"] == budget


def test_every_agent_can_be_chosen_and_has_words(app) -> None:
    assert set(METHODS) == set(AGENTS)
    page = upload(app("match"))
    sound_of(page.selectbox(key="match.agent").set_value("retrieval").run())
    assert started(page).request["agent"] == "retrieval"


def test_locks_keep_modules_of_a_start_preset(app) -> None:
    page, start = upload(app("match")), load_factory(TABLE)[4]
    assert page.multiselect(key="match.lock").disabled
    sound_of(page.selectbox(key="match.start.1").set_value(start.name).run())
    sound_of(page.multiselect(key="match.lock").set_value(["filter", "env_1"]).run())
    job = started(page)
    assert job.request["lock"] == ["filter", "env_1"]
    assert json.loads((job.folder / "start.json").read_bytes())["name"] == start.name


def test_a_match_is_followed_to_its_result(app, monkeypatch: pytest.MonkeyPatch, played: list[bytes]) -> None:
    monkeypatch.setenv("MYNA_TEST_STEPS", "1000")
    page = upload(app("match"))
    job = started(page)
    while job.done < 2:
        time.sleep(0.02)
    sound_of(page.run())
    assert "Matching bass" in texts(page) and "Searching" in page.get("progress")[0].proto.text
    sound_of(page.button(key="live.hear").click().run())
    assert len(sound_in(played[-1])) > 1000
    sound_of(page.toggle(key="live.follow").set_value(True).run())
    sound_of(page.button(key="live.stop").click().run())
    assert job.stopped
    finished(page, job)
    assert "stopped early" in texts(page) and page.button(key="result.closer")


def test_a_reload_finds_the_match_again_running_or_done(app, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYNA_TEST_STEPS", "1000")
    page = upload(app("match"))
    job = started(page)
    again = app("match", job=job.id)
    assert "Matching bass" in texts(again)
    sound_of(again.button(key="live.stop").click().run())
    finished(page, job)
    assert app("match", job=job.id).button(key="result.synth")
    assert app("match", job="x" * 22).info[0].value.startswith("That match is no longer kept")


def test_two_sessions_do_not_mix(app, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYNA_TEST_STEPS", "1000")
    mine = upload(app("match"))
    started(mine)
    other = app("match")
    assert "Give one note of any sound" in texts(other) and "job" not in other.query_params
    upload(other, tone(440.0), "other.wav")
    assert mine.query_params["job"] != started(other).id and "bass" not in texts(other)


def test_a_match_can_be_thrown_away_while_it_runs(app, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYNA_TEST_STEPS", "1000")
    page = upload(app("match"))
    job = started(page)
    sound_of(page.button(key="live.drop").click().run())
    assert the_jobs().find(job.id) is None and page.button(key="match.go")


def test_the_result_tells_how_alike_what_differs_and_what_helped(app, matched) -> None:
    page, words = matched_page(app), json.loads((matched / "result.json").read_text())
    shown = texts(page).replace("\\", "")
    assert f"{words['similarity_percent']:.0f}" in "".join(h.value for h in page.get("html"))
    assert words["story"] and words["story"][0] in shown
    assert words["findings"] == sorted(words["findings"], key=lambda part: -part["loss"])
    assert len([b for b in page.button if (b.key or "").startswith("closer.")]) == len(words["alternatives"])


def test_all_sounds_of_a_result_are_equally_loud(app, played: list[bytes]) -> None:
    page = matched_page(app)
    del played[:]
    sound_of(page.run())
    levels = [loudness_lufs(sound_in(wav).T, RATE) for wav in played]
    assert len(levels) >= 3 and np.ptp(levels) < 0.3


def test_closer_searches_on_and_start_from_this_goes_back_to_the_settings(app) -> None:
    page = matched_page(app)
    before = page.query_params["job"]
    sound_of(page.button(key="closer.2").click().run())
    job = the_jobs().find(page.query_params["job"])
    assert job is not None and job.id != before and (job.folder / "start.json").exists()
    finished(page, job)
    sound_of(page.button(key="from.2").click().run())
    assert "job" not in page.query_params and page.session_state["match.draft"].start is not None
    assert started(page).request["name"] == "bass"


def test_a_preset_goes_to_the_synth_page(app) -> None:
    page = matched_page(app)
    sound_of(page.button(key="send.2").click().run())
    assert "match" in page.session_state["synth.panel"].preset.name
    assert page.button(key="undo")


def test_a_new_sound_starts_over(app) -> None:
    page = matched_page(app)
    sound_of(page.button(key="result.new").click().run())
    assert "job" not in page.query_params and page.file_uploader(key="match.upload")


def test_a_match_that_fails_says_why(app) -> None:
    page = upload(app("match"), name="doomed.wav")
    finished(page, started(page))
    assert "is silent" in page.error[0].value
    sound_of(page.button(key="result.back").click().run())
    assert page.button(key="match.go")


NAMES = [
    "../../etc/passwd.wav",
    "C:\\x\\y.wav",
    "<script>alert(1)</script>.wav",
    "\u202egpj.wav",
    "x" * 3000 + ".wav",
    "con.wav",
    "[a](javascript:alert(1)).wav",
    ".wav",
    "🎹.wav",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_shown_as_text_and_used_for_nothing(app, matched, name: str) -> None:
    page = upload(app("match"), name=name)
    draft = page.session_state["match.draft"]
    assert "/" not in draft.sound.name and "\0" not in draft.sound.name and len(draft.sound.name) <= 60
    assert "<script" not in texts(page).replace("\\<", "")
    job = started(page)
    assert set(path.name for path in job.folder.iterdir()) - {path.name for path in matched.iterdir()} == set()


BAD_SOUNDS = {
    "text": b"hello",
    "empty": b"",
    "silence": encode_wav(np.zeros(4410), RATE),
    "too short": encode_wav(np.full(40, 0.5), RATE),
    "cut short": tone()[:30],
    "a lie": tone()[:22] + b"\xff\xff" + tone()[24:],
    "long": encode_wav(np.full(61 * 8000, 0.1), 8000),
    "executable": b"MZ\x90\x00" + bytes(100),
    "json": b"{}",
}


@pytest.mark.parametrize("data", BAD_SOUNDS.values(), ids=BAD_SOUNDS)
def test_a_bad_sound_is_refused_in_a_sentence_and_the_page_goes_on(app, data: bytes) -> None:
    page = upload(app("match"), data)
    assert len(page.error) == 1 and page.error[0].value.endswith("\\.")
    upload(page, tone(440.0), "good.wav")
    assert not page.error and "good" in texts(page)


def test_a_job_tells_of_the_bank_that_it_builds_and_ends_where_it_is_stopped_meanwhile() -> None:
    told: list[dict[str, object]] = []
    desk = SimpleNamespace(stopped=lambda: len(told) > 1, tell=lambda **news: told.append(news))
    live = match_job._Live(desk, 44_100)
    for done in (5, 10):
        live.preparing(done, 20)
    assert told == [{"says": "Building the bank of sounds, once", "done": done, "total": 20} for done in (5, 10)]
    with pytest.raises(MynaError, match="Stopped before anything was heard"):
        live.preparing(15, 20)


def test_the_job_tells_of_the_search_and_leaves_what_the_command_line_leaves(matched) -> None:
    told = [json.loads(line) for line in (matched / "told.jsonl").read_text().splitlines()]
    losses = [message["point"][1] for message in told if "point" in message]
    assert losses == sorted(losses, reverse=True) and len(losses) > 3
    assert {"Searching", "Writing the report"} <= {m.get("says") for m in told}
    result = json.loads((matched / "result.json").read_text())
    assert result["loss"] <= losses[-1] + 1e-6 and result["renders"] <= 80
    for file in ("preset.json", "match.wav", "target.wav", "report.html", "best.wav", "match.json"):
        assert (matched / file).stat().st_size > 200
    assert all((matched / other["audio"]).exists() for other in result["alternatives"])
