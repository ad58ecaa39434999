"""The frozen suites: complete, unchanged, apart from what is trained on, and loaded with what is known."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from myna.agents import proxy_bank
from myna.agents.proxy_bank import DRAWN
from myna.audio.collection import INDEX, Recording, read_index
from myna.audio.envelope import find_onset
from myna.audio.files import load_audio
from myna.audio.pitch import estimate_note_midi
from myna.envs.draws import PresetDraws
from myna.envs.stages import load_stages
from myna.errors import BadAudioError, MynaError, UsageError
from myna.evaluation import suites
from myna.evaluation.suites import SUITES, load_recordings, load_suite, verify_suite
from myna.evaluation.suites.frozen import FrozenSet, dump
from myna.evaluation.suites.make import REGISTERS_MIDI, choose_held_out, made, made_factory
from myna.presets.factory import HELD_OUT, load_factory, load_trainable
from myna.presets.generator import audible
from myna.retrieval import bank
from myna.synth.renderer import Renderer

ROOT = Path(__file__).parents[2]
TRAINING = ROOT / "recordings" / "train"
RECORDED = ("real", "vital")
EXAMPLES = ROOT / "examples" / "targets"


@pytest.mark.parametrize(("name", "count"), [("real", 60), ("vital", 43)])
def test_a_suite_of_recordings_holds_every_file_of_its_folder_once(name: str, count: int) -> None:
    suite = load_recordings(name)
    assert len(suite) == len({one.path for one in suite}) == len({one.sha256 for one in suite}) == count
    assert {one.path for one in suite} == set(suite[0].path.parent.glob("*.flac"))
    assert sum(one.path.stat().st_size for one in suite) < 8e6


@pytest.mark.parametrize("name", RECORDED)
def test_every_recording_loads_with_its_known_note_and_gate(name: str) -> None:
    for one in load_recordings(name):
        target = one.target()
        assert (target.note_midi, target.gate_s) == (one.note_midi, min(one.gate_s, target.total_s))
        assert (target.sample_rate, target.audio.shape[0], target.name) == (44_100, 2, one.path.stem)
        assert np.abs(target.audio).max() > 0.05


@pytest.mark.parametrize("name", RECORDED)
def test_no_instrument_of_a_suite_is_trained_on(name: str) -> None:
    trained, judged = read_index(TRAINING), load_recordings(name)
    assert {one.instrument for one in trained}.isdisjoint(one.instrument for one in judged)
    assert {one.sha256 for one in trained}.isdisjoint(one.sha256 for one in judged)


def test_no_program_of_the_soundfont_is_both_trained_and_judged_on() -> None:
    assert {one.program for one in read_index(TRAINING)}.isdisjoint(one.program for one in load_recordings("real"))


def test_sounds_of_vital_are_unclipped_and_start_at_once_at_the_velocity_of_targets() -> None:
    for one, row in zip(load_recordings("vital"), vital_rows(), strict=True):
        audio = load_audio(one.path)
        target = one.target()
        assert 0.3 < np.abs(audio.samples).max() < 0.95
        assert find_onset(audio.samples, audio.sample_rate) < 0.025 * audio.sample_rate
        assert target.velocity == int(row["velocity"])
        assert target.warnings == ()


def test_what_sounds_of_vital_is_the_note_of_the_index() -> None:
    pitched = [
        one
        for one, row in zip(load_recordings("vital"), vital_rows(), strict=True)
        if row["category"] not in ("drum", "fx")
    ]
    assert len(pitched) >= 32
    some = pitched[::5]  # a second each
    wrong = {one.instrument: note for one in some if not abs((note := estimate(one)) - one.note_midi) < 0.3}
    assert wrong == {}


def vital_rows() -> list[dict[str, str]]:
    with (suites.FOLDER / "vital" / INDEX).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def estimate(one: Recording) -> float:
    """The note that is heard while the key is held, nan if none."""
    audio = load_audio(one.path)
    held = audio.samples.mean(axis=0)[: round(one.gate_s * audio.sample_rate)]
    return estimate_note_midi(held, audio.sample_rate) or np.nan


def test_the_twelve_examples_are_in_the_suite_byte_for_byte() -> None:
    suite = {one.path.name: one.path for one in load_recordings()}
    examples = sorted(EXAMPLES.glob("*.flac"))
    assert len(examples) == 12
    assert all(path.read_bytes() == suite[path.name].read_bytes() for path in examples)


def test_a_licence_lies_beside_the_recordings() -> None:
    assert "Apache License 2.0" in (suites.FOLDER / "vital" / "README.md").read_text(encoding="utf-8")
    for folder in (TRAINING.parent, load_recordings()[0].path.parent):
        text = (folder / "LICENSE").read_text(encoding="utf-8")
        assert "Frank Wen" in text
        assert "MIT License" in text


def test_an_unknown_suite_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="no suite 'unreal'; choose one of stage-1, "):
        load_suite("unreal")


# Frozen presets

PRESETS = tuple(name for name in SUITES if name not in RECORDED)
STAGES = tuple(name for name in PRESETS if name != "factory")


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(threads=1)


def presets(name: str) -> FrozenSet:
    suite = load_suite(name)
    assert isinstance(suite, FrozenSet)
    return suite


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_has_64_presets_half_of_each_prior_inside_its_modules_and_canonical(
    name: str, renderer: Renderer
) -> None:
    suite, table = presets(name), renderer.table
    assert len(suite) == len({one.name for one in suite.targets}) == 64
    assert [one.prior for one in suite.targets] == ["uniform", "musical"] * 32
    stage = load_stages(table).stages[suite.stage - 1]
    assert name == f"stage-{stage.number}"
    u = suite.u(table)
    closed = ~stage.mask(table)
    assert np.array_equal(
        u[:, closed], np.broadcast_to(table.snap(table.encode(table.defaults)[None]), u.shape)[:, closed]
    )
    assert np.allclose(PresetDraws(table, [stage]).inside(u, [stage] * 64), u)
    assert len(np.unique(u.round(6), axis=0)) == 64


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_of_a_suite_can_be_heard(name: str, renderer: Renderer) -> None:
    suite = presets(name)
    for index in range(0, 64, 7):
        target = suite.target(index, renderer)
        assert audible(target.audio[None])[0]
        assert (target.name, target.total_s, target.audio.shape) == (suite.targets[index].name, 1.0, (2, 44_100))


@pytest.mark.parametrize("name", STAGES)
def test_a_suite_is_what_its_script_makes(name: str, renderer: Renderer) -> None:
    suite = presets(name)
    again = made(renderer, load_stages(renderer.table).stages[suite.stage - 1], count=4)
    assert again.targets == suite.targets[:4]


def test_the_factory_suite_is_what_its_script_makes_of_what_is_held_out(renderer: Renderer) -> None:
    suite = presets("factory")
    assert {one.name for one in suite.targets} == HELD_OUT
    assert made_factory(renderer, count=4).targets == suite.targets[:4]
    assert load_stages(renderer.table).stages[suite.stage - 1].mask(renderer.table).all()


def test_what_is_held_out_was_drawn_evenly_over_the_categories(renderer: Renderer) -> None:
    factory = load_factory(renderer.table)
    assert choose_held_out(factory) == HELD_OUT
    shares = {
        category: np.mean([one.name in HELD_OUT for one in factory if one.category == category])
        for category in REGISTERS_MIDI
    }
    assert all(0.35 < share < 0.55 for share in shares.values()), shares


def test_a_factory_preset_is_played_where_its_category_is_at_home(renderer: Renderer) -> None:
    category = {one.name: one.category for one in load_factory(renderer.table)}
    for one in presets("factory").targets:
        low, high = REGISTERS_MIDI[category[one.name]]
        assert low <= one.probe.note_midi <= high


@pytest.mark.parametrize("name", ["stage-1", "factory"])
def test_the_stored_file_is_what_the_suite_says(name: str) -> None:
    assert dump(presets(name)) == (suites.FOLDER / f"{name}.json").read_text(encoding="utf-8")


# As they are before other tests, which run in the same process, shrink the bank.
WHOLE_BANK = {name: getattr(bank, name) for name in ("DRAWS", "UNIFORM_DRAWS", "load_trainable")}


@pytest.fixture(scope="module")
def known(renderer: Renderer) -> set[bytes]:
    """Every preset of the whole bank and of the one that is never rendered, rounded."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in WHOLE_BANK.items():
            patch.setattr(bank, name, value)
        u = np.concatenate([bank._candidates.__wrapped__(renderer.table), proxy_bank._known(renderer.table, DRAWN)])
    return rounded(u, renderer)


