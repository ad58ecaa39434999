"""The configuration of a training: a TOML file, read into frozen dataclasses; a mistake is told in one sentence."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import os
import tomllib
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from myna.errors import MynaError, UsageError, printable
from myna.files import read_toml
from myna.training.logging import TRACKERS

__all__ = ["FOLDER", "RunConfig", "TrainConfig", "WandbConfig", "build", "load_config", "read_config"]

FOLDER = Path(__file__).parents[1] / "configs" / "train"
KINDS = ("sac", "regression", "cloning", "proxy")
T = TypeVar("T")


@dataclass(frozen=True)
class WandbConfig:
    """Where figures go, if `wandb` is among the trackers.

    Attributes:
        project: its name.
        name: of the run; empty for that of the training's folder.
        mode: `online` or `offline`; empty for what WANDB_MODE says, else `online`.
    """

    project: str = "myna"
    name: str = ""
    mode: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: names the setting.
        """
        if self.mode not in ("", "online", "offline"):
            raise UsageError(f"mode must be online or offline; got '{printable(self.mode, 40)}'.")


@dataclass(frozen=True)
class RunConfig:
    """How long, and what happens meanwhile. Steps are the learner's own: renders or gradient updates.

    Attributes:
        steps: of the whole training.
        minutes: it also ends after so many, over all resumptions; 0 for no limit.
        log_every, evaluate_every, checkpoint_every: steps between two of each.
        trackers: that figures go to beside `log.jsonl`: `tensorboard`, `wandb`.
        media: episodes of an evaluation that are kept as sounds and pictures, 0 to 4: the best, the worst, two others.
        wandb: see `WandbConfig`.
    """

    steps: int
    minutes: float = 0.0
    log_every: int = 1_024
    evaluate_every: int = 65_536
    checkpoint_every: int = 65_536
    trackers: tuple[str, ...] = ("tensorboard",)
    media: int = 4
    wandb: WandbConfig = field(default_factory=WandbConfig)

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: names the setting.
        """
        for name in ("steps", "log_every", "evaluate_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be 1 or more; got {getattr(self, name)}.")
        if self.minutes < 0.0:
            raise UsageError(f"minutes must be 0 (no limit) or more; got {self.minutes:g}.")
        if not 0 <= self.media <= 4:
            raise UsageError(f"media must be 0 (none) to 4; got {self.media}.")
        for name in self.trackers:
            if name not in TRACKERS:
                raise UsageError(f"trackers must be of {', '.join(TRACKERS)}; got '{printable(name, 40)}'.")


@dataclass(frozen=True)
class TrainConfig:
    """A training.

    Attributes:
        kind: what learns: `sac`, `regression`, `cloning` or `proxy`.
        run: see `RunConfig`.
        seed: of everything random, 0 or more.
        device: `cpu` or `cuda`, of networks, replay and renders.
        sac, regression, cloning, proxy: the learner's own settings, read by it; only that of `kind` counts.
    """

    kind: str
    run: RunConfig
    seed: int = 0
    device: str = "cpu"
    sac: Mapping[str, Any] = field(default_factory=dict)
    regression: Mapping[str, Any] = field(default_factory=dict)
    cloning: Mapping[str, Any] = field(default_factory=dict)
    proxy: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: names the setting.
        """
        if self.kind not in KINDS:
            raise UsageError(f"kind must be one of {', '.join(KINDS)}; got '{printable(self.kind, 40)}'.")
        if self.seed < 0:
            raise UsageError(f"seed must be 0 or more; got {self.seed}.")
        if self.device not in ("cpu", "cuda"):
            raise UsageError(f"device must be cpu or cuda; got '{printable(self.device, 40)}'.")

    def settings(self, kind: type[T]) -> T:
        """The learner's own settings, as its dataclass.

        Raises:
            UsageError: names the setting and the mend.
        """
        return build(kind, getattr(self, self.kind), f"{self.kind}.")


