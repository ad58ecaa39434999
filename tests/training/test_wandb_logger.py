"""W&B: what it is told (by a stand-in for the library), and that the library itself takes it, offline."""

from __future__ import annotations

import functools
import importlib.util
import json
import math
import os
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tests.training.counting import counted
from tests.training.episodes_shown import RATE, tone

import myna.training.run
from myna.envs.snapshots import encode_flac
from myna.errors import BackendError
from myna.features.spectrogram import draw_pair
from myna.training.config import TrainConfig, WandbConfig
from myna.training.run import Training
from myna.training.wandb_logger import WandbLogger, check


def config(steps: int = 10, **wandb: Any) -> TrainConfig:
    plain = counted(steps)
    return replace(plain, run=replace(plain.run, trackers=("wandb",), wandb=WandbConfig(**wandb)))


class Wandb(ModuleType):
    """A library that takes notes, or fails as it is told to."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.began: list[dict[str, Any]] = []
        self.logged: list[tuple[int, dict[str, Any]]] = []
        self.finished, self.fails, self.starting_step = 0, "", 0
        for kind in ("Html", "Audio", "Image"):
            setattr(self, kind, functools.partial(lambda kind, value: (kind, value), kind))

    class Settings:
        model_fields = ("console", "silent")

        def __init__(self, **settings: Any) -> None:
            self.given = settings

    def init(self, **settings: Any) -> Any:
        self._maybe_fail()
        self.began.append(settings)
        name = settings["id"] or f"run{len(self.began)}"
        return SimpleNamespace(id=name, log=self._log, finish=self._finish, starting_step=self.starting_step)

    def _log(self, values: dict[str, Any], step: int) -> None:
        self._maybe_fail()
        self.logged.append((step, values))

    def _finish(self) -> None:
        self.finished += 1
        self._maybe_fail()

    def _maybe_fail(self) -> None:
        if self.fails:
            raise RuntimeError(self.fails)


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> Wandb:
    fake = Wandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    return fake


def test_a_run_is_begun_with_its_configuration_and_finished_once(tmp_path: Path, wandb: Wandb) -> None:
    logger = WandbLogger(tmp_path / "", config(project="birds", mode="offline"))
    logger.close()
    logger.close()
    logger.scalars(9, {"late": 1.0})
    [began] = wandb.began
    assert (began["project"], began["name"], began["mode"]) == ("birds", tmp_path.name, "offline")
    assert (began["dir"], began["config"]["kind"]) == (str(tmp_path), "sac")
    assert began["settings"].given == {"console": "off", "silent": True}  # what this version does not know is left out
    assert wandb.finished == 1 and wandb.logged == []


def test_each_thing_is_told_as_what_it_is(tmp_path: Path, wandb: Wandb) -> None:
    logger = WandbLogger(tmp_path, config())
    logger.scalars(3, {"train/loss": 0.5, "bad": math.nan})
    logger.text(3, "edits", "a <b>\nc")
    logger.audio(3, "sound", tmp_path / "a.flac")
    logger.image(3, "picture", tmp_path / "a.png")
    assert wandb.began[0]["mode"] is None  # as WANDB_MODE says
    assert wandb.logged == [
        (3, {"train/loss": 0.5}),
        (3, {"edits": ("Html", "<pre>a &lt;b&gt;\nc</pre>")}),
        (3, {"sound": ("Audio", str(tmp_path / "a.flac"))}),
        (3, {"picture": ("Image", str(tmp_path / "a.png"))}),
    ]


def test_a_resumed_training_goes_on_in_its_run_and_a_new_one_does_not(tmp_path: Path, wandb: Wandb) -> None:
    WandbLogger(tmp_path, config())
    wandb.starting_step = 8
    again = WandbLogger(tmp_path, config(), resumed=True)
    again.scalars(5, {"train/loss": 1.0})  # W&B has it
    again.scalars(10, {"train/loss": 2.0})
    WandbLogger(tmp_path, config())
    assert [began["id"] for began in wandb.began] == [None, "run1", None]
    assert wandb.logged == [(10, {"train/loss": 2.0})]
    assert json.loads((tmp_path / "wandb.json").read_text()) == {"id": "run3"}


@pytest.mark.parametrize("damaged", ["", "[]", '{"id": 3}', "{"])
def test_where_the_id_is_lost_another_run_is_begun(damaged: str, tmp_path: Path, wandb: Wandb) -> None:
    (tmp_path / "wandb.json").write_text(damaged)
    WandbLogger(tmp_path, config(), resumed=True)
    assert wandb.began[0]["id"] is None


def test_a_lost_connection_is_told_once_and_the_training_comes_to_its_end(
    tmp_path: Path, wandb: Wandb, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(myna.training.run.MAKERS, "sac", "tests.training.counting:make")

    def cut(status: Any) -> None:
        wandb.fails = "the network\nis down" if status.steps_done >= 7 else ""

    assert Training(config(20), tmp_path, watch=cut).run()
    assert [step for step, _ in wandb.logged] == [5] and wandb.finished == 1
    assert caplog.text.count("W&B does not take figures (the network is down)") == 1
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 5


def test_one_that_does_not_start_is_told_in_a_sentence(tmp_path: Path, wandb: Wandb) -> None:
    wandb.fails = "api_key not configured"
    with pytest.raises(BackendError, match=r"W&B did not start \(api_key not configured\): .* set WANDB_MODE=offline"):
        WandbLogger(tmp_path, config())


def test_without_the_library_the_mend_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(BackendError, match=r"needs the library wandb: pip install 'myna\[wandb\]'"):
        check()
    with pytest.raises(BackendError, match="pip install"):
        Training(config(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


# The library itself, in a process of its own: it starts threads and a service


OFFLINE = """
import sys, time
from pathlib import Path
from tests.training.test_wandb_logger import config, WandbLogger
out = Path(sys.argv[1])
for resumed, first in ((False, 10), (True, 20)):
    logger = WandbLogger(out, config(project="birds", mode="offline"), resumed)
    logger.scalars(first, {"train/loss": first / 4, "bad": float("nan")})
    logger.audio(first, "match/best/target", out / "a.flac")
    logger.image(first, "match/best/spectrogram", out / "a.png")
    logger.text(first, "match/best/edits", "opened <filter>")
    logger.scalars(first + 5, {"train/loss": 0.125})
    logger.close()
    time.sleep(1.1)  # folders are named by the second
