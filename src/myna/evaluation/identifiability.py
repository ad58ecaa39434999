"""How well a sound tells each knob: how far the loss moves when one knob of a typical preset is turned.

A knob that moves nothing cannot be found by any matcher, and need not be; two knobs that move the sound the same way
cannot be told apart. Both limit what an error of parameters means, see `myna.evaluation.measured.parameter_error`.

Shapes: n presets, P parameters, S steps, R residuals.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from myna.agents.knobs import audible_knobs
from myna.envs.noise_floor import success_loss
from myna.features import FULL, Features, analyse
from myna.loss import Heard, residuals, score
from myna.params import ParameterTable
from myna.presets.generator import MusicalPrior
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["DEAD_LOSS", "STEPS_U", "Map", "measure", "verdicts"]

STEPS_U = (0.02, 0.05, 0.1, 0.2, 0.5)
"""How far a knob is turned, in u; of a switch or a list, another choice stands for all of them."""
DEAD_LOSS = 1e-3
"""Under this a turn changes nothing that the loss hears."""
ALIKE_COSINE = 0.95
_NOTES_MIDI, _GATES_S, _TOTAL_S = (36, 84), (0.3, 0.9), 1.0
_DIRECTION = 1
"""Place in STEPS_U of the turn that tells which way a knob moves the sound."""
_FEW = 10
_TWINS = (("osc_a", "osc_b"), ("env_2", "env_3"), ("lfo_1", "lfo_2"))


@dataclass(frozen=True)
class Map:
    """What turning each knob did.

    Attributes:
        names: of the knobs, P.
        moved: (n, P, S) loss between a preset and itself with the knob turned so far; NaN where a whole number has no
            such step, or the preset's own settings make the knob silent whatever it says (a module that is off).
        silent: (n, P) bool, the latter.
        alike: (P, P) mean |cosine| between what two knobs do to the residuals, over presets in which both do something;
            NaN where those are fewer than ten, and on the diagonal.
        mirrored: (n, P) loss between a preset and itself with u of the knob mirrored, as a share of the loss of half
            its range; NaN where it stands in the middle, moves nothing or is a switch.
        twins: pair of modules → (n,) loss between a preset and itself with their settings exchanged.
    """

    names: tuple[str, ...]
    moved: np.ndarray
    silent: np.ndarray
    alike: np.ndarray
    mirrored: np.ndarray
    twins: dict[tuple[str, str], np.ndarray]


def measure(
    presets: int, seed: int = 0, renderer: Renderer | None = None, progress: Callable[[int], None] | None = None
) -> Map:
    """Turn every knob of so many draws of the musical prior, each played at a note and gate of its own.

    About 800 renders for each preset. The draws hang on the seed alone.
    """
    renderer = renderer or Renderer()
    table = renderer.table
    moved = np.full((presets, len(table), len(STEPS_U)), np.nan)
    silent, mirrored = np.zeros(moved.shape[:2], bool), np.full(moved.shape[:2], np.nan)
    twins: dict[tuple[str, str], list[float]] = {pair: [] for pair in _pairs(table)}
    cosines, counts = np.zeros((len(table), len(table))), np.zeros((len(table), len(table)), int)
    for index in range(presets):
        rng = generator(seed, "identifiability", index)
        probe = Probe(int(rng.integers(*_NOTES_MIDI)), 100, float(rng.uniform(*_GATES_S)), _TOTAL_S)
        u = table.snap(MusicalPrior(table).sample_audible(1, rng, functools.partial(renderer.render, probes=probe)))[0]
        turned = _Turned(table, u, rng, list(twins))
        losses, features, own = _heard(renderer, u, turned.u, probe)
        turned.fill(losses, moved[index], mirrored[index])
        silent[index] = turned.silent
        for pair, loss in zip(twins, losses[turned.twins], strict=True):
            twins[pair].append(loss)
        _add_cosines(turned, features, own, losses, cosines, counts)
        if progress is not None:
            progress(index + 1)
    few = counts < _FEW
    alike = np.where(few, np.nan, cosines / np.maximum(counts, 1))
    return Map(table.names, moved, silent, alike, mirrored, {pair: np.array(own) for pair, own in twins.items()})


def _pairs(table: ParameterTable) -> list[tuple[str, str]]:
    """Modules of equal make: their knobs have the same names."""
    knobs = {
        module: [n.partition(".")[2] for n in table.names if n.startswith(f"{module}.")] for module in table.modules
    }
    return [pair for pair in _TWINS if all(name in knobs for name in pair) and knobs[pair[0]] == knobs[pair[1]]]


class _Turned:
    """The presets that are heard of one: what is turned in each row.

    Attributes:
        u: (rows, P), and `knob`, `step` of each turn: the first rows.
        silent: (P,) bool.
        mirrors, twins: where the rows of those are, slices.
    """

    def __init__(self, table: ParameterTable, u: np.ndarray, rng: np.random.Generator, pairs: list[Any]) -> None:
        self.table, self.silent = table, ~audible_knobs(table, u)
        rows, self.knob, self.step = [], [], []
        for knob in np.flatnonzero(~self.silent).tolist():
            for step, value in _turns(table, knob, u[knob], rng):
                rows.append(_with(u, knob, value))
                self.knob.append(knob)
                self.step.append(step)
        ordered = np.flatnonzero(~self.silent & ~table.categorical).tolist()
        self.mirrored = [knob for knob in ordered if abs(1.0 - 2.0 * u[knob]) >= 0.2]
        self.mirrors = slice(len(rows), len(rows) + len(self.mirrored))
        rows += [_with(u, knob, 1.0 - u[knob]) for knob in self.mirrored]
        self.twins = slice(len(rows), len(rows) + len(pairs))
        rows += [_exchanged(table, u, *pair) for pair in pairs]
        self.u = table.snap(np.array(rows))

    def fill(self, losses: np.ndarray, moved: np.ndarray, mirrored: np.ndarray) -> None:
        """Put the losses of the rows where they belong, moved (P, S) and mirrored (P,)."""
        for row, (knob, step) in enumerate(zip(self.knob, self.step, strict=True)):
            moved[knob, step] = losses[row]
        for knob, loss in zip(self.mirrored, losses[self.mirrors], strict=True):
            if moved[knob, -1] > DEAD_LOSS:
                mirrored[knob] = loss / moved[knob, -1]


def _turns(table: ParameterTable, knob: int, u: float, rng: np.random.Generator) -> list[tuple[int | slice, float]]:
    """(step, new u) of a knob; of a switch or a list the one other choice, at all steps."""
    steps = int(table.steps[knob])
    if table.categorical[knob]:
        others = [i for i in range(steps) if i != int(u * steps)]
        return [(slice(None), (others[rng.integers(len(others))] + 0.5) / steps)] if others else []
    found: list[tuple[int | slice, float]] = []
    for step, size in enumerate(STEPS_U):
        ways = [way for way in rng.permutation([-1.0, 1.0]) if 0.0 <= u + way * size <= 1.0]
        if ways and (not steps or int((u + ways[0] * size) * steps - 1e-9) != int(u * steps)):
            found.append((step, u + ways[0] * size))
    return found


def _with(u: np.ndarray, knob: int, value: float) -> np.ndarray:
    turned = u.copy()
    turned[knob] = value
    return turned


def _exchanged(table: ParameterTable, u: np.ndarray, one: str, other: str) -> np.ndarray:
    """The settings of two modules of equal make, each in the other's place, and what points at one at the other."""
    turned, masks = u.copy(), (table.mask([one]), table.mask([other]))
    turned[masks[0]], turned[masks[1]] = u[masks[1]], u[masks[0]]
    for knob in np.flatnonzero(table.categorical):
        choices = table.parameters[knob].choices
        said = choices[int(u[knob] * len(choices))] if choices else ""
        module = said.partition(".")[0]
        if module in (one, other):
            turned[knob] = (choices.index(said.replace(module, other if module == one else one)) + 0.5) / len(choices)
    return turned


