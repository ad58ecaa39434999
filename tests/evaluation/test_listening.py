"""Blind tests: drawn by their seed, level-matched, and a page that does not know who is who."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from myna.agents import Goal
from myna.audio.loudness import loudness_lufs
from myna.audio.wav import write_wav
from myna.errors import MynaError, UsageError
from myna.evaluation.comparison import yardstick
from myna.evaluation.listening import sounds as sources
from myna.evaluation.listening.page import render_test_page
from myna.evaluation.listening.sounds import Sounds, Three, from_evaluation, from_matches
from myna.evaluation.listening.trials import ListeningTest, draw_test, samples_16
from myna.evaluation.listening.webmushra import configuration, export, to_yaml
from myna.evaluation.suites.sets import PresetSet
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.renderer import Renderer

RATE = 44_100
HOSTILE = "</script><script>alert('target')</script>"


def tone(hz: float, gain: float, seconds: float = 0.3) -> np.ndarray:
    time_s = np.arange(round(seconds * RATE)) / RATE
    wave = gain * np.sin(2 * np.pi * hz * time_s) * np.exp(-2 * time_s)
    return np.stack([wave, 0.7 * wave]).astype(np.float32)


def load(place: int) -> Three:
    """A target, a quiet imitation that is longer, and a loud one."""
    hz = 200.0 * (place + 1)
    return tone(hz, 0.1), tone(1.1 * hz, 0.004, 0.35), tone(1.2 * hz, 0.9)


def sounds(count: int = 6, labels: tuple[str, str] = ("agent-one", "agent-two"), prefix: str = "name") -> Sounds:
    return Sounds(labels, tuple(f"{prefix}-{i}" for i in range(count)), load, {"suite": "secret-suite"})


def sides(test: ListeningTest) -> list[tuple[str | None, str | None]]:
    return [trial.sides for trial in test.trials]


# Drawing


def test_a_seed_draws_one_test_and_another_seed_another() -> None:
    one, again, other = (draw_test(sounds(), 5, 2, seed) for seed in (3, 3, 4))
    assert one.key() == again.key() and render_test_page(one) == render_test_page(again)
    assert one.id != other.id and sides(one) != sides(other)


def test_pairs_are_different_targets_and_traps_take_those_that_are_left() -> None:
    test = draw_test(sounds(8), 6, 2, 0)
    assert len({trial.target for trial in test.trials}) == 8
    assert [trial.id for trial in test.trials] == [f"t{i:02d}" for i in range(1, 9)]
    assert sorted(trial.kind for trial in test.trials) == ["pair"] * 6 + ["trap"] * 2


def test_there_are_as_many_pairs_as_targets_where_more_are_asked_for() -> None:
    test = draw_test(sounds(4), 24, 3, 0)
    assert [trial.kind for trial in test.trials].count("pair") == 4
    assert [trial.kind for trial in test.trials].count("trap") == 3


def test_coins_decide_who_is_a_and_in_which_order_targets_come() -> None:
    test = draw_test(sounds(60), 60, 0, 0)
    first = sum(trial.sides == ("agent-one", "agent-two") for trial in test.trials)
    assert 18 < first < 42 and all(set(pair) == {"agent-one", "agent-two"} for pair in sides(test))
    assert [trial.target for trial in test.trials] != sorted(trial.target for trial in test.trials)


def test_one_side_of_a_trap_is_the_target_itself() -> None:
    test = draw_test(sounds(), 1, 40, 0)
    traps = [trial for trial in test.trials if trial.kind == "trap"]
    for trial in traps:
        place = trial.sides.index(None)
        x, *heard = map(samples_16, trial.sounds)
        assert np.abs(heard[place].astype(int) - x).max() <= 1 and not np.array_equal(heard[1 - place], x)
    assert {trial.sides.index(None) for trial in traps} == {0, 1}
    assert {label for trial in traps for label in trial.sides} == {None, "agent-one", "agent-two"}


def test_all_three_are_equally_loud_as_long_and_unclipped_and_the_key_tells_the_gains() -> None:
    test = draw_test(sounds(), 6, 2, 1)
    for trial, told in zip(test.trials, test.key()["trials"], strict=True):
        levels = [loudness_lufs(sound, RATE) for sound in trial.sounds]
        assert max(levels) - min(levels) < 0.1
        assert max(np.abs(sound).max() for sound in trial.sounds) <= 0.9901
        assert len({sound.shape for sound in trial.sounds}) == 1
        made = dict(zip((None, "agent-one", "agent-two"), load(int(trial.target[-1])), strict=True))
        for key, label, sound in zip("xab", (None, *trial.sides), trial.sounds, strict=True):
            raw = made[label]
            assert np.abs(sound[:, : raw.shape[1]] - raw * 10 ** (told["gains_db"][key] / 20)).max() < 2e-3


def test_a_silent_target_is_refused_and_a_silent_imitation_is_played() -> None:
    quiet = np.zeros((2, 9000), np.float32)
    with pytest.raises(UsageError, match="silent"):
        draw_test(Sounds(("a", "b"), ("x",), lambda _: (quiet, quiet, quiet)), 1, 0, 0)
    test = draw_test(Sounds(("a", "b"), ("x",), lambda _: (tone(300, 0.1), quiet, tone(300, 0.1))), 1, 0, 0)
    assert any(not sound.any() for sound in test.trials[0].sounds)


def test_an_agent_is_not_compared_with_itself_and_not_on_nothing() -> None:
    with pytest.raises(UsageError, match="itself"):
        sounds(labels=("same", "same"))
    with pytest.raises(UsageError, match="no target"):
        sounds(0)


# The page


def test_the_page_does_not_know_who_is_who() -> None:
    test = draw_test(sounds(prefix=HOSTILE), 5, 2, 0)
    page = render_test_page(test)
    told = json.loads(re.findall(r'id="test">(.*?)</script>', page, re.S)[0])
    assert set(told) == {"format", "version", "id", "questions", "trials"}
    assert all(set(trial) == {"id", "sounds"} for trial in told["trials"])
    for text in (text for trial in told["trials"] for text in trial["sounds"]):
        page = page.replace(text, "")
    words = ("agent-one", "agent-two", "secret-suite", "alert(", "gain_db", "gains", "trap", "seed", 'pair"', "target")
    assert [word for word in words if word in page.replace("event.target", "")] == []


def test_the_page_is_the_same_whatever_agents_and_targets_are_called() -> None:
    pages = {
        render_test_page(draw_test(sounds(labels=labels, prefix=prefix), 5, 2, 0))
        for labels, prefix in ((("agent-one", "agent-two"), "name"), (("zz", "aa"), "trumpet"))
    }
    assert len(pages) == 1


def test_the_sounds_in_the_page_are_those_of_the_trials() -> None:
    test = draw_test(sounds(), 2, 1, 0)
    told = json.loads(re.findall(r'id="test">(.*?)</script>', render_test_page(test), re.S)[0])
    for trial, on_page in zip(test.trials, told["trials"], strict=True):
        for sound, text in zip(trial.sounds, on_page["sounds"], strict=True):
            heard, rate = soundfile.read(io.BytesIO(base64.b64decode(text)), dtype="int16")
            assert rate == RATE and np.array_equal(heard.T, samples_16(sound))


def test_the_page_is_closed_and_escapes_its_title() -> None:
    page = render_test_page(draw_test(sounds(), 1, 0, 0), "<img src=x onerror=alert(1)>\u202e")
    assert "<img" not in page and "&lt;img" in page and "\u202e" not in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "http://" not in page and "https://" not in page and "style=" not in page


# Sources


def kept(folder: Path, targets: PresetSet, label: str, u: np.ndarray, **changes: Any) -> None:
    header = {
        "label": label,
        "agent": label,
        "anytime": False,
        "set": targets.name,
        "budget": 200,
        "yardstick": yardstick(targets),
    }
    rows = [
        {
            "target": f"{HOSTILE}{i}",
            "index": i,
            "marks": [{"renders": at, "loss": 0.2, "u": u[i].tolist()} for at in (16, 200)],
        }
        for i in range(len(targets))
    ]
    lines = [header | changes, *rows]
    path = folder / "cells" / f"{label}.{targets.name}.200.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> PresetSet:
    found = PresetSet("tiny", 2)
    monkeypatch.setattr(sources, "load_suite", lambda name: found)
    return found


def test_an_evaluation_plays_what_the_agents_had_found(tmp_path: Path, tiny: PresetSet) -> None:
    renderer = Renderer()
    drawn = MusicalPrior(renderer.table).sample(4, generator(0, "test"))
    kept(tmp_path, tiny, "one", drawn[:2], anytime=True)
    kept(tmp_path, tiny, "two", drawn[2:])
    found = from_evaluation(tmp_path, "tiny")
    assert found.labels == ("one", "two") and found.about["renders"] == 200 and len(found.names) == 2
    goal = Goal.of(tiny.target(1, renderer), renderer)
    x, first, second = found.load(1)
    assert np.array_equal(x, goal.audio)
    assert np.array_equal(first, renderer.render(drawn[1:2], goal.probe)[0, 0])
    assert np.array_equal(second, renderer.render(drawn[3:4], goal.probe)[0, 0])
    assert from_evaluation(tmp_path, "tiny", ("two", None)).labels == ("two", "one")
    # What one that is not anytime had after 16 renders of 200 is not what it does with 16.
    mend = "run `myna evaluate --suite tiny --agents one,two --budgets 16`"
    with pytest.raises(UsageError, match=f"'two' had found on 'tiny' is known at 200, not at 16: {mend}"):
        from_evaluation(tmp_path, "tiny", renders=16)


def test_an_agent_that_has_nothing_more_to_say_is_heard_as_it_was(tmp_path: Path, tiny: PresetSet) -> None:
    u = np.full((2, len(Renderer().table)), 0.5)
    kept(tmp_path, tiny, "mean-preset", u, budget=1)
    kept(tmp_path, tiny, "one", u + 0.1)
    path = tmp_path / "cells" / "mean-preset.tiny.200.jsonl"
    text = path.read_text().replace('"renders": 16', '"renders": 1')
    path.rename(path.with_name("mean-preset.tiny.1.jsonl")).write_text(text)
    for renders in (200, None):
        found = from_evaluation(tmp_path, "tiny", ("mean-preset", "one"), renders)
        assert len(found.names) == 2 and found.about["renders"] == 200


def test_an_evaluation_that_cannot_be_heard_says_what_to_run(tmp_path: Path, tiny: PresetSet) -> None:
    u = np.full((2, len(Renderer().table)), 0.5)
    with pytest.raises(UsageError, match=r"no evaluation on 'tiny'.*: run `myna evaluate --suite tiny --agents …,…`"):
        from_evaluation(tmp_path / "none", "tiny")
    kept(tmp_path, tiny, "one", u)
    with pytest.raises(UsageError, match=r"Name two with --a and --b: .* holds one"):
        from_evaluation(tmp_path, "tiny")
    kept(tmp_path, tiny, "two", u)
    kept(tmp_path, tiny, "old", u, yardstick=[9.0, 9.0])
    with pytest.raises(UsageError, match="holds old, one, two"):
        from_evaluation(tmp_path, "tiny")
    with pytest.raises(UsageError, match="'three' was not run on 'tiny'"):
        from_evaluation(tmp_path, "tiny", ("one", "three"))
    with pytest.raises(UsageError, match="another engine: run `myna evaluate"):
        from_evaluation(tmp_path, "tiny", ("one", "old"))
    path = tmp_path / "cells" / "two.tiny.200.jsonl"
    path.write_text(path.read_text().replace('"marks"', '"others"'))
    with pytest.raises(UsageError, match="'two' found on 'tiny' were not kept: run `myna evaluate"):
        from_evaluation(tmp_path, "tiny", ("one", "two"))


def test_folders_of_matches_are_paired_by_name(tmp_path: Path) -> None:
    for folder, names in (("one", ("flute", "oboe", "only")), ("two", ("oboe", "flute"))):
        for name in names:
            (tmp_path / folder / name).mkdir(parents=True)
            write_wav(tmp_path / folder / name / "target.wav", tone(len(name) * 100, 0.1), RATE)
            write_wav(tmp_path / folder / name / "match.wav", tone(200 if folder == "one" else 300, 0.1), RATE)
    found = from_matches(tmp_path / "one", tmp_path / "two")
    assert found.names == ("flute", "oboe")
    x, first, second = found.load(1)
    assert [sound[:, :9] == pytest.approx(tone(hz, 0.1)[:, :9], abs=1e-4) for sound, hz in ((x, 400), (first, 200))]
    assert second == pytest.approx(tone(300, 0.1), abs=1e-4)
    write_wav(tmp_path / "two" / "oboe" / "target.wav", tone(900, 0.1), RATE)
    with pytest.raises(UsageError, match="another target"):
        found.load(1)
    with pytest.raises(UsageError, match="is no folder"):
        from_matches(tmp_path / "one", tmp_path / "three")


# webMUSHRA


def test_the_export_is_yaml_with_two_pages_a_trial_and_sounds_of_one_length(tmp_path: Path) -> None:
    test = draw_test(sounds(), 3, 1, 0)
    *written, config = export(test, tmp_path, "Ä title: # 'x'")
    document = yaml.safe_load(config.read_text(encoding="utf-8"))
    assert document == configuration(test, "Ä title: # 'x'")
    pages = document["pages"]
    assert [page["type"] for page in pages[:2]] == ["generic", "volume"]
    assert [page["type"] for page in pages[2:-1]] == ["mushra", "likert_multi_stimulus"] * 4
    assert pages[-1]["type"] == "finish" and pages[-1]["writeResults"] is True
    named = {path for page in pages for path in (page.get("reference"), *page.get("stimuli", {}).values()) if path}
    assert named == {path.relative_to(tmp_path).as_posix() for path in written} and len(named) == 12
    for trial in test.trials:
        facts = {
            (info.frames, info.samplerate, info.channels, info.subtype)
            for info in map(soundfile.info, written)
            if trial.id in info.name
        }
        assert len(facts) == 1 and next(iter(facts))[1:] == (RATE, 2, "PCM_16")
    assert [word for word in ("agent-one", "agent-two", "name-", "secret") if word in config.read_text()] == []


def test_webmushra_takes_no_sound_over_12_seconds(tmp_path: Path) -> None:
    long = tone(300, 0.1, 12.5)
    test = draw_test(Sounds(("a", "b"), ("x",), lambda _: (long, long, long)), 1, 0, 0)
    with pytest.raises(MynaError, match=r"12\.5 s"):
        export(test, tmp_path)
    assert list(tmp_path.iterdir()) == []


WORDS = st.text("abcXYZ_09", min_size=1, max_size=9)
SCALARS = st.booleans() | st.integers(-99, 99) | st.text(st.characters(exclude_categories=["C", "Z"]))


PARTS = st.recursive(
    SCALARS, lambda part: st.lists(part, min_size=1) | st.dictionaries(WORDS, part, min_size=1), max_leaves=8
)


@settings(max_examples=20, deadline=None)
@given(st.dictionaries(WORDS, PARTS, min_size=1, max_size=3))
def test_yaml_reads_back_what_was_written(document: dict[str, Any]) -> None:
    assert yaml.safe_load(to_yaml(document)) == document
