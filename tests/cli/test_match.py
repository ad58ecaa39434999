"""`myna match` writes what it promises, says it briefly, and keeps what it has when it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

import myna.matching
from myna.cli.main import main
from myna.presets.codec import load_preset, save_preset
from myna.presets.preset import Preset
from myna.synth.registry import synth_table

KEYS = {
    "target", "synth", "agent", "budget", "renders", "seed", "seconds", "note_midi", "gate_s", "loss",
    "similarity_percent", "terms", "metrics", "preset", "audio", "alternatives",
}  # fmt: skip
MORE = {"report", "warnings", "interrupted"}
TABLE = synth_table("serum-lite")
RATE = 44_100


def found(target, settings, progress=None, stop=None, renderer=None, preparing=None) -> SimpleNamespace:
    """A match result without a search: the default preset and the target's own sound."""
    for renders in range(0, settings.budget + 1, max(1, settings.budget // 8)):
        if progress:
            progress(renders, settings.budget, 0.5)
    preset = Preset.from_u(TABLE, TABLE.encode(TABLE.defaults), name="found")
    others = [SimpleNamespace(preset=preset, loss=0.6, audio=target.audio) for _ in range(settings.top - 1)]
    return SimpleNamespace(
        target=target, settings=settings, preset=preset, preset_u=preset.u(TABLE), audio=0.5 * target.audio,
        loss=0.5, similarity_percent=60.0, terms={"spectrum": 0.5}, metrics={"mss": 1.0},
        renders=settings.budget, seconds=0.5, curve=[(1, 0.9), (settings.budget, 0.5)], alternatives=others,
        note_midi=target.note_midi, gate_s=target.gate_s, warnings=target.warnings,
    )  # fmt: skip


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[SimpleNamespace]:
    """Replace the search by `found`; the settings of each call are kept."""
    seen = []

    def record(target, settings, **rest):
        seen.append(SimpleNamespace(target=target, settings=settings))
        return found(target, settings, **rest)

    monkeypatch.setattr(myna.matching, "match_target", record)
    return seen


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    return write_tone(tmp_path / "tone.wav")


def write_tone(path: Path) -> Path:
    time_s = np.arange(RATE // 2) / RATE
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 220 * time_s), RATE, format="WAV")
    return path


def test_one_file_gives_its_folder_and_a_short_answer(quick, tone: Path, tmp_path: Path, capsys) -> None:
    assert main(["match", str(tone), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    out, err = capsys.readouterr()
    written = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()}
    names = ["preset.json", "match.wav", "target.wav", "match.json", "report.html", "run.json"]
    names += [f"alternatives/{rank}.{kind}" for rank in (2, 3, 4) for kind in ("json", "wav")]
    assert written == {f"tone/{name}" for name in names}
    assert out.startswith("tone.wav: 60 % similar, loss 0.500\n  note 57, gate ")
    assert err == ""
    run = json.loads((tmp_path / "out/tone/run.json").read_text())
    assert (run["verb"], run["config"]["files"], run["config"]["agent"]) == ("match", [str(tone)], "auto")


def test_the_written_preset_and_sounds_can_be_read(quick, tone: Path, tmp_path: Path) -> None:
    main(["match", str(tone), "--out", str(tmp_path), "--quiet"])
    assert load_preset(tmp_path / "tone/preset.json", TABLE).synth == "serum-lite"
    assert soundfile.info(tmp_path / "tone/match.wav").channels == 2


def test_json_for_one_file_is_an_object_with_all_keys_and_paths_that_exist(
    quick, tone: Path, tmp_path: Path, capsys
) -> None:
    assert main(["match", str(tone), "--out", str(tmp_path), "--json", "--quiet"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == KEYS | MORE
    assert Path(printed["preset"]).exists()
    assert Path(printed["alternatives"][0]["audio"]).exists()
    kept = json.loads((tmp_path / "tone/match.json").read_text())
    assert kept["preset"] == "preset.json"
    assert {key: kept[key] for key in ("loss", "seed", "terms")} == {
        key: printed[key] for key in ("loss", "seed", "terms")
    }


def test_several_files_with_one_name_get_folders_of_their_own(quick, tmp_path: Path, capsys) -> None:
    files = [str(write_tone(tmp_path / folder / "a.wav")) for folder in ("x", "y")]
    assert main(["match", *files, "--out", str(tmp_path / "out"), "--json", "--quiet"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [item["target"] for item in printed] == files
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a", "a-2"]


def test_a_bad_file_among_several_is_named_and_the_others_run(quick, tone: Path, tmp_path: Path, capsys) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    assert main(["match", str(bad), str(tone), "--out", str(tmp_path / "out"), "--json", "--quiet"]) == 3
    out, err = capsys.readouterr()
    assert [item["target"] for item in json.loads(out)] == [str(tone)]
    assert err.count("\n") == 1
    assert "bad.wav" in err


def test_a_missing_file_and_a_damaged_one_do_not_stop_the_others(quick, tone: Path, tmp_path: Path, capsys) -> None:
    damaged = tmp_path / "damaged.wav"
    damaged.write_bytes(tone.read_bytes()[:30])
    files = [str(tmp_path / "none.wav"), str(tone), str(damaged), str(tmp_path), str(tone)]
    assert main(["match", *files, "--out", str(tmp_path / "out"), "--quiet"]) == 3
    out, err = capsys.readouterr()
    assert out.count("tone.wav: 60 % similar") == 2
    assert [line.split("”")[0] for line in err.splitlines()] == [
        "myna: “none.wav", "myna: “damaged.wav", f"myna: “{tmp_path.name}",
    ]  # fmt: skip
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["tone", "tone-2"]


def test_several_files_of_which_one_is_good_still_give_an_array(quick, tone: Path, tmp_path: Path, capsys) -> None:
    assert main(["match", str(tone), "none.wav", "--out", str(tmp_path / "out"), "--json", "--quiet"]) == 3
    assert [item["target"] for item in json.loads(capsys.readouterr().out)] == [str(tone)]


def test_one_bad_file_is_one_sentence_and_exit_3(quick, tmp_path: Path, capsys) -> None:
    assert main(["match", str(tmp_path / "none.wav"), "--out", str(tmp_path / "out"), "--json"]) == 3
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


def test_options_reach_the_search(quick, tone: Path, tmp_path: Path) -> None:
    start = tmp_path / "start.json"
    save_preset(Preset.from_u(TABLE, TABLE.encode(TABLE.defaults), name="start"), start)
    options = [
        "--agent",
        "random",
        "--budget",
        "8",
        "--seed",
        "7",
        "--top",
        "2",
        "--note",
        "50",
        "--gate",
        "0.2",
    ]
    options += ["--lock", "filter,env_1", "--start", str(start), "--out", str(tmp_path), "--quiet"]
    assert main(["match", str(tone), *options]) == 0
    (call,) = quick
    s = call.settings
    assert (s.agent, s.budget, s.seed, s.top, s.lock) == ("random", 8, 7, 2, ("filter", "env_1"))
    assert s.start.name == "start"
    assert (call.target.note_midi, call.target.gate_s) == (50.0, 0.2)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--lock", "filter"], "--start"),
        (["--budget", "0"], "outside 1 to 1,000,000"),
        (["--budget", "1000001"], "outside 1 to 1,000,000"),
        (["--budget", "many"], "not a whole number"),
        (["--note", "128"], "outside 0 to 127"),
        (["--note", "nan"], "outside 0 to 127"),
        (["--gate", "-1"], "outside"),
        (["--agent", "magic"], "magic"),
        (["--seed", "-1"], "outside"),
        (["--bugdet", "5"], "--bugdet"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_exit_2(options: list[str], says: str, tone: Path, capsys) -> None:
    assert main(["match", str(tone), *options]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_an_unknown_module_to_lock_is_named(tone: Path, tmp_path: Path, capsys) -> None:
    start = tmp_path / "start.json"
    save_preset(Preset.from_u(TABLE, TABLE.encode(TABLE.defaults), name="start"), start)
    options = ["--lock", "fliter", "--start", str(start), "--out", str(tmp_path)]
    assert main(["match", str(tone), *options]) == 2
    assert "'fliter'" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_one_sentence(tone: Path, capsys) -> None:
    assert main(["match", str(tone), "--out", str(tone)]) == 3
    err = capsys.readouterr().err
    assert "choose another" in err
    assert err.count("\n") == 1


def test_progress_off_a_terminal_is_a_few_plain_lines(quick, tone: Path, tmp_path: Path, capsys) -> None:
    main(["match", str(tone), "--out", str(tmp_path), "--budget", "800"])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "tone: searching"
    assert lines[-1] == "tone: 800 of 800 renders, best loss 0.500"
    assert len(lines) == 5
    assert not any("\x1b" in line for line in lines)


def test_alternatives_of_an_earlier_run_are_gone(quick, tone: Path, tmp_path: Path) -> None:
    for top in ("4", "2"):
        main(["match", str(tone), "--out", str(tmp_path), "--top", top, "--quiet"])
    assert sorted(p.name for p in (tmp_path / "tone/alternatives").iterdir()) == ["2.json", "2.wav"]


SLOW = """
import sys, time
sys.path.insert(0, {here!r})
import myna.matching, test_match
from myna.cli.main import main

def slow(target, settings, progress=None, stop=None, renderer=None, preparing=None):
    print("ready", file=sys.stderr, flush=True)
    while not ({deaf} is False and stop()):
        time.sleep(0.01)
    return test_match.found(target, settings)

myna.matching.match_target = slow
sys.exit(main(sys.argv[1:]))
"""


def start_slow(tone: Path, out: Path, deaf: bool) -> subprocess.Popen:
    code = SLOW.format(here=os.path.dirname(__file__), deaf=deaf)
    arguments = ["match", str(tone), str(tone), "--out", str(out), "--quiet"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr.readline() == "ready\n"
    return process


def test_ctrl_c_keeps_the_best_so_far_and_exits_130(tone: Path, tmp_path: Path) -> None:
    process = start_slow(tone, tmp_path / "out", deaf=False)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "keeping the best so far" in err
    assert "Traceback" not in err
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["tone"]  # the second file was not begun
    assert json.loads((tmp_path / "out/tone/match.json").read_text())["interrupted"] is True
    assert "cut short" in out


def test_ctrl_c_while_the_bank_is_built_stops_at_once_and_keeps_what_was_written(
    monkeypatch: pytest.MonkeyPatch, tone: Path, tmp_path: Path, capsys
) -> None:
    calls = []

    def build_first(target, settings, preparing, **rest):
        calls.append(target)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
            preparing(1, 10)
            raise AssertionError("it went on")
        return found(target, settings)

    monkeypatch.setattr(myna.matching, "match_target", build_first)
    assert main(["match", str(tone), str(tone), str(tone), "--out", str(tmp_path / "out"), "--quiet"]) == 130
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["tone"]
    assert capsys.readouterr().err.splitlines()[-1] == "myna: interrupted."


def test_the_bank_that_is_built_first_shows_on_stderr(
    monkeypatch: pytest.MonkeyPatch, tone: Path, tmp_path: Path, capsys
) -> None:
    def build_first(target, settings, preparing, progress, stop):
        preparing(5, 10)
        return found(target, settings, progress, stop)

    monkeypatch.setattr(myna.matching, "match_target", build_first)
    assert main(["match", str(tone), "--out", str(tmp_path / "out")]) == 0
    assert "building the bank of sounds, once: 5 of 10" in capsys.readouterr().err


def test_a_search_that_was_stopped_before_its_first_render_says_so(
    monkeypatch: pytest.MonkeyPatch, tone: Path, tmp_path: Path, capsys
) -> None:
    def nothing(target, settings, **rest):
        result = found(target, settings)
        result.loss, result.renders, result.similarity_percent, result.curve = float("inf"), 0, 0.0, []
        return result

    monkeypatch.setattr(myna.matching, "match_target", nothing)
    assert main(["match", str(tone), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    assert "loss none, stopped before the first render" in capsys.readouterr().out
    assert json.loads((tmp_path / "out/tone/match.json").read_text())["loss"] is None


def test_a_second_ctrl_c_stops_at_once(tone: Path, tmp_path: Path) -> None:
    process = start_slow(tone, tmp_path / "out", deaf=True)
    process.send_signal(signal.SIGINT)
    assert "again to stop at once" in process.stderr.readline()
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "myna: interrupted.\n"


def test_a_real_search_of_a_few_renders_stays_within_its_budget(tone: Path, tmp_path: Path, capsys) -> None:
    options = ["--agent", "random", "--budget", "6", "--out", str(tmp_path), "--json", "--quiet"]
    assert main(["match", str(tone), *options]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == KEYS | MORE
    assert 1 <= printed["renders"] <= 6
    assert set(printed["metrics"]) == {"mss", "wmfcc", "sot", "rms_cosine", "level_error_db"}
    assert (tmp_path / "tone/report.html").stat().st_size < 3_000_000