def load_config(name: str | Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a configuration.

    Args:
        name: of one that comes with myna (`smoke`, `laptop`, `gpu`, …), or the path of a TOML file.
        overrides: `key=value`, keys with dots (`run.steps=1000`), values as TOML writes them or plain words.

    Raises:
        UsageError: it cannot be read, or says something wrong: names the file, the setting and the mend.
    """
    path = _path(name)
    content = read_toml(path, "a configuration")
    for override in overrides:
        _lay_over(content, override)
    where = path.name + (" with overrides" if overrides else "")
    try:
        return build(TrainConfig, content, "")
    except UsageError as error:
        raise UsageError(f"{printable(where)}: {error}") from None


def read_config(folder: Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """The configuration of a training that was begun in a folder.

    Args:
        folder: of the training.
        overrides: as those of `load_config`.

    Raises:
        MynaError: the folder holds no training, or its `config.json` cannot be read.
        UsageError: an override that is wrong.
    """
    where = printable(str(folder))
    try:
        content = json.loads((folder / "config.json").read_bytes())
        build(TrainConfig, content, "")
    except (FileNotFoundError, NotADirectoryError):
        raise MynaError(f"{where} holds no training: begin one with `myna train --out {where}`.") from None
    except (OSError, ValueError, TypeError, RecursionError, UsageError):
        raise MynaError(
            f"The config.json of {where} cannot be read: go on with `myna train --resume` and its configuration."
        ) from None
    for override in overrides:
        _lay_over(content, override)
    return build(TrainConfig, content, "")


def _path(name: str | Path) -> Path:
    shipped = FOLDER / f"{name}.toml"
    if "/" not in str(name) and os.path.isfile(shipped):  # of a name that no file can have, Path.is_file may raise
        return shipped
    if not os.path.isfile(name):
        known = ", ".join(sorted(path.stem for path in FOLDER.glob("*.toml")))
        raise UsageError(f"There is no configuration '{printable(str(name))}': name a TOML file or one of {known}.")
    return Path(name)


def _lay_over(content: dict[str, Any], override: str) -> None:
    key, given, value = override.partition("=")
    *tables, last = key.strip().split(".")
    if not given or not all([*tables, last]):
        raise UsageError(f"An override is key=value, such as run.steps=1000; got '{printable(override)}'.")
    for name in tables:
        content = content.setdefault(name, {})
        if not isinstance(content, dict):
            raise UsageError(f"The override '{printable(override)}' looks inside of '{name}', which is no table.")
    content[last] = _toml_value(value.strip())


def _toml_value(text: str) -> Any:
    """A value as TOML writes it; what is none is text."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"] if set(parsed) == {"value"} else text


# From tables to dataclasses


def build(kind: type[T], said: Mapping[str, Any], here: str) -> T:
    """A dataclass of a table, its fields checked by their types; nested ones of nested tables.

    Args:
        kind: the dataclass; its own errors are told with the place.
        said: the table.
        here: what to put before a field's name in a message, such as `sac.`.

    Raises:
        UsageError: an unknown or missing field, or a value of another type.
    """
    hints, own = get_type_hints(kind), {one.name: one for one in dataclasses.fields(kind)}  # pyright: ignore[reportArgumentType] - a dataclass
    for key in said:
        if key not in own:
            close = difflib.get_close_matches(str(key), list(own), 1)
            hint = f"did you mean '{close[0]}'?" if close else f"choose from {', '.join(own)}."
            raise UsageError(f"There is no setting '{here}{printable(str(key), 40)}'; {hint}")
    for name, one in own.items():
        if one.default is one.default_factory is dataclasses.MISSING and name not in said:
            raise UsageError(f"The setting '{here}{name}' is missing: add it.")
    values = {key: _value(hints[key], value, f"{here}{key}") for key, value in said.items()}
    try:
        return kind(**values)
    except UsageError as error:
        raise UsageError(f"{here.rstrip('.')}: {error}" if here else str(error)) from None


def _value(hint: Any, value: Any, here: str) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(one for one in get_args(hint) if one is not type(None))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return build(hint, _as(Mapping, value, here, "a table"), f"{here}.")
    if get_origin(hint) is tuple:
        return _several(get_args(hint), _as(list, value, here, "a list"), here)
    if hint is float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        return float(value) if number else _refuse(here, "a number", value)
    if hint is int:
        return value if isinstance(value, int) and not isinstance(value, bool) else _refuse(here, "whole", value)
    if hint in (bool, str):
        return _as(hint, value, here, "true or false" if hint is bool else "text")
    if hint is Mapping or get_origin(hint) is not None:
        return _plain(_as(Mapping, value, here, "a table"), here)
    return value  # its own class checks it


def _plain(value: Any, here: str) -> Any:
    """A value that its own class will check, without the dates and times that TOML knows: no setting is one."""
    if isinstance(value, Mapping):
        return {key: _plain(part, f"{here}.{printable(str(key), 40)}") for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part, here) for part in value]
    return value if isinstance(value, (str, bool, int, float)) else _refuse(here, "no date or time", value)


def _several(hints: tuple[Any, ...], values: list[Any], here: str) -> tuple[Any, ...]:
    if len(hints) == 2 and hints[1] is Ellipsis:
        return tuple(_value(hints[0], value, here) for value in values)
    if len(values) != len(hints):
        _refuse(here, f"a list of {len(hints)}", values)
    return tuple(_value(hint, value, here) for hint, value in zip(hints, values, strict=True))


def _as(kind: Any, value: Any, here: str, what: str) -> Any:
    return value if isinstance(value, kind) else _refuse(here, what, value)


def _refuse(here: str, what: str, value: Any) -> Any:
    raise UsageError(f"{here} must be {what}; got {printable(repr(value), 60)}.")