"""


def records(path: Path) -> list[bytes]:
    """Whole records of W&B's own log: LevelDB's format behind a head of 7 bytes, in blocks of 32 KiB."""
    data, place, found, part = path.read_bytes(), 7, [], b""
    while place + 7 <= len(data):
        if 32_768 - place % 32_768 < 7:
            place += 32_768 - place % 32_768
            continue
        size, kind = struct.unpack("<HB", data[place + 4 : place + 7])
        part, place = part + data[place + 7 : place + 7 + size], place + 7 + size
        if kind in (1, 4):  # whole, or the last part
            found.append(part)
            part = b""
    return found


def history(path: Path) -> dict[int, dict[str, Any]]:
    """Step → what was logged, of a run that was offline."""
    from wandb.proto import wandb_internal_pb2 as messages

    found: dict[int, dict[str, Any]] = {}
    for data in records(path):
        record = messages.Record.FromString(data)  # pyright: ignore[reportAttributeAccessIssue]
        for item in record.history.item:
            name = item.key or "/".join(item.nested_key)  # of media a name for each of their figures
            found.setdefault(record.history.step.num, {})[name] = json.loads(item.value_json)
    return found


@pytest.mark.skipif(
    importlib.util.find_spec("wandb") is None, reason="wandb is not installed: pip install 'myna[wandb]'"
)
def test_offline_the_library_keeps_all_of_it_in_the_folder_under_one_id(tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(encode_flac(tone(440), RATE))
    (tmp_path / "a.png").write_bytes(draw_pair(tone(440), tone(220), RATE))
    home = {"HOME": str(tmp_path), "WANDB_ERROR_REPORTING": "false", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "error", "-c", OFFLINE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | home, timeout=300)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    name = json.loads((tmp_path / "wandb.json").read_text())["id"]
    first, second = sorted((tmp_path / "wandb").glob(f"offline-run-*-{name}/run-{name}.wandb"))
    told, later = history(first), history(second)
    assert (told[10]["train/loss"], told[15]["train/loss"], later[20]["train/loss"]) == (2.5, 0.125, 5.0)
    assert "bad" not in told[10]
    for name, kind in {"target": "audio", "spectrogram": "image", "edits": "html"}.items():
        assert told[10][f"match/best/{name}/_type"] == f"{kind}-file"
        assert (first.parent / "files" / told[10][f"match/best/{name}/path"]).is_file()
