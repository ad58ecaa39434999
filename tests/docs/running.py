"""Runs the commands and examples of documentation pages, in the folder that a reader would be in."""

from __future__ import annotations

import glob
import json
import re
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from tests.docs.pages import ROOT, Command, Python
from tests.docs.smaller import smaller

from myna.agents.weights import FOLDER as WEIGHTS
from myna.cli.main import VERBS, main
from myna.presets import Preset, save_preset
from myna.synth.registry import synth_table

RATE = 44_100
INSTRUMENTS = 10  # every tenth one is kept to validate with
_SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".aiff")
_SMALLER_CODE = ((r"\bbudget=\d+", "budget=8"), (r"\bnum_envs=\d+", "num_envs=2"))


def prepare(folder: Path) -> None:
    """What a checkout has, in the folder; of the recordings one for each of the first instruments."""
    (folder / "recordings" / "train").mkdir(parents=True)
    for name in ("examples", "benchmarks"):
        (folder / name).symlink_to(ROOT / name)
    source = ROOT / "recordings" / "train"
    head, *lines = (source / "index.csv").read_text(encoding="utf-8").splitlines()
    own = list({line.split("_")[0]: line for line in lines}.values())[:INSTRUMENTS]
    (folder / "recordings" / "train" / "index.csv").write_text("\n".join([head, *own]) + "\n", encoding="utf-8")
    for line in own:
        name = line.split(",")[head.split(",").index("file")]
        shutil.copy(source / name, folder / "recordings" / "train" / name)


def run(step: Command | Python, data: Path) -> int:
    """Run one step in the current folder; its exit code. `data` is a small data set."""
    if isinstance(step, Python):
        code = step.code
        for found, put in _SMALLER_CODE:
            code = re.sub(found, put, code)
        exec(compile(code, "example", "exec"), {"__name__": "example"})
        return 0
    words = list(step.words[1:])
    if step.named:
        return main([*words, "--help"]) if words[0] in VERBS else 2
    give(words)
    return main(smaller(expanded(words), data))


def expanded(words: Sequence[str]) -> list[str]:
    """File patterns as a shell would read them."""
    return [file for word in words for file in (sorted(glob.glob(word)) if "*" in word else []) or [word]]


def give(words: Sequence[str]) -> None:
    """Make what the reader is supposed to have: recordings, and what earlier work left."""
    for before, word in zip(("", *words), words, strict=False):
        path = Path(word.replace("*", "one"))
        if before in ("--out", "--plot") or path.exists() or glob.glob(word):
            continue
        if path.suffix in _SOUNDS:
            _tone(path)
        elif path.name.startswith("votes"):
            _votes(path, Path(words[words.index("--key") + 1]))
        elif path.suffix == ".json":
            _preset(path)
        elif path.suffix == ".zip":
            _pack(path)
        elif word.endswith("/"):
            _preset(path / "mine.json")
        for weights in re.findall(r"(?:weights|guess)=([^:,]+)", word):
            _weights(Path(weights))


def _tone(path: Path) -> None:
    """A third of a second of a decaying tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(RATE // 3) / RATE
    soundfile.write(path, 0.4 * np.exp(-4.0 * time_s) * np.sin(2.0 * np.pi * 220.0 * time_s), RATE)


def _preset(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = synth_table("serum-lite")
    save_preset(Preset.from_u(table, table.encode(table.defaults), name="Mine"), path)


def _pack(path: Path) -> None:
    """A zip file of one preset."""
    _preset(path.with_suffix(".json"))
    with zipfile.ZipFile(path, "w") as pack:
        pack.write(path.with_suffix(".json"), "mine.json")


def _votes(path: Path, key: Path) -> None:
    """A listener's, who always likes A."""
    test = json.loads(key.read_text(encoding="utf-8"))
    votes = [{"trial": trial["id"], "closer": "a", "better": "a"} for trial in test["trials"]]
    head = {"format": "myna-votes", "version": 1, "test": test["test"], "listener": "one"}
    path.write_text(json.dumps({**head, "votes": votes}), encoding="utf-8")


def _weights(path: Path) -> None:
    """Those of the package of that name, where a training would have left its own."""
    if not path.with_suffix(".safetensors").exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        for kind in (".json", ".safetensors"):
            shutil.copy(WEIGHTS / f"{path.name}{kind}", path.with_suffix(kind))
