"""The shape of the code: imports go one way, and some things are not imported at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
PACKAGE = SOURCE / "myna"

# Left to right; a layer imports itself and what stands before it. Layers on one line are siblings.
LAYERS = [
    ["params"],
    ["presets"],
    ["synth"],
    ["audio"],
    ["features"],
    ["loss"],
    ["retrieval"],
    ["envs"],
    ["agents"],
    ["training"],
    ["evaluation"],
    ["render", "analysis", "playing"],
    ["contact_sheet", "runs"],
    ["matching", "exporting"],
    ["export_zip", "helped", "match_files"],
    ["library"],
    ["app", "cli"],
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
SHARED = {"compiled", "errors", "units", "seeding", "files", "provenance", "rounding"}
GPL = {"vita", "pedalboard"}
GPL_DOORS = {"synth/vital.py", "synth/vst3.py"}
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
GLOBAL_RANDOM = {"torch.manual_seed", "torch.random.manual_seed", "torch.cuda.manual_seed"}
NUMPY_GENERATORS = {"Generator", "SeedSequence", "PCG64", "Philox", "BitGenerator"}


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def imported_modules(tree: ast.AST, module: str, is_package: bool) -> Iterator[str]:
    """Dotted names of all that is imported anywhere in the file, lazy imports included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                keep = len(parts) - node.level + is_package
                base = ".".join([*parts[:keep], *([base] if base else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "import_module",
            "importlib.import_module",
        ):
            if node.args and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def layer_of(module: str) -> str | None:
    """`myna.synth.base.Probe` → `synth`; None outside myna and for `myna` itself."""
    parts = module.split(".")
    return parts[1] if parts[0] == "myna" and len(parts) > 1 else None


def module_of(path: str) -> str:
    parts = ["myna", *Path(path).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def wrong_imports(path: str, code: str) -> list[str]:
    """Imports in one file, given by its path under src/myna, that point the wrong way."""
    module = module_of(path)
    own = layer_of(module)
    found = []
    for name in imported_modules(ast.parse(code), module, path.endswith("__init__.py")):
        other = layer_of(name)
        if other is None or other == "__version__" or other in SHARED or other == own:
            continue
        if own in SHARED or own is None or other not in RANK or RANK[other] >= RANK[own]:
            found.append(f"{path} imports {name}")
    return found


def wrong_calls(path: str, code: str) -> list[str]:
    """Pickle, GPL and global random state in one file."""
    tree = ast.parse(code)
    module = module_of(path)
    tops = {name.split(".")[0] for name in imported_modules(tree, module, path.endswith("__init__.py"))}
    found = [f"{path} imports {name}" for name in sorted(tops & UNPICKLERS)]
    if path not in GPL_DOORS:
        found += [f"{path} imports {name}" for name in sorted(tops & GPL)]
    if "random" in tops:
        found.append(f"{path} imports random")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_global_random(ast.unparse(node)):
            found.append(f"{path} uses {ast.unparse(node)}")
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            found.append(f"{path} allows pickle")
    return found


def is_global_random(dotted: str) -> bool:
    for prefix in ("np.random.", "numpy.random."):
        if dotted.startswith(prefix):
            return dotted.removeprefix(prefix).split(".")[0] not in NUMPY_GENERATORS
    return dotted in GLOBAL_RANDOM


@pytest.mark.parametrize("path", sources(), ids=relative)
def test_a_file_imports_only_to_its_left(path: Path) -> None:
    assert wrong_imports(relative(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", sources(), ids=relative)
def test_no_file_unpickles_or_touches_global_random_state_or_gpl_code(path: Path) -> None:
    assert wrong_calls(relative(path), path.read_text(encoding="utf-8")) == []


def test_every_file_belongs_to_a_known_layer() -> None:
    tops = {Path(relative(path)).parts[0].removesuffix(".py") for path in sources()}
    assert tops - set(RANK) - SHARED - {"__init__"} == set()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("params/table.py", "from myna.presets import preset"),
        ("presets/generator.py", "def f():\n    from myna.synth.base import Probe"),
        ("presets/generator.py", "from ..synth import base"),
        ("presets/__init__.py", "from ..synth import base"),
        ("audio/files.py", "from myna import features"),
        ("synth/base.py", "import importlib\nimportlib.import_module('myna.loss.terms')"),
        ("matching.py", "import myna.cli.main"),
        ("render.py", "from myna.matching import match"),
        ("matching.py", "from myna.library import open_library"),
        ("cli/match.py", "from myna.app import page"),
        ("app/page.py", "from myna.cli.main import main"),
        ("match_files.py", "from myna.app.jobs import Jobs"),
        ("units.py", "from myna.params.table import Table"),
        ("synth/base.py", "from myna.nowhere import thing"),
        ("__init__.py", "from .params import table"),
    ],
)
def test_a_planted_wrong_import_is_caught(path: str, code: str) -> None:
    assert wrong_imports(path, code) != []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("presets/preset.py", "from myna.params.table import Table\nfrom myna.errors import MynaError"),
        ("synth/serum_lite/voice.py", "from . import oscillator\nfrom ..base import Probe\nimport numpy"),
        ("cli/main.py", "from myna import __version__\nfrom myna.cli.doctor import run"),
        ("files.py", "from myna.errors import MynaError"),
    ],
)
def test_a_right_import_passes(path: str, code: str) -> None:
    assert wrong_imports(path, code) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "import random",
        "import numpy as np\nnp.random.seed(0)",
        "import numpy as np\nx = np.random.rand(3)",
        "import torch\ntorch.manual_seed(0)",
        "import vita",
        "from pedalboard import load_plugin",
        "import numpy as np\nnp.load('a.npz', allow_pickle=True)",
    ],
)
def test_a_planted_forbidden_call_is_caught(code: str) -> None:
    assert wrong_calls("synth/base.py", code) != []


def test_foreign_synths_may_import_gpl_code_and_seeded_generators_are_fine() -> None:
    assert wrong_calls("synth/vital.py", "import vita") == []
    assert wrong_calls("seeding.py", "import numpy as np\nnp.random.Generator(np.random.PCG64(1))") == []
