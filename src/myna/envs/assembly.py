"""What the single and the vector environment share: a core, a curriculum, spaces, and the way data leaves them.

Shapes: B environments, D numbers of an observation.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import torch

from myna.envs.action import ActionConfig
from myna.envs.core import Core, CoreConfig, EndConfig, Transition
from myna.envs.curriculum import Curriculum, Outcomes
from myna.envs.observation import ObservationLayout
from myna.envs.reward import RewardConfig
from myna.envs.state import State
from myna.envs.task import TaskBatch
from myna.errors import UsageError
from myna.features import one_core
from myna.seeding import generator
from myna.synth.renderer import Renderer

__all__ = ["FORMS", "OUTPUTS", "Assembly", "check_seed"]

OUTPUTS = ("numpy", "torch")
FORMS = ("flat", "dict")
_LOG = logging.getLogger("myna.envs")


class Assembly:
    """Puts an environment together from plain arguments; `MynaEnv` explains them.

    Attributes:
        core: plays the episodes.
        curriculum: draws the tasks.
        stage: whose tasks they are, or None for the curriculum's current one.
        observation_space, action_space: of one environment.

    Raises:
        UsageError: an argument out of range.
    """

    def __init__(
        self,
        *,
        stage: int | None = 6,
        mode: str = "all",
        absolute: bool = False,
        keep_margin: float = 1.0,
        action_form: str = "flat",
        observation_form: str = "flat",
        curriculum: Curriculum | str | Path | None = None,
        overrides: Mapping[str, Any] | None = None,
        reward: RewardConfig | Mapping[str, float] | None = None,
        ends: EndConfig | Mapping[str, Any] | None = None,
        max_episode_steps: int | None = None,
        renderer: Renderer | None = None,
        device: str = "cpu",
        threads: int | None = None,
        output: str = "numpy",
    ) -> None:
        """See the class."""
        _one_of("output", output, OUTPUTS)
        _one_of("action_form", action_form, FORMS)
        _one_of("observation_form", observation_form, FORMS)
        if max_episode_steps is not None and max_episode_steps < 1:
            raise UsageError(f"max_episode_steps must be 1 or more; got {max_episode_steps}.")
        action = ActionConfig(mode, absolute, keep_margin)
        if isinstance(curriculum, Curriculum):
            if overrides or renderer:
                raise UsageError("A Curriculum has its own stages and renderer: leave out overrides and renderer.")
            self.curriculum = curriculum
        else:
            renderer = renderer or Renderer(device=device, threads=threads)
            self.curriculum = Curriculum.from_file(curriculum, overrides, renderer=renderer, mode=mode)
        config = CoreConfig(action, _config(RewardConfig, reward), _config(EndConfig, ends))
        self.core = Core(self.curriculum.renderer, config, self.curriculum.config.notes)
        if stage is not None and stage not in range(1, len(self.curriculum.stages) + 1):
            raise UsageError(f"There is no stage {stage}: choose from 1 to {len(self.curriculum.stages)}, or None.")
        self.stage, self.output, self._most_steps = stage, output, max_episode_steps
        self._flat = observation_form == "flat"
        self.action_space = _space(self.core.decoder.layout, action_form)
        self.observation_space = _space(self.layout, observation_form)

    @property
    def layout(self) -> ObservationLayout:
        """Of observations."""
        return self.core.layout

    # Tasks

    @one_core()
    def begin(self, seeds: Sequence[int], episodes: Sequence[int]) -> State:
        """Episodes of environments with these seeds, each the so manieth of its own, from 0."""
        random = [generator(seed, "env", episode) for seed, episode in zip(seeds, episodes, strict=True)]
        return self.play(self.curriculum.sample_each(random, self.stage))

    def play(self, tasks: TaskBatch) -> State:
        """Episodes of given tasks."""
        if self._most_steps is not None:
            tasks = replace(tasks, horizon=tasks.horizon.clamp(max=self._most_steps))
        return self.core.reset(tasks)

    def learn(self, state: State, ended: torch.Tensor) -> Outcomes | None:
        """Tell the curriculum of training episodes (B,) bool that ended, where it decides on the tasks."""
        if self.stage is not None or not ended.any():
            return None
        outcomes = Outcomes(state.tasks.stage[ended], state.best_loss[ended])
        self.curriculum.update(outcomes)
        return outcomes

    # What leaves

    def observation(self, state: State) -> Any:
        """Observations of B environments, flat (B, D) or by name."""
        return self.shaped(self.core.observe(state))

    def shaped(self, flat: torch.Tensor) -> Any:
        """Flat observations (B, D) in the form that was asked for."""
        out = self._out(flat)
        return out if self._flat else self.layout.split(out)

    def state_info(self, state: State) -> dict[str, Any]:
        """What `info` holds after a reset and a step, tensors (B, …)."""
        names = ("loss", "best_loss", "best_step", "best_u", "step")
        own = {name: getattr(state, name) for name in names}
        return {**own, "horizon": state.tasks.horizon, "stage": state.tasks.stage, "terms": dict(state.terms)}

    def step_info(self, transition: Transition) -> dict[str, Any]:
        """The same with what only a step has."""
        return {**self.state_info(transition.state), **transition.info}

    def out(self, values: Any) -> Any:
        """A tensor, or mappings of them, as new arrays or tensors that nobody else holds."""
        if isinstance(values, Mapping):
            return {name: self.out(value) for name, value in values.items()}
        return self._out(values.clone())

    def _out(self, tensor: torch.Tensor) -> Any:
        return tensor if self.output == "torch" else tensor.cpu().numpy()

    def warn_of_broken(self, transition: Transition) -> None:
        """Log episodes whose sound broke in this step."""
        for row in transition.info["broken"].nonzero()[:, 0].tolist():
            state = transition.state
            settings = self.core.renderer.table.to_dict(self.core.renderer.table.decode(state.u[row].cpu().numpy()))
            _LOG.warning(
                "environment %d: the render holds NaN or infinity after step %d of '%s', so the episode ends; "
                "the preset is %s",
                row, int(state.step[row]), state.tasks.names[row], settings,
            )  # fmt: skip


def check_seed(seed: int) -> None:
    """Refuse a seed below 0.

    Raises:
        UsageError: says so.
    """
    if seed < 0:
        raise UsageError(f"A seed is 0 or more; got {seed}.")


def _one_of(name: str, value: str, options: Sequence[str]) -> None:
    if value not in options:
        raise UsageError(f"{name} must be one of {', '.join(options)}; got {value!r}.")


def _space(layout: Any, form: str) -> gymnasium.Space:
    return layout.flat_space if form == "flat" else layout.dict_space


def _config(kind: Callable[..., Any], given: Any) -> Any:
    """A config from what a user gives: one, a mapping of its fields, or None for the defaults."""
    if not isinstance(given, Mapping):
        return kind() if given is None else given
    try:
        return kind(**given)
    except TypeError as error:
        raise UsageError(f"{kind.__name__} does not take that: {error}.") from None
