"""The Runs page: what is there is listed, drawn and heard; nothing outside of its folder is shown."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from tests.app.conftest import sound_of, texts
from tests.runs.test_runs import evaluation, line, standing, training

pytest.importorskip("streamlit", reason="Streamlit is not installed: pip install 'myna[app]'")

from myna.app import runs_training
from myna.cli import app as cli_app
from myna.envs.snapshots import encode_flac

HOSTILE = ("<script>alert(1)<script>", "![x](http:a.b)", ":red[x] $y$", "\u202egnp", "`|~^&=#*_", "a" * 200)
SCALARS = {
    "match/loss": 0.5, "match/loss_log_mel": 0.3, "match/loss_stereo": 0.0, "match/loss_new_one": 0.1,
    "rollout/ep_rew_mean": -3.0, "curriculum/stage": 2.0, "train/critic_loss": 1.0, "time/steps_per_s": 90.0,
    "eval/score": 0.4, "eval/in/best": 0.3, "eval/in/loss_log_mel": 0.2, "render/share": 0.4, "odd name <b>": 1.0,
}  # fmt: skip


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two trainings, one of them with sounds, and an evaluation."""
    root = tmp_path / "out"
    log = "".join(line(100 * i, **{name: value / i for name, value in SCALARS.items()}) for i in range(1, 60))
    words = {"step": 900, "name": "match/best/edits", "text": "stage 2, loss 0.4 → 0.2\nopened <b>it</b>\nclosed it"}
    folder = training(root, "train/one", log + json.dumps(words) + '\n{"step": 6000, "scal')
    media = folder / "media" / "step-000000000900"
    media.mkdir(parents=True)
    time_s = np.arange(22_050) / 44_100
    for kind, level in (("target", 0.4), ("match", 0.1)):
        (media / f"best-{kind}.flac").write_bytes(encode_flac(level * np.sin(2 * np.pi * 220 * time_s)[None], 44_100))
        (media / f"worst-{kind}.flac").write_bytes(b"fLaC but nothing")
    (media / "best-knobs.png").write_bytes(b"\x89PNG\r\n")
    (media / "best-spectrogram.png").write_bytes(b"<svg onload=alert(1)>")
    training(root, "train/two", log)
    rows = [
        standing(),
        standing(agent="cma-es", p=None),
        standing(agent="noise-floor", renders=0),
        standing(suite="level"),
    ]
    (evaluation(root, standings=rows) / "figure.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    evaluation(root, "half")
    monkeypatch.setenv("MYNA_RUNS_DIR", str(root))
    return root


def buttons(page) -> list[str]:
    return [b.key.removeprefix("show.") for b in page.button if str(b.key).startswith("show.")]


def press(page, key: str):
    return sound_of(page.button(key=key).click().run())


def charts(page) -> int:
    return len(page.get("vega_lite_chart"))


def test_without_runs_the_page_teaches(app, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MYNA_RUNS_DIR", str(tmp_path / "none"))
    page = app("runs")
    assert "Watch trainings" in texts(page) and not buttons(page)


def test_runs_are_listed_found_and_opened(app, runs: Path) -> None:
    page = app("runs")
    assert sorted(buttons(page)) == ["evaluation", "half", "train/one", "train/two"]
    label = next(b.label for b in page.button if b.key == "show.train/one")
    assert "running" in label and "5,900 steps" in label and "sac training" in label
    sound_of(page.text_input(key="q").set_value("ONE").run())
    assert buttons(page) == ["train/one"]
    sound_of(page.text_input(key="q").set_value("").run())
    sound_of(page.segmented_control(key="kind").set_value("evaluation").run())
    assert sorted(buttons(page)) == ["evaluation", "half"]
    sound_of(page.segmented_control(key="kind").set_value("all").run())
    press(page, "show.train/one")
    assert charts(page) >= 5 and "1 torn line" in texts(page)
    press(page, "runs.back")
    assert len(buttons(page)) == 4


def test_every_part_of_a_training_is_drawn(app, runs: Path) -> None:
    page = app("runs", run="train/one")
    assert "stage" in texts(page) and "best score" in texts(page)
    for part in (*runs_training.GROUPS, "Settings"):
        sound_of(page.segmented_control(key="part").set_value(part).run())
        assert charts(page) or page.json, part
        for smooth in (5, 50, 1) if part == "Terms" else ():
            sound_of(page.select_slider(key="smooth").set_value(smooth).run())
            sound_of(page.toggle(key="log").set_value(smooth > 1).run())
    sound_of(page.segmented_control(key="part").set_value("Terms").run())
    assert "Spectrum" in texts(page) and "New one" in texts(page) and "Stereo" not in texts(page)


def test_saved_episodes_are_heard_seen_and_read(app, runs: Path) -> None:
    page = app("runs", run="train/one", part="Sounds")
    words = texts(page)
    assert "Best" in words and "2 edits" in "".join(e.label for e in page.expander)
    assert "<b>" not in words and "silent, or no sound" in words
    drawn = "".join(html.proto.body for html in page.get("html"))
    assert "data:image/png;base64" in drawn and "onload" not in drawn
    assert drawn.count("data:image/png") == 1, "what is no picture is not shown"
    page = app("runs", run="train/two", part="Sounds")
    assert "No episode was kept" in texts(page)


def test_runs_are_compared_on_one_chart(app, runs: Path) -> None:
    page = app("runs")
    for name in ("train/one", "train/two"):
        sound_of(page.checkbox(key=f"pick.{name}").check().run())
    press(page, "runs.compare")
    words = texts(page)
    assert "train/one" in words and "train/two" in words and charts(page) >= 5
    assert page.query_params["run"] == ["train/one", "train/two"] or len(page.query_params["run"]) == 2
    for part in ("Terms", "Learning", "Speed"):
        sound_of(page.segmented_control(key="part").set_value(part).run())


def test_an_evaluation_shows_its_tables_and_its_figure(app, runs: Path) -> None:
    page = app("runs", run="evaluation")
    assert charts(page) == 1 and "2 seeds" in texts(page)
    table = page.dataframe[0].value
    assert table["64"].tolist()[:2] == ["0.300 ★", "0.300"]
    assert any("data:image/svg+xml;base64" in html.proto.body for html in page.get("html"))
    sound_of(page.segmented_control(key="suite").set_value("level").run())
    assert len(page.dataframe[0].value) == 1
    assert "The table comes when" in texts(app("runs", run="half"))


@pytest.mark.parametrize(
    "name", ["..", "../x", "/etc", "train", "train/one/..", "%2e%2e/", "\0", "<script>", "a" * 5000]
)
def test_no_address_leads_out_of_the_folder(app, runs: Path, name: str) -> None:
    training(runs.parent, "x", line(1, secret=1.0))
    page = app("runs", run=name)
    assert "There is no run" in page.warning[0].value and len(buttons(page)) == 4
    assert "secret" not in texts(page) and "<script>" not in page.warning[0].value


def test_other_parts_of_the_address_may_be_nonsense(app, runs: Path) -> None:
    for run in ("train/one", "evaluation", ""):
        sound_of(app("runs", run=run, part="../x", smooth="-1", log="maybe", suite="<b>", q="\0", kind="x", p="99"))


def test_hostile_names_and_logs_are_shown_and_do_nothing(app, tmp_path, monkeypatch) -> None:
    for name in HOSTILE:
        training(tmp_path / "out", name, line(1, **{name: 1.0}) + line(2, **{name: 2.0}) + "[" * 3000)
    monkeypatch.setenv("MYNA_RUNS_DIR", str(tmp_path / "out"))
    page = app("runs")
    labels = "".join(b.label for b in page.button)
    assert len(buttons(page)) == len(HOSTILE) and "<script>" not in labels and "![x](" not in labels
    for name in HOSTILE:
        press(page, f"show.{name}")
        assert "<script>" not in texts(page)
        press(page, "runs.back")


def test_a_training_that_goes_on_is_followed_and_one_that_vanishes_is_told(app, runs: Path) -> None:
    page = app("runs", run="train/one")
    with (runs / "train/one/log.jsonl").open("a") as log:
        log.write('ars": {}}\n' + line(7000, **{"eval/score": 0.001}))
    assert "7,000 steps" in texts(sound_of(page.run()))
    shutil.rmtree(runs / "train/one")
    sound_of(page.run())
    assert "There is no run" in page.warning[0].value


def test_a_training_without_a_line_yet_says_so(app, tmp_path, monkeypatch) -> None:
    folder = training(tmp_path, "fresh")
    monkeypatch.setenv("MYNA_RUNS_DIR", str(tmp_path))
    assert "Nothing was logged yet" in texts(app("runs", run="fresh"))
    long_ago_s = time.time() - 9e4
    os.utime(folder / "log.jsonl", (long_ago_s, long_ago_s))
    assert "stopped" in "".join(b.label for b in app("runs").button)


def test_two_folders_of_runs_do_not_mix(app, runs: Path, tmp_path, monkeypatch) -> None:
    training(tmp_path / "other", "three", line(1, loss=1.0))
    page = app("runs")
    monkeypatch.setenv("MYNA_RUNS_DIR", str(tmp_path / "other"))
    assert buttons(app("runs")) == ["three"]
    monkeypatch.setenv("MYNA_RUNS_DIR", str(runs))
    assert "three" not in buttons(sound_of(page.run()))


def test_myna_app_chooses_the_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MYNA_RUNS_DIR", "before")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli_app.os, "execv", lambda *_: None)
    cli_app.run(["--runs", "mine"])
    assert os.environ["MYNA_RUNS_DIR"] == str(tmp_path / "mine")
