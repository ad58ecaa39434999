"""The environment for one episode at a time, and the page that describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium
import numpy as np
import torch

from myna.envs.assembly import Assembly, check_seed
from myna.envs.frames import RENDER_FPS, RENDER_MODES, check_render_mode, frame, history
from myna.envs.history import Edit
from myna.envs.state import State
from myna.envs.task import TaskBatch
from myna.errors import UsageError

__all__ = ["MynaEnv"]


class MynaEnv(gymnasium.Env):
    """Turn the knobs of a synthesizer until it sounds like a target.

    ## Description

    A **target** is a sound: one that a preset of the synthesizer Serum-lite makes, or a recording. An episode begins
    with a start preset. In each step the agent turns knobs, the synthesizer plays the target's notes, and a perceptual
    loss tells how far the two sounds are apart: 0 for identical sounds, 1 for the median pair of random presets.
    What is returned in the end is the best preset of the episode.

    The synthesizer has 145 parameters in 17 modules: 102 are *ordered* (continuous and integer), 43 are *choices*
    (categorical and boolean). A **stage** of the curriculum says which of them are open, from oscillators alone (1) to
    the whole synthesizer (6); what is closed keeps its default in target and start alike, and never moves.

    `gymnasium.make` gives one environment, `gymnasium.make_vec` many that share one render and one analysis a step;
    environment `i` of the latter plays the episodes of the former with the seed `envs.unwrapped.seeds[i]`, bit for bit.

    ## Action Space

    A `Box(-1, 1, (523,), float32)` with `mode="all"`, which moves all open parameters at once, or `(540,)` with
    `mode="module"`, which first selects one module and moves that alone. `action_form="dict"` gives the same as a
    `Dict` of the heads below. `layout.labels` of `env.core.decoder` names every entry.

    | head | in the box | in the `Dict` | meaning |
    | --- | --- | --- | --- |
    | `module` | 17 scores, the highest of an open module wins | `Discrete(17)` | mode `module`: whose turn it is |
    | `delta` | 102 numbers | `Box(-1, 1, (102,))` | Δu of each ordered parameter, as a share of the task's bound |
    | `choice` | 421 scores, keep and options of each choice | `MultiDiscrete` of 43 | 0 keeps, k takes option k − 1 |

    A parameter's position u lies in [0, 1], and a step moves it by the bound (0.2) at most. Integers gather small
    steps until they reach the next value. In the box, an option is taken where its score beats that of keep by more
    than `keep_margin`. `absolute=True` makes `delta` the position itself (an ablation). Entries of closed parameters do
    nothing; numbers beyond [-1, 1] are clipped, and those that are not finite are refused.

    ## Observation Space

    A `Box` of 2,095 float32; `observation_form="dict"` gives a `Dict` of the parts below. `env.layout.split` takes flat
    observations apart, so that an agent can rebuild the image. N = 1 is the number of probes (notes) per target, 1 to 4
    by the curriculum: each has its own slot, so with more notes the parts of shape (N, …) are longer.

    | part | shape | place | range | meaning |
    | --- | --- | --- | --- | --- |
    | `target_mel` | (1, 12, 32) | 0 to 383 | -5 to 5 | target: log-mel image, time × bands |
    | `target_mfcc` | (1, 20) | 384 to 403 | -5 to 5 | target: cepstral coefficients, mean |
    | `target_envelope` | (1, 16) | 404 to 419 | -5 to 5 | target: level over time |
    | `target_centroid` | (1, 12) | 420 to 431 | -5 to 5 | target: spectral centroid over time |
    | `target_loudness` | (1, 1) | 432 | -5 to 5 | target: integrated loudness |
    | `current_mel` | (1, 12, 32) | 433 to 816 | -5 to 5 | current sound: log-mel image, time × bands |
    | `current_mfcc` | (1, 20) | 817 to 836 | -5 to 5 | current sound: cepstral coefficients, mean |
    | `current_envelope` | (1, 16) | 837 to 852 | -5 to 5 | current sound: level over time |
    | `current_centroid` | (1, 12) | 853 to 864 | -5 to 5 | current sound: spectral centroid over time |
    | `current_loudness` | (1, 1) | 865 | -5 to 5 | current sound: integrated loudness |
    | `difference_mel` | (1, 12, 32) | 866 to 1249 | -5 to 5 | target minus current: log-mel image, time × bands |
    | `difference_mfcc` | (1, 20) | 1250 to 1269 | -5 to 5 | target minus current: cepstral coefficients, mean |
    | `difference_envelope` | (1, 16) | 1270 to 1285 | -5 to 5 | target minus current: level over time |
    | `difference_centroid` | (1, 12) | 1286 to 1297 | -5 to 5 | target minus current: spectral centroid over time |
    | `difference_loudness` | (1, 1) | 1298 | -5 to 5 | target minus current: integrated loudness |
    | `terms` | (18,) | 1299 to 1316 | -3 to 1.4 | log10 of what each term and penalty adds to the loss |
    | `loss` | (1,) | 1317 | -3 to 1.4 | log10 of the loss |
    | `best_loss` | (1,) | 1318 | -3 to 1.4 | log10 of the lowest loss so far |
    | `gap` | (1,) | 1319 | 0 to 4.4 | `loss` minus `best_loss`: what was lost since the best |
    | `probe` | (1, 3) | 1320 to 1322 | 0 to 1 | note / 127, velocity / 127, share of the length that is held |
    | `ordered` | (102,) | 1323 to 1424 | -1 to 1 | continuous and integer parameters, unsnapped: 2u − 1 |
    | `choices` | (378,) | 1425 to 1802 | 0 to 1 | categorical and boolean parameters, one-hot |
    | `open` | (145,) | 1803 to 1947 | 0 to 1 | 1 for a parameter that may move |
    | `previous_action` | (145,) | 1948 to 2092 | -5 to 5 | how far the last step moved each parameter, in bounds |
    | `bound` | (1,) | 2093 | 0 to 1 | the largest Δu of a step, either way |
    | `time_left` | (1,) | 2094 | 0 to 1 | steps that are left, as a share of the horizon |

    What is heard is standardised by fixed statistics of 10,000 presets and cut off at ±5 spreads. Losses below 0.001
    are told as that. The order of `terms` is that of `env.layout.terms`.

    ## Rewards

    `reward = improvement + effort + new_best + success + broken`, each in `info["reward_parts"]`:

    | part | value | bounds |
    | --- | --- | --- |
    | `improvement` | `scale` · (loss before − loss after); scale 4 | −100 to 100; seldom beyond ±4 |
    | `effort` | −`lambda_` · ‖Δu‖² of what moved (a choice counts as one bound); 0.01 | −1.45 to 0; bound 0.2: −0.06 |
    | `new_best` | `new_best_bonus` for the best preset of the episode so far; 0 | 0 to the bonus |
    | `success` | `success_bonus` for reaching the target; 1 | 0 to the bonus |
    | `broken` | −`broken_penalty` where the sound holds NaN or infinity, whose improvement is 0; 5 | −penalty to 0 |

    Improvements add up, so the return of an episode without effort is about 4 times what it gained, plus 1 for success.
    The plain difference is a task of its own, not a potential: with a discount below 1 it prefers early gains.

    ## Starting State

    A target and a start preset are drawn from the stage, and a probe set with them. Targets come from the musical prior
    or uniformly, silent ones are drawn again. Starts are the default preset, or lie between the target and another
    preset (or come from a bank, where the curriculum has one). Everything random hangs on `reset(seed=…)`; without a
    seed the next episode of the last one begins.

    ## Episode End

    *Terminated*: the loss is at most `success_loss`, which is the median loss between two renders of one preset with
    different noise and phases (0.084, `python -m myna.envs.noise_floor`); or the sound is broken.
    *Truncated*: the horizon is reached (16 steps in mode `all`, 32 to 96 in mode `module`), or `patience` (half the
    horizon) has passed without a new best. `info` tells which: `is_success`, `broken`, `stagnated`.

    `info` also holds `loss`, `best_loss`, `best_step`, `best_u` (the preset that counts), `step`, `horizon`, `stage`
    and `terms`. `env.edits()` lists every edit with its physical values and losses.

    ## Arguments

    | argument | default | meaning |
    | --- | --- | --- |
    | `stage` | 6 | whose tasks, at full distance; None follows the curriculum, which then learns of ended episodes |
    | `mode` | `"all"` | or `"module"`: see Action Space |
    | `absolute` | False | `delta` is the position itself |
    | `keep_margin` | 1.0 | by how much an option must beat keep, 0 up to 2 |
    | `action_form`, `observation_form` | `"flat"` | or `"dict"` |
    | `curriculum` | None | path of a TOML file, or a `Curriculum`; None for the one that comes with myna |
    | `overrides` | None | laid over the file: `{"total_s": 0.5, "defaults": {"bound": 0.1}}` |
    | `reward` | None | `RewardConfig`, or some of its fields: `{"lambda_": 0.0}` |
    | `ends` | None | `EndConfig`, or some of its fields: `{"patience": None}` |
    | `max_episode_steps` | None | no horizon is longer |
    | `renderer` | None | to share one; its device is the environment's |
    | `device`, `threads` | `"cpu"`, None | of a renderer of its own; None takes all cores |
    | `output` | `"numpy"` | or `"torch"`: observations and infos are tensors on the device |
    | `render_mode` | None | `"ansi"`: the last edits in words; `"rgb_array"`: spectrograms, left the target |

    `MynaVectorEnv` adds `num_envs`, `autoreset_mode` (`SAME_STEP`, `NEXT_STEP` or `DISABLED`) and `callbacks`. Objects
    such as a `Curriculum` are best given to the classes themselves: `gymnasium.make` wants arguments that it can copy.

    ## Example

    ```python
    import gymnasium
    import myna.envs

    env = gymnasium.make("myna/PresetMatch-v0", stage=1)
    observation, info = env.reset(seed=0)
    over = False
    while not over:
        action = env.action_space.sample()
        observation, reward, terminated, truncated, info = env.step(action)
        over = terminated or truncated
    print(f"from {info['loss']:.2f} to {info['best_loss']:.2f} at best")
    env.close()
    ```

    ## Version History

    * v0: first version
    """

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
            check_seed(seed)
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
