"""A loss in words: what differs, which way and by how much."""

from __future__ import annotations

import re

import numpy as np
import pytest

from myna.errors import UsageError
from myna.features import TRAINING, analyse
from myna.loss import CONFIGS, Heard, PerceptualLoss
from myna.loss.config import PENALTY_WEIGHTS, WEIGHTS
from myna.loss.explain import _WORDS, Finding, explain

from .conftest import RATE, note, white


def findings(sound: np.ndarray, target: np.ndarray) -> dict[str, Finding]:
    return {f.name: f for f in explain(analyse(sound, RATE), analyse(target, RATE))}


@pytest.mark.parametrize(
    ("sound", "name", "words"),
    [
        (note(partials=40), "centroid", r"brighter by 0\.\d\d octaves"),
        (note(partials=3), "centroid", r"darker by \d\.\d\d octaves"),
        (note(gain_db=-6), "loudness", r"6\.0 LU too quiet"),
        (note(gain_db=3), "loudness", r"3\.0 LU too loud"),
        (note(gain_db=-20), "level", r"\d+\.\d LU too quiet"),
        (note(late_s=0.1), "onset", r"starts (9\d|10\d) ms late"),
        (note(5), "transport", r"energy lies \d+\.\d of 128 mel bands away: \d+\.\d bands higher on balance"),
        (note(-5), "transport", r".*bands lower on balance"),
        (note(decay_s=0.05), "envelope", r"levels over time differ by \d+\.\d dB once onsets are aligned"),
        (note() + 0.05 * np.array([[1.0], [-1.0]]) * white(), "stereo", r"sides \d+\.\d dB louder"),
        (0.1 * white(), "noise", r"noisier: roughness 0\.\d\d against 0\.\d\d"),
        (np.zeros_like(note()), "silence", r"its loudest moment is \d+ dB under the target's"),
        (note() + 0.4, "dc", r"\d\d % of its power is a constant"),
        (np.clip(30 * note(), -1, 1), "clipping", r"\d\d % of its samples are clipped"),
    ],
)
def test_a_difference_is_said_in_words(sound: np.ndarray, name: str, words: str) -> None:
    assert re.fullmatch(words, findings(sound.astype(np.float32), note())[name].text)


def test_findings_come_dearest_first_and_add_up() -> None:
    sound, target = analyse(note(4, gain_db=-14), RATE), analyse(note(), RATE)
    found = explain(sound, target)
    assert [f.loss for f in found] == sorted((f.loss for f in found), reverse=True)
    assert sum(f.loss for f in found) == pytest.approx(float(PerceptualLoss()(sound, target).total), rel=1e-5)
    assert sum(f.share for f in found) == pytest.approx(1.0)


def test_the_same_sound_is_said_to_be_the_same() -> None:
    found = findings(note(), note())
    assert {f.share for f in found.values()} == {0.0}
    assert found["centroid"].text == "as bright"
    assert found["loudness"].text == "as loud"
    assert found["onset"].text == "starts on time"


def test_every_term_and_penalty_has_words() -> None:
    assert set(_WORDS) == {*WEIGHTS, *PENALTY_WEIGHTS, "broken"}
    heard = Heard(analyse(note(), RATE))
    assert all(say(heard, heard) for say in _WORDS.values())


def test_the_training_loss_can_be_explained_too() -> None:
    sound, target = (analyse(x, RATE, TRAINING) for x in (note(3), note()))
    found = explain(sound, target, PerceptualLoss(CONFIGS["training"]))
    assert {f.name for f in found} >= set(CONFIGS["training"].weights)


def test_a_batch_is_refused() -> None:
    two = analyse(np.stack([note(), note()]), RATE)
    with pytest.raises(UsageError, match="one sound"):
        explain(two, two[:1])
