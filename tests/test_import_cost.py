"""Importing myna and asking for help stay cheap."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ["torch", "streamlit", "numba", "numpy", "scipy", "tyro", "librosa", "matplotlib"]

# A child measures its own children, so that nothing else that pytest started is counted.
MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "myna.cli.main", *sys.argv[1:]], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, done.stdout, used.ru_utime + used.ru_stime]))
"""


def python(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def test_import_myna_loads_nothing_heavy() -> None:
    loaded = json.loads(python("import sys, json, myna; print(json.dumps(sorted(sys.modules)))"))
    assert [name for name in HEAVY if name in loaded] == []


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, json, myna.cli.main as cli; cli.main(['--help']); print(json.dumps(list(sys.modules)))"
    loaded = json.loads(python(code).splitlines()[-1])
    assert [name for name in HEAVY if name in loaded] == []


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_answers_within_half_a_second_of_cpu_time(argument: str) -> None:
    code, output, seconds = json.loads(python(MEASURE, argument))
    assert code == 0
    assert "myna" in output
    assert seconds < 0.5
