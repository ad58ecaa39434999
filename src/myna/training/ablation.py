"""Ablations: the small base training again and again, each time without one of the things that it is made of.

    ablations.jsonl     a row for each that is finished: its `score` at the end, and the `best` of all evaluations
    ablations.md        the same as a table, with ratios
    NAME-0123456789ab/  a folder of a training, see `training.run`; the digits stand for configuration and code

Configurations lie in `myna/configs/ablations`: `base.toml`, and one for each ablation with what differs, `about` (a
line for people) and `against` (whose score its own is divided by, `base` where it says nothing).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from myna import __version__
from myna.envs.stages import laid_over
from myna.errors import MynaError, UsageError, printable
from myna.files import make_folder, read_toml, sha256_hex, write_atomic
from myna.provenance import commit
from myna.training.config import TrainConfig, build
from myna.training.run import Status, Training

__all__ = ["BASE", "FOLDER", "Ablation", "Table", "ablations", "load_ablation", "needed", "train"]

FOLDER = Path(__file__).parents[1] / "configs" / "ablations"
BASE = "base"
_NO_END = 1_000_000_000  # steps, where minutes are the budget


@dataclass(frozen=True)
class Ablation:
    """One of them.

    Attributes:
        name: of its file.
        about: what is left out, for people.
        against: name of the one that it is measured by; None for the base.
        config: of its training, seed and budget included.
    """

    name: str
    about: str
    against: str | None
    config: TrainConfig

    @property
    def key(self) -> str:
        """64 hex digits that stand for configuration and code: a row of the same key need not be made again."""
        code = [__version__, *commit()]
        return sha256_hex(json.dumps([self.name, asdict(self.config), code], sort_keys=True))

    @property
    def budget(self) -> str:
        """How long it trains, for people."""
        run = self.config.run
        return f"{run.minutes:g} minutes" if run.minutes else f"{run.steps:,} steps"


def ablations() -> list[str]:
    """Names, the base first."""
    return [BASE, *sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem != BASE)]


def load_ablation(name: str, *, seed: int = 0, steps: int | None = None, minutes: float | None = None) -> Ablation:
    """Read one.

    Args:
        name: one of `ablations`.
        seed: of its training.
        steps: the budget in renders; the base's own where neither it nor `minutes` is given.
        minutes: the budget by the clock, in the place of steps.

    Raises:
        UsageError: an unknown name, both budgets, or a configuration that says something wrong.
    """
    if name not in ablations():
        raise UsageError(f"There is no ablation '{printable(name)}': choose from {', '.join(ablations())}.")
    if steps is not None and minutes is not None:
        raise UsageError("The budget is steps or minutes: give one of them.")
    base, own = (read_toml(FOLDER / f"{one}.toml", "an ablation") for one in (BASE, name))
    content = laid_over(base, own)
    about, against = content.pop("about"), content.pop("against", BASE)
    try:
        config = build(TrainConfig, content, "")
        run = replace(config.run, steps=steps or (_NO_END if minutes else config.run.steps), minutes=minutes or 0.0)
        return Ablation(name, about, None if name == BASE else against, replace(config, seed=seed, run=run))
    except UsageError as error:
        raise UsageError(f"{name}.toml: {error}") from None


def needed(names: Iterable[str]) -> list[str]:
    """The names, each once, after those that they are measured by."""
    found: dict[str, None] = {}
    for name in names:
        against = load_ablation(name).against
        found.update(dict.fromkeys([*(needed([against]) if against else ()), name]))
    return list(found)


class Table:
    """The rows of a folder, one for each key.

    Args:
        out: the folder; made if absent.

    Raises:
        MynaError: its `ablations.jsonl` cannot be read.
    """

    def __init__(self, out: Path) -> None:
        """See the class."""
        self.out = make_folder(out)
        self._path = out / "ablations.jsonl"
        self.rows: dict[str, dict[str, Any]] = {row["key"]: row for row in self._read()}

    def _read(self) -> list[dict[str, Any]]:
        try:
            rows = [json.loads(line) for line in self._path.read_bytes().splitlines() if line.strip()]
            if not all(
                isinstance(row["score"], float) and isinstance(row["best"], float) and isinstance(row["key"], str)
                for row in rows
            ):
                raise ValueError("no rows")
            return rows
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            where = printable(str(self._path))
            raise MynaError(f"{where} is no table of ablations: remove it, or choose another --out.") from None

    def add(self, row: Mapping[str, Any]) -> None:
        """Take a row and write both files, each whole or not at all.

        Raises:
            MynaError: they cannot be written.
        """
        self.rows[row["key"]] = dict(row)
        write_atomic(self._path, "".join(json.dumps(one) + "\n" for one in self.rows.values()))
        write_atomic(self.out / "ablations.md", self.text([*self.rows.values()]) + "\n")

    def compared(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row with `ratio`: its score as a share of the one that it is measured by; None where that has no row.

        Both have the same seed, budget and code.
        """
        alike = ("seed", "budget", "myna", "commit", "changed")
        found = [
            other["score"]
            for other in self.rows.values()
            if other["name"] == row["against"] and all(other[name] == row[name] for name in alike)
        ]
        return {**row, "ratio": row["score"] / found[-1] if found and found[-1] else None}

    def text(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """Rows as a table in Markdown."""
        lines = ["| ablation | budget | seed | steps | score | ratio | to | best | what |", "|" + " --- |" * 9]
        for row in map(self.compared, rows):
            ratio = "" if row["ratio"] is None else f"{row['ratio']:.3f}"
            cells = [row["name"], row["budget"], row["seed"], f"{row['steps']:,}", f"{row['score']:.4f}", ratio]
            cells += [row["against"] or "", f"{row['best']:.4f}", row["about"]]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
        return "\n".join(lines)


def train(ablation: Ablation, table: Table, watch: Callable[[Status], None], stop: Callable[[], bool]) -> bool:
    """Train one, or go on with it, and enter its row; False where it was stopped before its end.

    Args:
        ablation: which.
        table: takes the row; the training has a folder of its own beside it.
        watch: see `Training`.
        stop: likewise.

    Raises:
        MynaError: a folder that cannot be used, or what the training raises.
    """
    folder = table.out / f"{ablation.name}-{ablation.key[:12]}"
    training = Training(ablation.config, folder, resume=True, watch=watch, stop=stop)
    if not training.run():
        return False
    table.add(_row(ablation, training))
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)  # with the replay they are large, and it is over
    return True


def _row(ablation: Ablation, training: Training) -> dict[str, Any]:
    best = json.loads((training.out / "best" / "evaluation.json").read_text(encoding="utf-8"))
    sha, changed = commit()
    return {
        "name": ablation.name,
        "about": ablation.about,
        "against": ablation.against,
        "budget": ablation.budget,
        "seed": ablation.config.seed,
        "steps": training.learner.steps_done,
        "minutes": round(training.seconds / 60.0, 3),
        "score": training.score,
        "best": training.best,
        "best_at_step": best["steps"],
        "myna": __version__,
        "commit": sha,
        "changed": changed,
        "key": ablation.key,
    }
