"""What an evaluation leaves to look at and listen to: the files, their bounds, and what trackers are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.training.episodes_shown import RATE, shown_episode, tone, undrawn

from myna.envs.callbacks import Trail
from myna.synth.serum_lite.parameters import TABLE
from myna.training.media import Media
from myna.training.trajectory import draw_trajectory, most_moved

SLOTS = ("best", "worst", "fixed_1", "fixed_2")


class Notes:
    """A logger that remembers, and looks whether files are there."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, str]] = []
        self.texts: dict[str, str] = {}

    def scalars(self, step, values):
        raise AssertionError("media are no figures")

    def text(self, step, name, text):
        self.texts[name] = text

    def audio(self, step, name, path: Path):
        self.told.append(("audio", step, name))
        assert path.read_bytes().startswith(b"fLaC")

    def image(self, step, name, path: Path):
        self.told.append(("image", step, name))
        assert path.read_bytes().startswith(b"\x89PNG")

    def close(self): ...


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_of_each_slot_there_are_both_sounds_a_pair_of_spectrograms_the_knobs_and_the_words(tmp_path: Path) -> None:
    notes = Notes()
    Media(tmp_path / "media", 2).write(64, {slot: shown_episode() for slot in SLOTS}, notes)
    kinds = [("audio", "target"), ("audio", "match"), ("image", "spectrogram"), ("image", "knobs")]
    assert notes.told == [(how, 64, f"match/{slot}/{kind}") for slot in SLOTS[:2] for how, kind in kinds]
    text = notes.texts["match/best/edits"].splitlines()
    assert text[0] == "stage 6, 6 steps, loss 1.000 → 0.250" and text[1].startswith("raised knob 0")
    assert text[-1] == "what is left: log_mel 0.200, mfcc 0.050"
    sound, rate = soundfile.read(tmp_path / "media" / "step-000000000064" / "best-target.flac")
    assert rate == RATE and np.allclose(sound.T, tone(330), atol=1e-4)  # stereo, at its own level


def test_the_same_evaluation_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        Media(tmp_path / name, 1).write(5, {"best": shown_episode()}, Notes())
    one, other = (
        {p.name: p.read_bytes() for p in (tmp_path / n / "step-000000000005").iterdir()} for n in ("one", "other")
    )
    assert one == other and len(one) == 4


def test_the_oldest_make_room_within_both_bounds_and_nothing_else_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undrawn(monkeypatch)
    (tmp_path / "notes").mkdir()
    for step in range(1, 6):
        Media(tmp_path, 1, most=3).write(step, {"best": shown_episode()}, Notes())  # a new one, as after a restart
    assert kept(tmp_path) == ["notes", *(f"step-{step:012d}" for step in (3, 4, 5))]
    size = sum(path.stat().st_size for path in (tmp_path / "step-000000000005").iterdir())
    Media(tmp_path, 1, most=3, most_bytes=2 * size).write(6, {"best": shown_episode()}, Notes())
    assert kept(tmp_path) == ["notes", "step-000000000005", "step-000000000006"]
    Media(tmp_path, 1, most=3).write(6, {"best": shown_episode()}, Notes())  # again, after a resumption
    assert kept(tmp_path) == ["notes", "step-000000000005", "step-000000000006"]


def test_a_broken_sound_is_shown_as_silence(tmp_path: Path) -> None:
    Media(tmp_path, 1).write(1, {"worst": shown_episode(best=float("nan"), broken=True)}, Notes())
    assert not soundfile.read(tmp_path / "step-000000000001" / "worst-match.flac")[0].any()


def test_the_knobs_that_travelled_furthest_come_first_and_an_option_counts_as_the_whole_way() -> None:
    u = TABLE.snap(np.full((3, len(TABLE)), 0.5))
    ordered = np.flatnonzero(TABLE.steps == 0)
    choice = int(np.flatnonzero(TABLE.categorical & (TABLE.steps > 4))[0])
    u[:, ordered[3]] = (0.0, 0.6, 0.0)  # there and back: 1.2
    u[:, ordered[1]] = (0.0, 0.1, 0.2)
    u[1:, choice] += 1.0 / TABLE.steps[choice]
    assert most_moved(TABLE, u).tolist() == [ordered[3], choice, ordered[1]]
    assert most_moved(TABLE, u, 1).tolist() == [ordered[3]]


@pytest.mark.parametrize("case", ["known", "recording", "still", "one preset", "no number"])
def test_a_trajectory_is_a_picture_whatever_happened(case: str) -> None:
    trail = shown_episode().trail
    assert trail is not None
    trails = {
        "known": trail,
        "recording": trail._replace(target_u=None),
        "still": trail._replace(u=trail.u[[0]].repeat(7, 0)),
        "one preset": Trail(TABLE, trail.u[:1], trail.losses[:1], None),
        "no number": trail._replace(losses=np.full(7, np.nan)),
    }
    picture = draw_trajectory(trails[case], "a $title")
    assert picture.startswith(b"\x89PNG") and picture == draw_trajectory(trails[case], "a $title")


def test_an_episode_without_its_presets_has_no_picture_of_knobs(tmp_path: Path) -> None:
    Media(tmp_path, 1).write(1, {"best": replace(shown_episode(), trail=None)}, Notes())
    assert "best-knobs.png" not in kept(tmp_path / "step-000000000001")
