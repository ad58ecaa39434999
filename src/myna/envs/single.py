"""The environment for one episode at a time, and the page that describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium
import numpy as np
import torch

from myna.envs.assembly import Assembly
from myna.envs.frames import RENDER_FPS, RENDER_MODES, check_render_mode, frame, history
from myna.envs.history import Edit
from myna.envs.state import State
from myna.envs.task import TaskBatch
from myna.errors import UsageError

__all__ = ["MynaEnv"]


class MynaEnv(gymnasium.Env):
    """PAGE."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": list(RENDER_MODES), "render_fps": RENDER_FPS}

    def __init__(self, *, render_mode: str | None = None, **settings: Any) -> None:
        """See the class."""
        check_render_mode(render_mode)
        self.render_mode = render_mode
        self._parts = Assembly(**settings)
        self.core, self.curriculum, self.layout = self._parts.core, self._parts.curriculum, self._parts.layout
        self.observation_space = self._parts.observation_space
        self.action_space = self._parts.action_space
        self._episode = -1
        self._state: State | None = None

    @property
    def state(self) -> State:
        """Of the episode, with B = 1; tensors, not to be changed.

        Raises:
            UsageError: before the first reset.
        """
        if self._state is None:
            raise UsageError("The environment has not begun: call reset() first.")
        return self._state

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: of this episode and those after it; None goes on with the next episode of the seed there is.
            options: `tasks`, a `TaskBatch` of one, to play that instead of one from the curriculum.

        Raises:
            UsageError: a negative seed, or more than one task.
        """
        if seed is not None:
            if seed < 0:
                raise UsageError(f"A seed is 0 or more; got {seed}.")
            super().reset(seed=seed)
            self._episode = -1
        self._state = self._begin((options or {}).get("tasks"))
        return self._first(self._parts.observation(self._state)), self._info(self._parts.state_info(self._state))

    def _begin(self, tasks: TaskBatch | None) -> State:
        if tasks is None:
            self._episode += 1
            return self._parts.begin([self.np_random_seed], [self._episode])
        if len(tasks) != 1:
            raise UsageError(f"One environment needs one task; got {len(tasks)}.")
        return self._parts.play(tasks)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Play one step; see Gymnasium's `Env.step`.

        Raises:
            UsageError: the episode is over, or an action of a wrong shape or not finite.
        """
        if bool(self.state.ended[0]):
            raise UsageError("The episode is over: call reset() before the next step.")
        done = self.core.step(self.state, _batch_of_one(action))
        self._state = done.state
        self._parts.warn_of_broken(done)
        self._parts.learn(done.state, done.state.ended)
        observation, info = self._parts.observation(done.state), self._info(self._parts.step_info(done))
        return (
            self._first(observation),
            float(done.reward[0]),
            bool(done.terminated[0]),
            bool(done.truncated[0]),
            info,
        )

    def render(self) -> Any:
        """The last edits in words, or an image (H, W, 3) uint8, by the render mode; None without one."""
        return None if self.render_mode is None else frame(self.core, self.state, 0, self.render_mode)

    def edits(self) -> list[Edit]:
        """All edits of the episode so far; `myna.envs.history.sentences` tells them in words."""
        return history(self.core, self.state, 0)

    def _first(self, values: Any) -> Any:
        """The one environment's share of a batch."""
        return {name: value[0] for name, value in values.items()} if isinstance(values, Mapping) else values[0]

    def _info(self, info: Mapping[str, Any]) -> dict[str, Any]:
        """Plain numbers, and arrays where there are several."""
        return {name: self._info(v) if isinstance(v, Mapping) else self._plain(v) for name, v in info.items()}

    def _plain(self, value: torch.Tensor) -> Any:
        return value[0].item() if value.ndim == 1 else self._parts.out(value[0])


def _batch_of_one(action: Any) -> Any:
    if isinstance(action, Mapping):
        return {name: _batch_of_one(value) for name, value in action.items()}
    return action[None] if isinstance(action, torch.Tensor) else np.asarray(action)[None]