def _heard(renderer: Renderer, u: np.ndarray, rows: np.ndarray, probe: Probe) -> tuple[np.ndarray, Features, Heard]:
    """Losses (rows,) and features (rows,) against the preset itself, and the preset as it was heard."""
    own = Heard(analyse(renderer.render(u[None], probe)[:, 0], renderer.sample_rate, FULL))
    breakdown, features = score(renderer.render(rows, probe)[:, 0], renderer.sample_rate, own)
    return breakdown.total.double().numpy(), features, own


def _add_cosines(
    turned: _Turned, features: Features, own: Heard, losses: np.ndarray, sums: np.ndarray, counts: np.ndarray
) -> None:
    """Add |cosine| of the directions of each two knobs that do something."""
    rows = [
        row
        for row, (knob, step) in enumerate(zip(turned.knob, turned.step, strict=True))
        if step == _DIRECTION and losses[row] > DEAD_LOSS and not turned.table.categorical[knob]
    ]
    if len(rows) < 2:
        return
    knobs = np.array(turned.knob)[rows]
    directions = residuals(features[rows], own).astype(np.float64)
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-12)
    cosine = np.abs(directions @ directions.T)
    np.fill_diagonal(cosine, np.nan)
    known = np.isfinite(cosine)
    sums[np.ix_(knobs, knobs)] += np.where(known, cosine, 0.0)
    counts[np.ix_(knobs, knobs)] += known