def rounded(u: np.ndarray, renderer: Renderer) -> set[bytes]:
    return {row.tobytes() for row in renderer.table.snap(u).round(4)}


@pytest.mark.parametrize("name", PRESETS)
def test_no_preset_of_a_suite_is_in_the_bank_that_is_searched(name: str, known: set[bytes], renderer: Renderer) -> None:
    assert len(known) > 14_500
    assert known.isdisjoint(rounded(presets(name).u(renderer.table), renderer))


def test_a_factory_preset_that_is_not_held_out_is_in_the_bank(known: set[bytes], renderer: Renderer) -> None:
    trainable = np.array([one.u(renderer.table) for one in load_trainable(renderer.table)])
    assert rounded(trainable, renderer) <= known


def test_factory_presets_are_read_by_people_and_suites_and_trainable_ones_by_the_banks(renderer: Renderer) -> None:
    """Apart by construction: nothing that is trained or searches can come by a preset that is held out."""
    source = Path(suites.__file__).parents[2]
    users = {
        word: {
            path.relative_to(source).as_posix()
            for path in source.rglob("*.py")
            if re.search(word, path.read_text(encoding="utf-8"))
        }
        for word in ("load_factory", "load_trainable")
    }
    home = "presets/factory.py"
    read = {path for path in users["load_factory"] if not path.startswith("app/")}  # by people, on its pages
    assert read == {home, "render.py", "cli/presets.py", "evaluation/suites/make.py"}
    assert users["load_trainable"] == {home, "retrieval/bank.py", "agents/proxy_bank.py"}
    assert HELD_OUT.isdisjoint(one.name for one in load_trainable(renderer.table))
    assert len(load_trainable(renderer.table)) == len(load_factory(renderer.table)) - len(HELD_OUT)


