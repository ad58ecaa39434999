"""Figures, words, sounds and pictures to Weights & Biases: an extra, `pip install 'myna[wandb]'`.

Without a connection or an account `WANDB_MODE=offline` (or `run.wandb.mode`) keeps all in the training's folder, and
`wandb sync` sends it later.
"""

from __future__ import annotations

import contextlib
import dataclasses
import html
import importlib
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myna.envs.loggers import Once
from myna.errors import BackendError, printable
from myna.files import write_atomic

if TYPE_CHECKING:
    from myna.training.config import TrainConfig

__all__ = ["WandbLogger", "check", "make"]

RUN = "wandb.json"
FINISH_S = 60.0
"""How long the end waits for what has not been sent; it stays on disk for `wandb sync`."""


class WandbLogger:
    """A `Logger`.

    Nothing here stops a training that has begun: a fault is told once, and the figures are in `log.jsonl` anyway. A
    training that is resumed goes on in its run. What it logs again is what W&B has already, which passes it over.

    Args:
        out: the training's folder; W&B's own goes into it, and `wandb.json`, which keeps the run's id.
        config: of the training; `run.wandb` names project, run and mode.
        resumed: whether to go on in the run of `wandb.json`.

    Raises:
        BackendError: W&B is not installed, or does not start.
    """

    def __init__(self, out: Path, config: TrainConfig, resumed: bool = False) -> None:
        """See the class."""
        self._wandb, self._said = _library(), Once()
        said = config.run.wandb
        try:
            self._run: Any = self._wandb.init(
                project=said.project,
                name=said.name or out.resolve().name,
                id=_id_of(out / RUN) if resumed else None,
                resume="allow",
                dir=str(out),
                mode=said.mode or None,
                config=dataclasses.asdict(config),
                settings=self._settings(),
            )
        except Exception as error:  # whatever it may be: a network, an account, a service of theirs
            reason = printable(" ".join(str(error).split()), 120).rstrip(".")
            mend = "log in with `wandb login`, set WANDB_MODE=offline, or leave wandb out of run.trackers"
            raise BackendError(f"W&B did not start ({reason}): {mend}.") from error
        self._known = int(getattr(self._run, "starting_step", 0) or 0)
        write_atomic(out / RUN, json.dumps({"id": self._run.id}) + "\n")

    def _settings(self) -> Any:
        """It says nothing, reads neither console nor code, and does not wait for ever; older versions know less."""
        kind = self._wandb.Settings
        wanted = {"console": "off", "silent": True, "disable_git": True, "finish_timeout": FINISH_S}
        return kind(**{name: value for name, value in wanted.items() if name in kind.model_fields})

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Take figures of one step; one that is not finite is left out."""
        self._log(step, lambda: {name: value for name, value in values.items() if math.isfinite(value)})

    def text(self, step: int, name: str, text: str) -> None:
        """Take some lines of text."""
        self._log(step, lambda: {name: self._wandb.Html(f"<pre>{html.escape(text)}</pre>")})

    def audio(self, step: int, name: str, path: Path) -> None:
        """Take a sound file; W&B copies it."""
        self._log(step, lambda: {name: self._wandb.Audio(str(path))})

    def image(self, step: int, name: str, path: Path) -> None:
        """Take a PNG file; W&B copies it."""
        self._log(step, lambda: {name: self._wandb.Image(str(path))})

    def _log(self, step: int, content: Any) -> None:
        if self._run is None or step < self._known:
            return
        with self._forgiving():
            self._run.log(content(), step=step)

    def close(self) -> None:
        """Send what is pending, for a minute at most; harmless twice."""
        run, self._run = self._run, None
        if run is not None:
            with self._forgiving():
                run.finish()

    @contextlib.contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # see the class
            reason = printable(" ".join(str(error).split()), 120).rstrip(".")
            self._said.say(f"W&B does not take figures ({reason}): they are in log.jsonl, and the training goes on.")
        else:
            self._said.clear()


def make(out: Path, config: TrainConfig, resumed_at: int | None) -> WandbLogger:
    """The tracker of a training; see `logging.TRACKERS`."""
    return WandbLogger(out, config, resumed_at is not None)


def check() -> None:
    """See that the library is there.

    Raises:
        BackendError: it is not.
    """
    _library()


def _library() -> Any:
    try:
        return importlib.import_module("wandb")
    except ImportError as error:
        raise BackendError("The tracker wandb needs the library wandb: pip install 'myna[wandb]'.") from error


def _id_of(path: Path) -> str | None:
    """Of the run that a former start began; None where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["id"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) and found else None