def verdicts(found: Map) -> dict[str, Any]:
    """What the map says in lists, as JSON.

    `knobs`: of each the share of presets in which it does something (`heard`), the median loss of each step there and
    the half range's 90th percentile. `dead`: knobs that do nothing in 95 % of the presets. `weak`: whose half range
    moves the loss by less than the noise floor in the median of presets where they do something. `mirrored`: whose
    mirror image sounds nearly the same (a tenth of the half range's loss). `alike`: pairs of knobs that move the sound
    the same way (cosine 0.95 or more). `twins`: modules that may be exchanged with what points at them, median loss.
    """
    largest = np.nan_to_num(found.moved, nan=0.0).max(axis=2)
    heard = largest > DEAD_LOSS
    knobs = {name: _knob(found.moved[:, i], heard[:, i]) for i, name in enumerate(found.names)}
    half = {name: one["steps"][-1] for name, one in knobs.items() if one["steps"][-1] is not None}
    mirrored = {name: _median(found.mirrored[:, i]) for i, name in enumerate(found.names)}
    pairs = [
        {"knobs": [found.names[i], found.names[j]], "cosine": round(float(found.alike[i, j]), 3)}
        for i, j in np.argwhere(np.triu(found.alike > ALIKE_COSINE, 1))
    ]
    return {
        "presets": len(found.moved),
        "noise_floor": success_loss(),
        "steps_u": list(STEPS_U),
        "knobs": knobs,
        "dead": [name for i, name in enumerate(found.names) if heard[:, i].mean() < 0.05],
        "weak": sorted((name for name, loss in half.items() if loss < success_loss()), key=half.__getitem__),
        "mirrored": [name for name, share in mirrored.items() if share is not None and share < 0.1],
        "alike": sorted(pairs, key=lambda pair: -pair["cosine"]),
        "twins": {f"{a}, {b}": round(float(np.median(own)), 4) for (a, b), own in found.twins.items()},
    }


def _knob(moved: np.ndarray, heard: np.ndarray) -> dict[str, Any]:
    """Of moved (n, S) and where the knob did something, (n,)."""
    steps = [_median(moved[heard, step]) for step in range(moved.shape[1])]
    largest = moved[heard, -1]
    largest = largest[np.isfinite(largest)]
    most = round(float(np.quantile(largest, 0.9)), 4) if len(largest) else None
    return {"heard": round(float(heard.mean()), 3), "steps": steps, "half_range_p90": most}


def _median(values: np.ndarray) -> float | None:
    values = values[np.isfinite(values)]
    return round(float(np.median(values)), 4) if len(values) else None
