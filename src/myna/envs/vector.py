"""The vector environment: all episodes side by side, one render and one analysis per step.

Shapes: B environments, D numbers of an observation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from myna.envs.ahead import AT_ONCE, Ahead, Key
from myna.envs.assembly import Assembly, check_seed
from myna.envs.callbacks import Callback, Callbacks
from myna.envs.core import Transition
from myna.envs.curriculum import Outcomes
from myna.envs.episodes import episode
from myna.envs.frames import RENDER_FPS, RENDER_MODES, check_render_mode, frame, history
from myna.envs.history import Edit
from myna.envs.state import State, put_rows
from myna.envs.task import TaskBatch
from myna.errors import UsageError
from myna.features import one_core
from myna.seeding import generator

__all__ = ["MynaVectorEnv"]


class MynaVectorEnv(VectorEnv):
    """B environments as `MynaEnv` describes them, each equal to a single one, step for step and bit for bit.

    Environment i plays the episodes of `MynaEnv` with the seed `seeds[i]`. On the CPU the next episodes begin in a
    thread of their own while the others play, unless a curriculum that moves on decides on them; `close` ends it.

    Args:
        num_envs: B, 1 or more.
        autoreset_mode: what becomes of an episode that has ended, one of Gymnasium's:
            `SAME_STEP` (default): the next one begins in the same step; `info["final_obs"]` and `info["final_info"]`
            tell of the last step, at the environments that `info["_final_obs"]` marks. Both are batches: `final_obs`
            holds every environment's observation before resets, so it is right for those that go on, too.
            `NEXT_STEP`: the next step begins the next episode, whatever the action, with reward 0.
            `DISABLED`: it stays as it is, with reward 0, until `reset(options={"reset_mask": …})`.
        callbacks: told of steps, episodes and the curriculum.
        render_mode: see `MynaEnv`; `render` returns one frame per environment.
        settings: the arguments of `MynaEnv`.

    Attributes:
        state: of all episodes; tensors, not to be changed.
        seeds: (B,) of the environments.
        core, curriculum, layout: see `Assembly`.

    Raises:
        UsageError: an argument out of range.

    Example:
        >>> import gymnasium
        >>> envs = gymnasium.make_vec("myna.envs:myna/PresetMatch-v0", 64, stage=3)  # doctest: +SKIP
        >>> observations, infos = envs.reset(seed=0)  # doctest: +SKIP
        >>> observations, rewards, *_ = envs.step(envs.action_space.sample())  # doctest: +SKIP
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as Gymnasium declares it; each instance has its own
        "render_modes": list(RENDER_MODES),
        "render_fps": RENDER_FPS,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
        callbacks: Callback | Sequence[Callback] = (),
        render_mode: str | None = None,
        **settings: Any,
    ) -> None:
        """See the class."""
        if num_envs < 1:
            raise UsageError(f"num_envs must be 1 or more; got {num_envs}.")
        check_render_mode(render_mode)
        self.num_envs, self.render_mode = num_envs, render_mode
        self.autoreset_mode = _autoreset_mode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
        self._parts = Assembly(**settings)
        self._ahead = Ahead(self._parts.begin)
        self.core, self.curriculum, self.layout = self._parts.core, self._parts.curriculum, self._parts.layout
        self.single_observation_space = self._parts.observation_space
        self.single_action_space = self._parts.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._callbacks = callbacks if isinstance(callbacks, Callback) else Callbacks(callbacks)
        # On a device the two would wait in one queue.
        self._prepares = self.autoreset_mode is not AutoresetMode.DISABLED and self.core.device.type == "cpu"
        self._heeded = not isinstance(self._callbacks, Callbacks) or bool(self._callbacks.callbacks)
        self._seeds: list[int] | None = None
        self._episodes = np.full(num_envs, -1)
        self._state: State | None = None
        self._steps = 0

    @property
    def state(self) -> State:
        """Of all episodes.

        Raises:
            UsageError: before the first reset.
        """
        if self._state is None:
            raise UsageError("The environments have not begun: call reset() first.")
        return self._state

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the environments, (B,)."""
        if self._seeds is None:
            self._seeds = self._derived(self.np_random_seed or 0)
        return tuple(self._seeds)

    def _derived(self, seed: int) -> list[int]:
        # Hashed, not seed + i: the environments of seeds 0 and 1 would share all episodes but one.
        return [int(generator(seed, "env", i).integers(2**63)) for i in range(self.num_envs)]

    # Gymnasium's calls

    @one_core()
    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin episodes.

        Args:
            seed: of all environments, or one for each; None goes on with the next episodes of the seeds there are.
            options: `reset_mask` (B,) bool, which to reset, all where absent; `tasks`, a `TaskBatch` with a task for
                each of these, drawn from the curriculum where absent.

        Returns:
            Observations of all, and info of those that were reset.

        Raises:
            UsageError: seeds, mask or tasks that do not fit.
        """
        options = options or {}
        mask = self._mask(options.get("reset_mask"))
        self._take_seeds(seed, mask)
        rows = np.flatnonzero(mask)
        fresh = self._begin(rows, options.get("tasks"))
        self._state = fresh if len(rows) == self.num_envs else self.state.put(self._tensor(rows), fresh)
        return self._parts.observation(self.state), self._masked(self._parts.state_info(self.state), mask)

    @one_core()
    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Play one step of all; see Gymnasium's `VectorEnv.step` and `autoreset_mode`.

        Raises:
            UsageError: before the first reset, or actions of a wrong shape or not finite.
        """
        waiting = self.state.ended
        if self._prepares:
            self._ahead.prepare(self._coming([]), least=min(AT_ONCE // 2, -(-self.num_envs // 2)))
        done = self.core.step(self.state, actions)
        ended = done.state.ended & ~waiting
        self._tell(done, ended)
        if self.autoreset_mode is AutoresetMode.NEXT_STEP:
            return self._after_next_step(done, waiting)
        if self.autoreset_mode is AutoresetMode.SAME_STEP and bool(ended.any()):
            return self._after_same_step(done, ended)
        self._state = done.state
        every = np.ones(self.num_envs, np.bool_)
        return self._result(done, self.core.observe(done.state), self._masked(self._parts.step_info(done), every))

    def render(self) -> tuple[Any, ...] | None:
        """One frame per environment, in the render mode; None without one."""
        if self.render_mode is None:
            return None
        return tuple(frame(self.core, self.state, row, self.render_mode) for row in range(self.num_envs))

    def close_extras(self, **_: Any) -> None:
        """End the thread that begins episodes, and close the callbacks."""
        self._ahead.close()
        self._callbacks.close()

    # More than Gymnasium asks for

    def edits(self, row: int) -> list[Edit]:
        """All edits of an environment's episode so far; of the new one where it has begun."""
        return history(self.core, self.state, row)

    def update_curriculum(self, outcomes: Outcomes) -> None:
        """Pass outcomes, such as those on held-out targets, to the curriculum, and its state to the callbacks."""
        self.curriculum.update(outcomes)
        self._callbacks.on_curriculum(self._steps, self.curriculum.state_dict())

    # Resets

    def _begin(self, rows: np.ndarray, tasks: TaskBatch | None = None) -> State:
        """The next episodes of some environments: one draw, one render and one analysis for all of them."""
        if tasks is None:
            self._episodes[rows] += 1
            return self._ahead.take(self._keys(rows), lambda: self._coming(rows))
        if len(tasks) != len(rows):
            raise UsageError(f"{len(rows)} environments need as many tasks; got {len(tasks)}.")
        return self._parts.play(tasks)

    def _keys(self, rows: np.ndarray, later: int = 0) -> list[Key]:
        seeds = self.seeds
        return [(seeds[row], int(self._episodes[row]) + later) for row in rows.tolist()]

    def _coming(self, rows: np.ndarray | Sequence[int]) -> list[Key]:
        """The next episodes of all but these environments that may end soon, those that are furthest on first."""
        if self._state is None or self._parts.stage is None:  # what is drawn then hangs on what is learnt until then
            return []
        steps, horizon = (part.cpu().numpy() for part in (self._state.step, self._state.tasks.horizon))
        order = np.argsort(-steps, kind="stable")
        soon = (steps >= horizon * (self.core.config.ends.patience or 1.0) / 2.0)[order]
        return self._keys(order[soon & ~np.isin(order, rows)], later=1)

    def _restart(self, state: State, flat: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
        """Begin the next episodes of those that are meant, (B,) bool; flat observations with theirs in place."""
        self._state = state
        rows = which.nonzero()[:, 0]
        if not len(rows):
            return flat
        fresh = self._begin(rows.cpu().numpy())
        self._state = state.put(rows, fresh)
        return put_rows(flat, rows, self.core.observe(fresh))

    def _after_same_step(self, done: Transition, ended: torch.Tensor) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        mask = ended.cpu().numpy()
        every = np.ones_like(mask)
        last = self.core.observe(done.state)
        flat = self._restart(done.state, last, ended)
        infos = self._masked(self._parts.state_info(self.state), every) | self._masked(done.info, ~mask)
        infos |= {"final_obs": self._parts.shaped(last), "_final_obs": self._kind(mask)}
        infos |= {"final_info": self._masked(self._parts.step_info(done), mask), "_final_info": self._kind(mask)}
        return self._result(done, flat, infos)

    def _after_next_step(self, done: Transition, waiting: torch.Tensor) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        flat = self._restart(done.state, self.core.observe(done.state), waiting)
        done = done._replace(terminated=done.terminated & ~waiting, truncated=done.truncated & ~waiting)
        every, played = np.ones(self.num_envs, np.bool_), ~waiting.cpu().numpy()
        infos = self._masked(self._parts.state_info(self.state), every) | self._masked(done.info, played)
        return self._result(done, flat, infos)

    def _result(
        self, done: Transition, flat: torch.Tensor, infos: dict[str, Any]
    ) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        rewards, terminated, truncated = (
            self._parts.out(part) for part in (done.reward, done.terminated, done.truncated)
        )
        return self._parts.shaped(flat), rewards, terminated, truncated, infos

    # Callbacks

    def _tell(self, done: Transition, ended: torch.Tensor) -> None:
        self._steps += self.num_envs
        self._parts.warn_of_broken(done)
        learnt = self._parts.learn(done.state, ended)
        if not self._heeded:
            return
        self._callbacks.on_step(self._steps, done.state, done.info)
        rows = ended.nonzero()[:, 0].tolist()
        if rows:
            self._callbacks.on_episode_end(self._steps, [episode(self.core, done.state, row) for row in rows])
        if learnt is not None:
            self._callbacks.on_curriculum(self._steps, self.curriculum.state_dict())

    # Seeds, masks and infos

    def _take_seeds(self, seed: int | Sequence[int | None] | None, mask: np.ndarray) -> None:
        if seed is None:
            return
        if isinstance(seed, (int, np.integer)):
            check_seed(seed)
            super().reset(seed=int(seed))
            given: list[int | None] = list(self._derived(int(seed)))
        else:
            given = list(seed)
        if len(given) != self.num_envs:
            raise UsageError(f"{self.num_envs} environments need as many seeds; got {len(given)}.")
        kept = list(self.seeds)
        for row in np.flatnonzero(mask).tolist():
            one = given[row]
            if one is not None:
                check_seed(one)
                kept[row], self._episodes[row] = int(one), -1
        self._seeds = kept

    def _mask(self, given: Any) -> np.ndarray:
        if given is None:
            return np.ones(self.num_envs, np.bool_)
        mask = given.cpu().numpy() if isinstance(given, torch.Tensor) else np.asarray(given)
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
            raise UsageError(f"reset_mask must be {self.num_envs} booleans, at least one of them true.")
        if self._state is None and not mask.all():
            raise UsageError("The first reset must be of all environments.")
        return mask

    def _masked(self, info: Mapping[str, Any], mask: np.ndarray) -> dict[str, Any]:
        """Info as Gymnasium wants it: each key with `_key` (B,) bool, which environments it tells of; 0 elsewhere."""
        keep, told = None if mask.all() else self._tensor(mask), self._kind(mask)
        return self._told(info, keep, told)

    def _told(self, info: Mapping[str, Any], keep: torch.Tensor | None, mask: Any) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for name, value in info.items():
            if isinstance(value, Mapping):
                told[name] = self._told(value, keep, mask)
            elif keep is None:
                told[name] = self._parts.out(value)
            else:
                told[name] = self._parts.out(value * keep.reshape(-1, *[1] * (value.ndim - 1)))
            told[f"_{name}"] = mask
        return told

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(self.core.device)

    def _kind(self, mask: np.ndarray) -> Any:
        """A mask of one's own, as an array or tensor."""
        return self._parts.out(self._tensor(mask))


def _autoreset_mode(mode: AutoresetMode | str) -> AutoresetMode:
    if isinstance(mode, AutoresetMode):
        return mode
    for one in AutoresetMode:
        if mode in (one.name, one.value):
            return one
    raise UsageError(f"The autoreset mode must be one of {', '.join(one.name for one in AutoresetMode)}; got {mode!r}.")