def test_nothing_else_draws_where_suites_are_drawn() -> None:
    """Disjoint from training by construction: all seeds are paths in one tree."""
    source = Path(suites.__file__).parents[2]
    drawing = {
        path.parent for path in source.rglob("*.py") if re.search(r"generator\([^)]*\"suite\"", path.read_text())
    }
    assert drawing == {Path(suites.__file__).parent}


@pytest.mark.parametrize("name", SUITES)
def test_every_suite_is_as_it_was_frozen(name: str) -> None:
    verify_suite(name)


def test_a_suite_that_was_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(suites.FOLDER, tmp_path / "suites")
    monkeypatch.setattr(suites, "FOLDER", tmp_path / "suites")
    suites._index.cache_clear()
    stored = tmp_path / "suites" / "stage-2.json"
    stored.write_text(stored.read_text(encoding="utf-8").replace('"velocity": ', '"velocity": 1', 1), encoding="utf-8")
    with pytest.raises(MynaError, match="stage-2 is not the one that was frozen"):
        load_suite("stage-2")
    stored.unlink()
    with pytest.raises(MynaError, match="stage-2 cannot be read: No such file"):
        load_suite("stage-2")
    for name in RECORDED:
        note = next((tmp_path / "suites" / name).glob("*.flac"))
        whole = bytearray(note.read_bytes())
        whole[-1] ^= 1
        note.write_bytes(whole)
        with pytest.raises(BadAudioError, match="not the file that its index names"):
            verify_suite(name)
    suites._index.cache_clear()


def test_presets_are_not_asked_for_as_recordings() -> None:
    with pytest.raises(UsageError, match="'stage-1' is of presets"):
        load_recordings("stage-1")


# Recordings as files


def folder_with(tmp_path: Path, **changes: str) -> Path:
    """A folder with the first note of the suite, its row changed."""
    one = load_recordings()[0]
    (tmp_path / one.path.name).write_bytes(one.path.read_bytes())
    row = {"file": one.path.name, "gm_program": "1", "instrument": "piano", "note_midi": "46", "gate_s": "0.3"}
    with (tmp_path / INDEX).open("w", newline="") as file:
        writer = csv.DictWriter(file, [*row, "sha256"])
        writer.writeheader()
        writer.writerow({**row, "sha256": one.sha256, **changes})
    return tmp_path


def test_a_file_that_is_not_the_one_of_the_index_is_refused(tmp_path: Path) -> None:
    one = only(folder_with(tmp_path))
    one.path.write_bytes(one.path.read_bytes()[:-1])
    with pytest.raises(BadAudioError, match=r"46_60\.flac is not the file that its index names"):
        one.target()


def test_a_file_that_is_gone_is_told_in_a_sentence(tmp_path: Path) -> None:
    one = only(folder_with(tmp_path))
    one.path.unlink()
    with pytest.raises(BadAudioError, match=r"is in the index but cannot be read: No such file or directory\.$"):
        one.target()


def only(folder: Path) -> Recording:
    (one,) = read_index(folder)
    return one


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"note_midi": "C4"}, "line 2: a number is missing or unreadable"),
        ({"gm_program": ""}, "line 2: a number is missing or unreadable"),
        ({"note_midi": "nan"}, "line 2: a file beside the index, a MIDI note and a gate are needed"),
        ({"gate_s": "0"}, "line 2: a file beside the index"),
        ({"gate_s": "inf"}, "line 2: a file beside the index"),
        ({"file": "../secret.flac"}, "line 2: a file beside the index"),
    ],
)
def test_an_impossible_row_is_refused_with_its_line(tmp_path: Path, changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(BadAudioError, match=sentence):
        read_index(folder_with(tmp_path, **changes))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read"),
        (b"", "names no recordings"),
        (b"file\nx.flac\n", "has no column 'note_midi'"),
        (b"\xff\xfe", "not a table in UTF-8"),
    ],
)
def test_a_folder_without_a_usable_index_is_refused(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    if content is not None:
        (tmp_path / INDEX).write_bytes(content)
    with pytest.raises(BadAudioError, match=sentence):
        read_index(tmp_path)
