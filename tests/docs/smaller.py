"""What stands between a documented command and a test that runs it: smaller numbers, or the reason why it is not run.

A verb or script that is not named here is run as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.training.tiny import TINY

Words = list[str]

NOT_RUN = {
    "make setup": "installs the environment that the tests run in, from the network",
    "make match": "is make setup and `myna match`, which is run",
    "make match FILE=bass.wav BUDGET=2000 OUT=out/bass": "likewise",
    "make test": "runs these tests",
    "make soak": "runs for minutes to hours",
    "make app": "is make setup and `myna app`",
    "make docs": "is what test_site does",
    "python docs/screenshots.py": "takes the pictures of this page, for minutes",
    "make bench": "runs the benchmarks, which are run one by one",
    "python docs/results_page.py out/evaluation": "writes pages that are under test; test_results pastes into copies",
    "python docs/training_curves.py two-hours=out/train/laptop seed2=out/train/seed2 seed3=out/train/seed3": (
        "test_curves draws some"
    ),
    "benchmarks/evaluation.sh": "runs for hours; test_evaluation_script has it run something else",
    "benchmarks/peers.sh": "installs other synths from the network",
    "python benchmarks/app.py": "drives a browser through a whole match, for minutes",
    "python benchmarks/cuda_build.py": "needs numba-cuda, which takes the place of a part of numba for all tests",
    "python -m myna.evaluation.suites.make": "freezes the suites of the package anew, for minutes",
    "python examples/make_vital_suite.py --out out/vital": "needs Vital",
    "pip install 'myna[wandb]'": "needs the network",
    "pip install vita": "likewise",
    "pytest -m soak tests/app/test_soak.py": "runs for twenty minutes",
    "pytest -m soak tests/envs/test_machine.py -k hour": "runs for an hour",
    "pytest tests/loss/test_cheats.py -rP": "is one of these tests",
    "tensorboard --logdir out": "serves until it is stopped",
}
"""Command → why no test runs it."""

MOST_RENDERS = 8
_FEW = ("run.steps=2", "run.log_every=1", "run.evaluate_every=2", "run.checkpoint_every=2", "run.media=0")
_SHORT = (
    *(
        change for change in TINY if not change.startswith(("run.", "sac.learner.networks"))
    ),  # networks are those of `init`
    *("run.steps=8", "run.log_every=4", "run.evaluate_every=8", "run.checkpoint_every=8", "sac.learn_after=4"),
    *("sac.learner.warm_up=1", "run.media=0"),
)
_LONG = (*_SHORT, "sac.world.recordings.variants=2", "device=cpu")
_CLONING = (*_FEW, "cloning.batch=4", "cloning.played=2", "cloning.horizon=2")
_TRAINED: Mapping[str, tuple[str, ...]] = {
    "smoke": (*_SHORT, "sac.learner.networks.hidden=[16, 16]"),
    "laptop": _LONG,
    "gpu": _LONG,
    "regression": (*_FEW, "regression.network={hidden=8, layers=1}", "regression.batch=8", "regression.heard=2"),
    "cloning": _CLONING,
    "dream": _CLONING,
    "proxy": (*_FEW, "proxy.network={hidden=8, layers=1}", "proxy.batch=8"),
    "near": (*_FEW, "proxy.batch=8"),
}
_PLAYING = ("smoke", "laptop", "gpu")


def smaller(words: Sequence[str], data: Path) -> Words:
    """The same command line of `myna`, with a budget of seconds; `data` is a small data set."""
    change = _VERBS.get(words[0])
    return change(list(words), data) if change else list(words)


def set_option(words: Words, name: str, *values: str) -> Words:
    """Words with the option's value in place of its own, or added."""
    at = words.index(name) if name in words else len(words)
    return [*words[:at], name, *values, *words[at + 2 :]]


def option(words: Sequence[str], name: str, default: str = "") -> str:
    return words[words.index(name) + 1] if name in words else default


def _match(words: Words, _: Path) -> Words:
    return set_option(words, "--budget", str(MOST_RENDERS))


def _collect(words: Words, _: Path) -> Words:
    words = set_option(words, "--rows", "192" if "--resume" in words else "128")
    return set_option(words, "--renders", str(MOST_RENDERS))


def _evaluate(words: Words, _: Path) -> Words:
    if "--only-table" in words:
        return words
    marks = {str(min(int(mark), MOST_RENDERS)) for mark in option(words, "--budgets", "1,2").split(",")}
    words = set_option(words, "--suite", option(words, "--suite", "stage-1").split(",")[0])
    words = set_option(words, "--agents", option(words, "--agents", "mean-preset,random"))
    for name in ("--limit", "--seeds", "--processes"):
        words = set_option(words, name, "1")
    return set_option(set_option(words, "--budgets", ",".join(sorted(marks))), "--measured-seeds", "0")


def _train(words: Words, data: Path) -> Words:
    config = option(words, "--config", "laptop")
    if "--out" not in words:
        words = set_option(words, "--out", f"out/trained/{config}")
    rows = [] if config in _PLAYING else [f'{_table(config)}.data=["{data}"]']
    at = words.index("--override") if "--override" in words else len(words)
    return [*words[:at], "--quiet", "--override", *words[at + 1 :], *_TRAINED[config], *rows]


def _table(config: str) -> str:
    return {"dream": "cloning", "near": "proxy"}.get(config, config)


def _ablate(words: Words, _: Path) -> Words:
    """By steps alone, so that all commands of a page share the rows of the base."""
    if "--list" in words:
        return words
    names = [word for word in words[1:] if not word.replace(".", "").isdigit() and not word.startswith("--")]
    return ["ablate", *names, "--steps", "8", "--quiet"]


def _listen(words: Words, _: Path) -> Words:
    if "score" in words:
        return words
    if "--renders" in words:
        words = set_option(words, "--renders", str(MOST_RENDERS))
    if "--matches" in words:  # a page may make several tests, and a key is never written over
        words = set_option(words, "--out", "out/listen-to-matches")
    return set_option(words, "--traps", "0")


def _library(words: Words, _: Path) -> Words:
    """With ids that the library has in the place of those on the page."""
    from myna.library import open_library
    from myna.library.query import find_ids

    if words[1] != "tag":
        return words
    with open_library() as library:
        ids = iter(find_ids(library))
    return [next(ids, word) if re.fullmatch("[0-9a-f]{4}", word) else word for word in words]


_VERBS: Mapping[str, Callable[[Words, Path], Words]] = {
    "match": _match,
    "collect": _collect,
    "evaluate": _evaluate,
    "train": _train,
    "ablate": _ablate,
    "listen": _listen,
    "library": _library,
}
