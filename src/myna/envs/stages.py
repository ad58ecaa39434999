"""The stages of a curriculum: what they say, and how they are read from TOML; a mistake is told in one sentence.

Shapes: P parameters.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from myna.envs.stage_fields import FIELDS, TOP, BadField, Check
from myna.errors import UsageError, printable
from myna.files import read_toml
from myna.params import ParameterTable
from myna.synth.base import Probe

__all__ = ["DEFAULT_PATH", "CurriculumConfig", "ProbeSet", "Stage", "laid_over", "load_stages"]

DEFAULT_PATH = Path(__file__).parents[1] / "configs" / "curriculum.toml"


@dataclass(frozen=True)
class ProbeSet:
    """What is played in an episode.

    Attributes:
        notes: 1 to 4 MIDI notes, 0 to 127.
        velocity: 1 to 127, of all of them.
        gate_s: how long each key is held, 0.001 s up to the curriculum's total_s.
    """

    notes: tuple[float, ...]
    velocity: float
    gate_s: float

    def probes(self, count: int, total_s: float) -> tuple[Probe, ...]:
        """So many probes; where there are fewer notes, they come again from the first."""
        played = [self.notes[i % len(self.notes)] for i in range(count)]
        return tuple(Probe(note, self.velocity, self.gate_s, total_s) for note in played)


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        number: from 1.
        name: as in the file, for people.
        open: names of the parameters that are open: what this stage `opens` (modules or parameters), and what the
            stages before it opened. Targets and starts keep the defaults elsewhere.
        musical: share in [0, 1] of targets from the musical prior; the others are uniform.
        starts: kind → share: `default` (the default preset), `near` (between the target and a musical draw) and
            `retrieved` (from a bank). They add up to 1.
        distance: of near starts, in [0, 1], as the stage begins and in full: 0 is the target, 1 the musical draw.
        ramp_episodes: episodes of the stage until the distance is full, 0 or more.
        probe_sets: each task plays one of them.
        bound: the largest |Δu| of a step, above 0 up to 1.
        horizon: action mode (`all`, `module`) → steps of an episode, 1 or more.
        earlier: share in [0, 1] of tasks that come from earlier stages, evenly; nothing in the first stage.
        recordings: share in [0, 1] of the stage's own tasks that come from recordings, where some are given.
        held_out: how many fixed targets judge the stage, 1 or more.
        promotion: (`below`, `after`): on to the next stage once the median best loss on the held-out targets was at
            most `below` in `after` evaluations in a row.
        demotion: (`above`, `after`): back to this stage from the next one once that median was over `above` in `after`
            evaluations in a row; `above` exceeds the promotion's `below`, so that a stage does not flicker.
    """

    number: int
    name: str
    open: tuple[str, ...]
    musical: float
    starts: Mapping[str, float]
    distance: tuple[float, float]
    ramp_episodes: int
    probe_sets: tuple[ProbeSet, ...]
    bound: float
    horizon: Mapping[str, int]
    earlier: float
    recordings: float
    held_out: int
    promotion: Mapping[str, float]
    demotion: Mapping[str, float]

    def mask(self, table: ParameterTable) -> np.ndarray:
        """Which parameters are open, (P,) bool."""
        return np.isin(table.names, self.open)

    def distance_after(self, episodes: int) -> float:
        """Distance of a near start once so many episodes of the stage are over."""
        first, full = self.distance
        return full if episodes >= self.ramp_episodes else first + (full - first) * episodes / self.ramp_episodes


@dataclass(frozen=True)
class CurriculumConfig:
    """All stages and what they share.

    Attributes:
        stages: in order, at least one.
        total_s: length of every sound in seconds, 0.1 to 30: one length, so that all tasks fit in one batch.
        held_out_seed: of the held-out targets, 0 or more; not the run's seed, so that runs are judged alike.
        own_seeds: whether each target has noise and random phases of its own, as a recording has; else they are the
            renderer's, and the very target can be reached.
    """

    stages: tuple[Stage, ...]
    total_s: float
    held_out_seed: int
    own_seeds: bool

    @cached_property
    def notes(self) -> int:
        """Probes per task, N: as many as the largest probe set has, in every stage."""
        return max(len(played.notes) for stage in self.stages for played in stage.probe_sets)


