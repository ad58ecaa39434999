"""Many searches in lock-step: what all of them ask for is rendered and heard together.

What a search gets to know depends on its own goal alone: renders, features and losses have the same bits whatever else
is in the batch and whatever the threads.

Shapes: n presets, P parameters, C channels, T samples.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from myna.agents.objective import Objective, Search, Watch
from myna.features import Features, each_item
from myna.loss import score

__all__ = ["LOCKSTEP", "only", "run", "step"]

LOCKSTEP = 32
"""Searches that run at once; when one ends the next begins."""
_AUDIO_BYTES = 1 << 28


def run(searches: Iterable[tuple[Objective, Search]], budget: int, watch: Watch) -> Iterator[Objective]:
    """Run searches until each has ended, spent its budget, or the person asked to stop; the objectives as they end.

    A search that asks for more than is left is closed, and what is left is still heard. One that ends before the first
    render has its start, or the default preset, rendered.

    Args:
        searches: fetched one by one as there is room.
        budget: of all together, for the progress.
        watch: who looks on.
    """
    waiting = (_Run(objective, search) for objective, search in searches)
    tally = _Tally(budget, watch)
    active: list[_Run] = []
    while active := active + list(itertools.islice(waiting, LOCKSTEP - len(active))):
        stopped = watch.stopped
        for one in active:
            one.ask(stopped)
        asking = [one for one in active if len(one.asked)]
        if asking:
            _hear(asking)
            tally.tell([one.objective for one in asking])
        yield from (one.objective for one in active if one.ended)
        active = [one for one in active if not one.ended]


def only(objective: Objective, search: Search, renders: int) -> Search:
    """A search that is a part of another and ends after so many renders; to be used with `yield from`.

    That search may itself be made of such parts.
    """
    with objective.share(renders), contextlib.closing(search):
        end, losses = objective.limit, None  # while a part of the search runs, the objective's limit is that part's
        while (left := end - objective.renders) > 0 and (asked := step(search, losses)) is not None:
            losses = yield asked[:left]
            if len(losses) < len(asked):
                break


def step(search: Search, losses: np.ndarray | None) -> np.ndarray | None:
    """What a search asks for, given the losses of what it asked for before; None if it has ended."""
    try:
        return next(search) if losses is None else search.send(losses)
    except StopIteration:
        return None


@dataclass
class _Run:
    """A search that is going on; `asked` (n, P) is to be heard next, and `ended` tells that there is no more."""

    objective: Objective
    search: Search
    asked: np.ndarray = field(init=False)
    losses: np.ndarray | None = None
    ended: bool = False

    def ask(self, stopped: bool) -> None:
        objective = self.objective
        left = objective.budget - objective.renders
        asked = None if stopped or left <= 0 else step(self.search, self.losses)
        if asked is None or not len(asked):
            asked, self.ended = (objective.heard[:0] if objective.renders else objective.best_u[None]), True
        elif len(asked) > left:
            asked, self.ended = asked[:left], True
        if self.ended:
            self.search.close()
        self.asked = objective.constrain(np.asarray(asked, np.float64))


@dataclass
class _Tally:
    """What the progress tells."""

    budget: int
    watch: Watch
    renders: dict[int, int] = field(default_factory=dict)
    losses: dict[int, float] = field(default_factory=dict)

    def tell(self, objectives: Sequence[Objective]) -> None:
        if self.watch.progress is None:
            return
        for objective in objectives:
            self.renders[objective.index] = objective.renders
            self.losses[objective.index] = objective.best_loss
        self.watch.progress(sum(self.renders.values()), self.budget, float(np.median(list(self.losses.values()))))


def _hear(runs: Sequence[_Run]) -> None:
    """Render and score what the runs ask for, in as few calls as their lengths allow."""
    for part in _parts(runs):
        renderer = part[0].objective.renderer
        u = np.concatenate([one.asked for one in part])
        audio = renderer.render(u, [[one.objective.goal.probe] for one in part for _ in one.asked])[:, 0]
        ends = np.cumsum([len(one.asked) for one in part])
        sounds = [
            audio[end - len(one.asked) : end, :, : _samples(one)] for one, end in zip(part, ends.tolist(), strict=True)
        ]
        for one, sound, (losses, features) in zip(part, sounds, _judged(part, sounds), strict=True):
            one.objective.record(one.asked, losses, features, sound)
            one.losses = losses


def _judged(part: Sequence[_Run], sounds: Sequence[np.ndarray]) -> list[tuple[np.ndarray, Features]]:
    """Losses and features of each run's sounds (n, C, T); the threads share the runs, or the sounds of a single one."""
    renderer = part[0].objective.renderer
    own = renderer.threads if len(part) == 1 else 1

    def judge(i: int) -> tuple[np.ndarray, Features]:
        objective = part[i].objective
        breakdown, features = score(sounds[i], renderer.sample_rate, objective.target, objective.loss, own)
        return breakdown.total.double().numpy(), features

    return each_item(judge, len(part), renderer.threads)


def _samples(one: _Run) -> int:
    return one.objective.goal.probe.samples(one.objective.renderer.sample_rate)


def _parts(runs: Sequence[_Run]) -> Iterator[list[_Run]]:
    """The runs by length, as many together as their audio, each as long as the longest, fits into _AUDIO_BYTES."""
    part: list[_Run] = []
    count = 0
    for one in sorted(runs, key=_samples):
        bytes_each = 8 * _samples(one)
        if part and (count + len(one.asked)) * bytes_each > _AUDIO_BYTES:
            yield part
            part, count = [], 0
        part.append(one)
        count += len(one.asked)
    if part:
        yield part
