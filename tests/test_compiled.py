"""Kernels and their cache: the same machine code in every process, and it follows the sources."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numba
import numpy as np
import pytest
from tests.synth.measure import presets, renders

from myna import compiled, seeding
from myna.compiled import load_kernel
from myna.errors import BackendError
from myna.presets.generator import MusicalPrior, UniformPrior
from myna.synth.base import Probe
from myna.synth.serum_lite import engine

SOURCES = Path(engine.__file__).parent
RENDER = """
import hashlib, sys
import numpy as np
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
sounds = Renderer(threads=1).render(np.load(sys.argv[1]), Probe(60, 100, 0.2, 0.3))
print(hashlib.sha256(sounds.tobytes()).hexdigest())
"""
TINY = """
import numba
from pathlib import Path
from myna.compiled import compile_cached
def twice(x):
    return x + x
def compile_kernel(folder):
    compile_cached(twice, Path(folder)).compile((numba.float64,))
"""
DOUBLE = (numba.float64,)


def test_a_process_that_finds_no_kernel_renders_the_bits_of_one_that_does(tmp_path: Path) -> None:
    """An empty cache, the same one filled, and this process's own: one compile, half a minute."""
    draw = seeding.generator(0, "kernel cache")
    u = np.concatenate([presets(UniformPrior, 100, draw), presets(MusicalPrior, 100, draw)])
    np.save(tmp_path / "u.npy", u)
    environment = os.environ | {"MYNA_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-c", RENDER, str(tmp_path / "u.npy")]
    seen = [subprocess.run(command, env=environment, capture_output=True, text=True, check=True) for _ in range(2)]
    own = hashlib.sha256(renders(u, [Probe(60, 100, 0.2, 0.3)]).tobytes()).hexdigest()
    assert [run.stdout.strip() for run in seen] == [own, own]


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module with a kernel that compiles in a moment, and an empty cache folder."""
    (tmp_path / "tiny_kernel.py").write_text(TINY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("MYNA_CACHE_DIR", str(tmp_path / "cache"))
    yield importlib.import_module("tiny_kernel")
    del sys.modules["tiny_kernel"]


def test_a_kernel_is_cached_in_the_folder_of_its_key(tiny: ModuleType, tmp_path: Path) -> None:
    before = numba.config.CACHE_DIR
    assert load_kernel(tiny.twice, DOUBLE, "key")(2.0) == 4.0
    assert numba.config.CACHE_DIR == before
    assert [p.name for p in (tmp_path / "cache" / "kernels").iterdir()] == ["key"]
    assert list((tmp_path / "cache" / "kernels" / "key").rglob("*.nbi"))
    load_kernel(tiny.twice, DOUBLE, "another")
    assert list((tmp_path / "cache" / "kernels" / "another").rglob("*.nbi"))


def test_a_kernel_in_the_cache_is_not_compiled_again(tiny: ModuleType, monkeypatch) -> None:
    load_kernel(tiny.twice, DOUBLE, "key")
    monkeypatch.setattr(compiled, "_compile_apart", lambda *_: pytest.fail("compiled again"))
    assert load_kernel(tiny.twice, DOUBLE, "key")(3.0) == 6.0


def test_a_kernel_compiles_for_no_other_types_in_a_process_that_renders(tiny: ModuleType) -> None:
    kernel = load_kernel(tiny.twice, DOUBLE, "key")
    with pytest.raises(TypeError):
        kernel(np.zeros(3))


def test_a_cache_folder_that_cannot_be_made_costs_the_compile_and_not_the_sound(
    tiny: ModuleType, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MYNA_CACHE_DIR", str(tmp_path / "file"))
    assert load_kernel(tiny.twice, DOUBLE, "key")(2.0) == 4.0


def test_a_kernel_that_does_not_compile_is_told_in_a_sentence(tiny: ModuleType) -> None:
    with pytest.raises(BackendError, match=r"could not be compiled: ImportError: .*compile_kernel"):
        load_kernel(renders, DOUBLE, "key")


def test_the_hash_follows_every_source_of_the_engine(tmp_path: Path, monkeypatch) -> None:
    shutil.copytree(SOURCES, tmp_path / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(engine, "__file__", str(tmp_path / "engine" / "engine.py"))
    seen = {engine.source_hash()}
    for path in sorted((tmp_path / "engine").glob("*.py")):
        path.write_text(path.read_text() + "# changed\n")
        seen.add(engine.source_hash())
        assert engine.source_hash() in seen
    (tmp_path / "engine" / "new.py").write_text("")
    seen.add(engine.source_hash())
    assert len(seen) == 2 + len(list(SOURCES.glob("*.py")))


def test_the_hash_follows_numbas_version(monkeypatch) -> None:
    before = engine.source_hash()
    monkeypatch.setattr(numba, "__version__", "0.0.0")
    assert engine.source_hash() != before


@pytest.mark.soak
def test_a_change_in_an_imported_function_is_compiled_and_heard(tmp_path: Path) -> None:
    """numba alone would serve the old kernel: it looks at the entry's file only. Two compiles, a minute or two."""
    package = tmp_path / "src"
    shutil.copytree(SOURCES.parents[1], package / "myna", ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        "import numpy as np; from myna.synth.renderer import Renderer; from myna.synth.base import Probe;"
        "r = Renderer();"
        "print(np.abs(r.render(r.table.encode(r.table.defaults)[None], Probe(60, 100, 1.0, 0.1))).max())"
    )
    environment = os.environ | {"PYTHONPATH": str(package), "MYNA_CACHE_DIR": str(tmp_path / "cache")}

    def loudest() -> float:
        run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        return float(run.stdout)

    first = loudest()
    assert loudest() == first
    source = package / "myna" / "synth" / "serum_lite" / "envelope.py"
    text = source.read_text()
    assert text.count("return held(p, first, t)\n") == 1
    source.write_text(text.replace("return held(p, first, t)\n", "return 0.5 * held(p, first, t)\n"))
    assert loudest() == pytest.approx(0.5 * first, rel=0.01)
