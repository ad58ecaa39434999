"""The curves of trainings in the docs are those of their logs."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "training_curves.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def log(best: float) -> list[dict[str, Any]]:
    """As `myna train` writes it: figures, and lines of other kinds between."""
    return [
        {"step": 10, "scalars": {"rollout/ep_rew_mean": 1.0, "train/ent_coef": None}},
        {"step": 20, "scalars": {"eval/in/best": best, "eval/in/start": 0.5, "eval/rec/best": 0.4}},
        {"step": 20, "media": {"match/best/target": "a.wav"}},
        {"step": 30, "scalars": {"eval/in/best": best / 2, "eval/in/start": 0.5, "rollout/ep_rew_mean": 3.0}},
    ]


def test_a_curve_has_the_steps_at_which_its_figure_was_told(script: dict[str, Any]) -> None:
    assert script["curve"](log(0.3), "eval/in/best") == ([20, 30], [0.3, 0.15])
    assert script["curve"](log(0.3), "rollout/ep_rew_mean") == ([10, 30], [1.0, 3.0])
    assert script["curve"](log(0.3), "train/ent_coef") == ([], [])


def test_each_training_is_drawn_in_each_panel_and_starts_are_dashed(script: dict[str, Any]) -> None:
    axes = script["drawn"]({"one": log(0.3), "two": log(0.2)}).axes
    assert [panel.get_title(loc="left") for panel in axes] == [title for title, _, _ in script["PANELS"]]
    solid, dashed, other, _ = axes[0].get_lines()
    assert (solid.get_label(), other.get_label()) == ("one", "two")
    assert (list(solid.get_ydata()), list(dashed.get_ydata())) == ([0.3, 0.15], [0.5, 0.5])
    assert solid.get_linestyle() == "-" != dashed.get_linestyle()


def test_the_picture_is_made_from_folders_and_the_same_again(
    tmp_path: Path, script: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log(0.3)))
    image = tmp_path / "training.png"
    monkeypatch.setitem(script["main"].__globals__, "IMAGE", image)
    monkeypatch.setattr("sys.argv", ["training_curves.py", f"mine={tmp_path}"])
    script["main"]()
    drawn = image.read_bytes()
    script["main"]()
    assert drawn[:4] == b"\x89PNG" and image.read_bytes() == drawn


@pytest.mark.parametrize(("said", "told"), [("mine", "each as NAME=DIR"), ("mine=nowhere", "nowhere/log.jsonl is not")])
def test_what_is_not_there_is_told(
    said: str, told: str, script: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["training_curves.py", said])
    with pytest.raises(SystemExit) as stop:
        script["main"]()
    assert stop.value.code == 2
    assert told in capsys.readouterr().err
