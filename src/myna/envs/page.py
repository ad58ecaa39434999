"""Writes docs/environment.md, the docstring of `MynaEnv` with a heading: `python -m myna.envs.page FILE`.

The docstring's own table of the observation must be that of the layout; `observation_rows` gives it.
"""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path

from myna.envs import ENV_ID
from myna.envs.observation import ObservationLayout
from myna.envs.single import MynaEnv
from myna.files import write_atomic
from myna.loss import TRAINING_LOSS
from myna.synth.registry import synth_table

__all__ = ["observation_rows", "page"]


def page() -> str:
    """The whole page, Markdown."""
    about = f"<!-- Made by `python -m myna.envs.page`; edit the docstring of MynaEnv. -->\n\n# {ENV_ID}\n\n"
    return about + inspect.cleandoc(MynaEnv.__doc__ or "") + "\n"


def observation_rows() -> list[str]:
    """The table of the observation as the layout has it, a row per part."""
    terms = [*TRAINING_LOSS.weights, *TRAINING_LOSS.penalties, "broken"]
    layout = ObservationLayout(synth_table("serum-lite"), terms)
    return [f"| `{name}` | {' | '.join(rest)} |" for name, *rest in layout.describe()]


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(prog="python -m myna.envs.page", description=__doc__)
    parser.add_argument("out", type=Path, help="file to write")
    write_atomic(parser.parse_args().out, page())


if __name__ == "__main__":
    main()
