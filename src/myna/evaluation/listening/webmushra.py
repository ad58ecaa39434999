"""A listening test for webMUSHRA (github.com/audiolabs/webMUSHRA): its YAML and the sounds, to lay into its folder.

webMUSHRA's `paired_comparison` page asks which of two sounds is the reference, with the reference among them, so it
cannot ask which of two others is closer. The two questions become two pages for each trial:

- closer: a `mushra` page with X as the reference; A, B and X itself, hidden, are rated from 0 to 100 beside it.
- better: a `likert_multi_stimulus` page without X; A and B are rated from 1 to 5.

The higher rating is the vote, and no vote where they are equal. webMUSHRA shuffles A and B on each page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from myna.audio.wav import write_wav
from myna.errors import UsageError
from myna.evaluation.listening.formats import QUESTIONS
from myna.evaluation.listening.trials import ListeningTest, Trial
from myna.evaluation.report.page import printable
from myna.files import make_folder, write_atomic

__all__ = ["configuration", "export", "to_yaml"]

LONGEST_S = 12.0
"""webMUSHRA refuses longer sounds."""
RATINGS = ("bad", "poor", "fair", "good", "excellent")


def export(test: ListeningTest, folder: Path, title: str = "Listening test") -> list[Path]:
    """Write `configs/myna-TEST.yaml` and the sounds beside it, in a folder that is laid over webMUSHRA's own.

    The key is not among them, as all of `configs` can be read by whoever takes the test.

    Args:
        test: what is heard.
        folder: made where it is not there.
        title: shown to the listeners.

    Returns:
        The files, the YAML last.

    Raises:
        UsageError: a sound is longer than webMUSHRA takes.
        MynaError: a file cannot be written.
    """
    longest = max(trial.sounds[0].shape[1] for trial in test.trials) / test.sample_rate
    if longest > LONGEST_S:
        raise UsageError(f"A sound lasts {longest:.1f} s, and webMUSHRA takes {LONGEST_S:g} s: match shorter targets.")
    sounds = make_folder(folder / _sounds(test))
    written = []
    for trial in test.trials:
        for key, sound in zip("xab", trial.sounds, strict=True):
            written.append(sounds / _name(trial, key))
            write_wav(written[-1], sound, test.sample_rate)
    config = folder / "configs" / f"{_id(test)}.yaml"
    write_atomic(config, to_yaml(configuration(test, title)))
    return [*written, config]


def _id(test: ListeningTest) -> str:
    return f"myna-{test.id}"


def _sounds(test: ListeningTest) -> str:
    """Where the sounds lie, seen from webMUSHRA's own folder, as its paths are."""
    return f"configs/resources/{_id(test)}"


def _name(trial: Trial, key: str) -> str:
    return f"{trial.id}_{key}.wav"


def configuration(test: ListeningTest, title: str = "Listening test") -> dict[str, Any]:
    """The experiment as webMUSHRA's documentation for experimenters describes it (doc/experimenter.md)."""
    trials = [page for trial in test.trials for page in (_closer(test, trial), _better(test, trial))]
    return {
        "testname": printable(title),
        "testId": _id(test),
        "bufferSize": 2048,
        "stopOnErrors": True,
        "showButtonPreviousPage": True,
        "remoteService": "service/write.php",
        "pages": [_welcome(), _volume(test), *trials, _finish()],
    }


def _welcome() -> dict[str, Any]:
    asked = "".join(f"<li>{question['asks']} {question['hint']}</li>" for question in QUESTIONS.values())
    content = (
        f"<p>In each trial you hear a sound X and imitations of it. Two questions are asked:</p><ol>{asked}</ol>"
        "<p>The questions are apart: an imitation may be closer and sound worse. All sounds are equally loud.</p>"
    )
    return {"type": "generic", "id": "welcome", "name": "Before you begin", "content": content}


def _volume(test: ListeningTest) -> dict[str, Any]:
    return {
        "type": "volume",
        "id": "volume",
        "name": "Volume",
        "content": "Set the volume so that this sound is pleasant, and leave it there.",
        "stimulus": f"{_sounds(test)}/{_name(test.trials[0], 'x')}",
        "defaultVolume": 0.5,
    }


def _closer(test: ListeningTest, trial: Trial) -> dict[str, Any]:
    return {
        "type": "mushra",
        "id": f"{trial.id}_closer",
        "name": "How close is each sound to the reference?",
        "content": QUESTIONS["closer"]["hint"].replace("X", "the reference"),
        "showWaveform": False,
        "enableLooping": True,
        "strict": False,
        "reference": f"{_sounds(test)}/{_name(trial, 'x')}",
        "createAnchor35": False,
        "createAnchor70": False,
        "randomize": True,
        "showConditionNames": False,
        "stimuli": _stimuli(test, trial),
    }


def _better(test: ListeningTest, trial: Trial) -> dict[str, Any]:
    return {
        "type": "likert_multi_stimulus",
        "id": f"{trial.id}_better",
        "name": "How good does each sound?",
        "content": "Rate the one higher that you would rather use.",
        "mustRate": True,
        "mustPlayback": "processUpdate",
        "stimuli": _stimuli(test, trial),
        "response": [{"value": value, "label": label} for value, label in enumerate(RATINGS, 1)],
    }


def _stimuli(test: ListeningTest, trial: Trial) -> dict[str, str]:
    return {key: f"{_sounds(test)}/{_name(trial, key)}" for key in "ab"}


def _finish() -> dict[str, Any]:
    return {
        "type": "finish",
        "name": "Thank you",
        "content": "Your ratings are sent when you press the button.",
        "showResults": False,
        "writeResults": True,
        "questionnaire": [{"type": "text", "label": "Your name or number", "name": "listener"}],
    }


# YAML


def to_yaml(document: Mapping[str, Any]) -> str:
    """Block YAML whose keys and values are JSON's, which webMUSHRA's parser reads: it knows no JSON of many lines.

    >>> print(to_yaml({"pages": [{"type": "generic", "loop": True}], "size": 2}), end="")
    "pages":
      -
        "type": "generic"
        "loop": true
    "size": 2
    """
    return "".join(f"{line}\n" for line in _lines(document))


def _lines(value: Mapping[str, Any] | Sequence[Any]) -> Iterator[str]:
    mapping = isinstance(value, Mapping)
    items = [(f"{_json(key)}:", part) for key, part in value.items()] if mapping else [("-", part) for part in value]
    for head, part in items:
        if isinstance(part, (Mapping, list, tuple)):
            yield head
            yield from (f"  {line}" for line in _lines(part))
        else:
            yield f"{head} {_json(part)}"


def _json(value: Any) -> str:
    # Its parser reads \u escapes beyond ASCII wrongly, and the characters themselves rightly.
    return json.dumps(value, ensure_ascii=False)
