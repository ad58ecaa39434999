"""What `render` shows: the last edits in words, or the target's and the current spectrogram side by side."""

from __future__ import annotations

import numpy as np

from myna.envs.core import Core
from myna.envs.history import Edit, edits, loss_words, sentences
from myna.envs.state import State
from myna.errors import UsageError
from myna.features import analyse

__all__ = ["RENDER_FPS", "RENDER_MODES", "check_render_mode", "frame", "history"]

RENDER_MODES = ("ansi", "rgb_array")
RENDER_FPS = 4
_ZOOM, _GAP = 3, 12  # pixels


def check_render_mode(mode: str | None) -> None:
    """Refuse a mode that there is not.

    Raises:
        UsageError: names those there are.
    """
    if mode is not None and mode not in RENDER_MODES:
        raise UsageError(f"render_mode must be one of {', '.join(RENDER_MODES)}, or None; got {mode!r}.")


def frame(core: Core, state: State, row: int, mode: str) -> str | np.ndarray:
    """One environment as text, or as an image (H, W, 3) uint8: left the target, right the current sound."""
    return _text(core, state, row) if mode == "ansi" else _image(core, state, row)


def history(core: Core, state: State, row: int) -> list[Edit]:
    """All edits of an episode so far."""
    u, loss = state.history(row)
    return edits(core.renderer.table, u.cpu().numpy(), loss.cpu().numpy())


def _text(core: Core, state: State, row: int) -> str:
    step, horizon = int(state.step[row]), int(state.tasks.horizon[row])
    head = f"{state.tasks.names[row]}: step {step} of {horizon}, loss {float(state.loss[row]):.3f}, "
    head += f"best {float(state.best_loss[row]):.3f}"
    last = [edit for edit in history(core, state, row) if edit.step == step]
    return "\n".join([head, *(sentences(core.renderer.table, last) or [_still(state, row)])])


def _still(state: State, row: int) -> str:
    _, loss = state.history(row)
    return f"nothing moved: {loss_words(float(loss[-2]), float(loss[-1]))}" if len(loss) > 1 else "nothing moved yet"


def _image(core: Core, state: State, row: int) -> np.ndarray:
    task = state.tasks[row]
    config = task.target.config
    audio = core.renderer.render(state.u[[row]], task.probes)  # again: a state keeps no images
    current = analyse(audio, core.renderer.sample_rate, config, on_bad="mark")
    sounds = [features.mels[0][0].cpu().numpy() for features in (task.target, current)]
    floor = config.floor_db
    panels = [np.concatenate([_panel(mel, floor) for mel in probes]) for probes in sounds]
    gap = np.full((len(panels[0]), _GAP), 255, np.uint8)
    grey = np.concatenate([panels[0], gap, panels[1]], 1)
    return np.repeat(grey[..., None], 3, -1)


def _panel(mel: np.ndarray, floor_db: float) -> np.ndarray:
    """Log-mel (F, M) as grey pixels, time to the right, low notes at the bottom."""
    grey = (255.0 * np.clip(1.0 - mel.T[::-1] / floor_db, 0.0, 1.0)).astype(np.uint8)
    return grey.repeat(_ZOOM, 0).repeat(_ZOOM, 1)