def load_stages(
    table: ParameterTable, path: str | Path | None = None, overrides: Mapping[str, Any] | None = None
) -> CurriculumConfig:
    """Read and check a curriculum.

    Args:
        table: the synth's parameters.
        path: of a TOML file; None for the one that comes with myna.
        overrides: tables to lay over the file's, key by key: `{"defaults": {"bound": 0.1}}` or
            `{"stages": {"filter": {"musical": 1.0}}}`. A new stage comes last.

    Raises:
        UsageError: the file cannot be read, or says something wrong: names the file, the stage, the field and the mend.
    """
    path = Path(path or DEFAULT_PATH)
    where = printable(str(path) if path != DEFAULT_PATH else path.name)
    content = laid_over(read_toml(path, "a curriculum", where), overrides or {})
    if overrides:
        where += " with overrides"
    try:
        return _config(content, table)
    except BadField as error:
        raise UsageError(f"{where}: {error}") from None


def laid_over(content: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Tables with others laid over them, key by key; neither is changed."""
    merged = dict(content)
    for key, value in overrides.items():
        below = merged.get(key)
        merged[key] = laid_over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _config(content: Mapping[str, Any], table: ParameterTable) -> CurriculumConfig:
    top = _checked(content, {**TOP, "defaults": _table, "stages": _table}, "", [*TOP, "stages"])
    defaults = top.get("defaults", {})
    _checked(defaults, FIELDS, "[defaults] ", [])  # here, so that its mistakes are not told of the first stage
    stages: list[Stage] = []
    for name, said in top["stages"].items():
        here = f"stage '{printable(str(name), 40)}'"
        if not isinstance(said, Mapping):
            raise BadField(f"{here} must be a table of fields.")
        values = _checked(laid_over(defaults, said), FIELDS, f"{here}: ", FIELDS)
        try:
            stages.append(_stage(str(name), values, stages, table, top["total_s"]))
        except BadField as error:
            raise BadField(f"{here}: {error}") from None
    if not stages:
        raise BadField("[stages] is empty: describe at least one stage.")
    return CurriculumConfig(tuple(stages), top["total_s"], top["held_out_seed"], top["own_seeds"])


def _stage(name: str, values: dict[str, Any], before: list[Stage], table: ParameterTable, total_s: float) -> Stage:
    opened = {*_opened(values.pop("opens"), table), *(before[-1].open if before else ())}
    played = tuple(ProbeSet(**fields) for fields in values.pop("probe_sets"))
    longest = max(one.gate_s for one in played)
    if longest > total_s:
        raise BadField(f"gate_s must be at most total_s, {total_s:g} s; got {longest:g}.")
    if not opened:
        raise BadField("opens nothing: name a module or a parameter.")
    if values["demotion"]["above"] <= values["promotion"]["below"]:
        raise BadField(f"demotion.above must exceed promotion.below, {values['promotion']['below']:g}.")
    names = tuple(n for n in table.names if n in opened)
    return Stage(number=len(before) + 1, name=name, open=names, probe_sets=played, **values)


def _opened(names: list[str], table: ParameterTable) -> list[str]:
    """Parameters by their own names or their modules'."""
    found: list[str] = []
    for name in names:
        try:
            found += [table[name].name] if "." in name else np.array(table.names)[table.mask([name])].tolist()
        except UsageError as error:
            raise BadField(f"opens: {error}") from None
    return found


def _table(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadField(f"must be a table; got {printable(repr(value), 40)}.")
    return value


def _checked(
    said: Mapping[str, Any], checks: Mapping[str, Check], here: str, required: Iterable[str]
) -> dict[str, Any]:
    """The fields after their checks, all of them known and none missing."""
    for key in said:
        if key not in checks:
            close = difflib.get_close_matches(str(key), list(checks), 1)
            hint = f"did you mean '{close[0]}'?" if close else f"choose from {', '.join(checks)}."
            raise BadField(f"{here}there is no field '{printable(str(key), 40)}'; {hint}")
    for key in required:
        if key not in said:
            raise BadField(f"{here}the field '{key}' is missing: add it.")
    result = {}
    for key, value in said.items():
        try:
            result[key] = checks[key](value)
        except BadField as error:
            raise BadField(f"{here}{key} {error}") from None
    return result
