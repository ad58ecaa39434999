"""Runs the benchmarks and the package's own small programs in this process, with less to do."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.docs.pages import ROOT
from tests.docs.running import give
from tests.docs.smaller import MOST_RENDERS, option, set_option

BENCHMARKS = ROOT / "benchmarks"
Patches = Mapping[str, Any]


def run_script(words: Sequence[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python benchmarks/X.py …` or `python -m myna.x …`, in `folder`, where all that it writes goes.

    Raises:
        SystemExit: it was called wrongly or failed.
    """
    monkeypatch.chdir(folder)
    give(words)
    module, arguments = (words[2], words[3:]) if words[1] == "-m" else (Path(words[1]).stem, words[2:])
    before = set(sys.modules)
    monkeypatch.syspath_prepend(BENCHMARKS)
    try:
        _run(importlib.import_module(module), list(arguments), folder, monkeypatch)
    finally:
        for name in set(sys.modules) - before:
            if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]


def _run(module: ModuleType, arguments: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change = _SMALLER.get(module.__name__)
    patches, arguments = change(module, arguments, folder) if change else ({}, arguments)
    for name, value in patches.items():
        monkeypatch.setattr(sys.modules[name.rpartition(".")[0] or module.__name__], name.rpartition(".")[2], value)
    monkeypatch.setattr(sys, "argv", [module.__name__, *arguments])
    module.main(*([arguments] if inspect.signature(module.main).parameters else []))


def _engine(module: ModuleType, arguments: list[str], folder: Path) -> tuple[Patches, list[str]]:
    from myna.files import cache_dir

    warm = cache(partial(module._first_sound, str(cache_dir())))  # compiling anew takes half a minute
    counts = {"BATCH": 1, "FACTORY_PASSES": 1, "PAIRS": 1, "timing.TRIAL_S": 1e-4}
    return {**counts, "_first_sound": lambda _: warm(), "report.PEERS": (), "PEERS": ()}, set_option(
        arguments, "--out", str(folder / "e.json")
    )


def _features(module: ModuleType, arguments: list[str], _: Path) -> tuple[Patches, list[str]]:
    return {
        "BATCH": 2,
        "LARGE_BATCH": 2,
        "ROUNDS": 1,
        "REFERENCE_SOUNDS": 1,
        "peak_gib": module.score_large_batch,
    }, arguments


def _env(module: ModuleType, arguments: list[str], _: Path) -> tuple[Patches, list[str]]:
    small = {64: 2, 256: 4}
    make, run = module.make, module.run
    return {
        "ROUNDS": 1, "STEPS": 8, "WARM_UP": 1,
        "make": lambda count, renderer: _Named(make(small[count], renderer), count),
        "run": lambda envs, steps, *rest: run(envs, max(1, steps // 4), *rest),
    }, arguments  # fmt: skip


class _Named:
    """Environments that say there are as many as were asked for."""

    def __init__(self, envs: Any, num_envs: int) -> None:
        self._envs, self.num_envs = envs, num_envs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._envs, name)


def _matching(module: ModuleType, arguments: list[str], folder: Path) -> tuple[Patches, list[str]]:
    settings = module.MatchSettings
    short = lambda budget: settings(budget=min(budget, MOST_RENDERS))  # noqa: E731
    values = {"--sets": "prior", "--limit": "1", "--processes": "1", "--out": str(folder / "matching")}
    for name, value in values.items():
        arguments = set_option(arguments, name, value)
    few = {name: tuple((agent, MOST_RENDERS) for agent in ("auto", "cma-es", "random")) for name in ("RUNS", "COLUMNS")}
    ratios = tuple((*ratio[:3], MOST_RENDERS, ratio[4]) for ratio in module.RATIOS)
    small = {"myna.evaluation.comparison._YARDSTICKS": 1, "RATIOS": ratios}
    return {"MatchSettings": short, **few, **small}, arguments


def _cold_cma(module: ModuleType, arguments: list[str], _: Path) -> tuple[Patches, list[str]]:
    pool = lambda count, mp_context: ThreadPoolExecutor(1)  # noqa: E731
    return {"ProcessPoolExecutor": pool}, set_option(set_option(arguments, "--targets", "1"), "--budget", "2")


def _told(module: ModuleType, arguments: list[str], _: Path) -> tuple[Patches, list[str]]:
    for name, value in {"--targets": "1", "--budget": str(MOST_RENDERS), "--more": "2"}.items():
        arguments = set_option(arguments, name, value)
    return {"ProcessPoolExecutor": lambda count, mp_context: ThreadPoolExecutor(1)}, arguments


def _agents(module: ModuleType, arguments: list[str], folder: Path) -> tuple[Patches, list[str]]:
    values = {
        "--agents": option(arguments, "--agents", "random,regression"),
        "--sets": option(arguments, "--sets", "in").split(",")[-1],
        "--budgets": str(MOST_RENDERS), "--limit": "1", "--processes": "1", "--out": str(folder / "rows"),
    }  # fmt: skip
    for name, value in values.items():
        arguments = set_option(arguments, name, value)
    return {"myna.evaluation.comparison._YARDSTICKS": 1}, arguments


def _sac(module: ModuleType, arguments: list[str], _: Path) -> tuple[Patches, list[str]]:
    return {}, set_option(set_option(arguments, "--rounds", "1"), "--updates", "1")


def _identifiability(module: ModuleType, arguments: list[str], folder: Path) -> tuple[Patches, list[str]]:
    return {"PAGE": folder / "page.md", "IMAGE": folder / "page.png"}, set_option(arguments, "--presets", "1")


def _library(module: ModuleType, arguments: list[str], _: Path) -> tuple[Patches, list[str]]:
    return {"ROUNDS": 1}, set_option(set_option(arguments, "--count", "200"), "--sounds", "4")


def _calibrate(module: ModuleType, arguments: list[str], folder: Path) -> tuple[Patches, list[str]]:
    return {"write_atomic": lambda path, text: (folder / path.name).write_text(text)}, set_option(
        arguments, "--pairs", "4"
    )


def _schema(module: ModuleType, arguments: list[str], folder: Path) -> tuple[Patches, list[str]]:
    return {"schema_path": lambda table: folder / "schemas" / f"{table.synth}.json"}, arguments


def _noise_floor(module: ModuleType, arguments: list[str], folder: Path) -> tuple[Patches, list[str]]:
    return {}, set_option(set_option(arguments, "--presets", "4"), "--out", str(folder / "noise_floor.json"))


def _page(module: ModuleType, arguments: list[str], folder: Path) -> tuple[Patches, list[str]]:
    return {}, [*arguments, str(folder / "environment.md")]


_SMALLER: Mapping[str, Callable[[ModuleType, list[str], Path], tuple[Patches, list[str]]]] = {
    "engine": _engine,
    "features": _features,
    "env": _env,
    "matching": _matching,
    "cold_cma": _cold_cma,
    "told": _told,
    "agents": _agents,
    "sac": _sac,
    "library": _library,
    "identifiability": _identifiability,
    "myna.loss.calibrate": _calibrate,
    "myna.presets.schema": _schema,
    "myna.envs.noise_floor": _noise_floor,
    "myna.envs.page": _page,
}
