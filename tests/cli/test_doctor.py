"""`myna doctor` checks that an installation works, and finds out where it does not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import myna.agents.weights
import myna.render
from myna import provenance
from myna.cli import doctor, self_check
from myna.cli.main import main


def failing(monkeypatch: pytest.MonkeyPatch, *names: str) -> dict[str, str]:
    """What the named checks say where they fail."""
    monkeypatch.setattr(self_check, "CHECKS", {name: self_check.CHECKS[name] for name in names})
    return {check.name: check.about for check in self_check.checks() if not check.ok}


def test_all_is_well_here(capsys) -> None:
    assert main(["doctor", "--json"]) == 0
    out, err = capsys.readouterr()
    checks = json.loads(out)["checks"]
    assert [check["name"] for check in checks] == list(self_check.CHECKS) and all(check["ok"] for check in checks)
    assert err.count("\n") == 1


def test_each_check_is_a_line_and_a_failure_exits_5(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def broken() -> str:
        raise ZeroDivisionError("by\nnought")

    monkeypatch.setattr(self_check, "CHECKS", {"good": lambda: "fine", "bad": broken, "last": lambda: "fine, too"})
    assert main(["doctor"]) == 5
    good, bad, last = capsys.readouterr().out.splitlines()[-3:]
    assert good.split()[:2] == ["good", "ok"] and last.split()[:2] == ["last", "ok"]
    assert bad.split()[:2] == ["bad", "FAILED"] and bad.endswith("ZeroDivisionError: by nought")


def test_a_synth_that_never_plays_the_same_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = myna.render.render_preset, iter(range(99))
    monkeypatch.setattr(myna.render, "render_preset", lambda *given: real(*given) + np.float32(1e-7 * next(calls)))
    assert "sounds different" in failing(monkeypatch, "render")["render"]


@pytest.mark.parametrize(("factor", "says"), [(0.0, "silent"), (np.nan, "numbers that are none")])
def test_a_synth_that_gives_no_sound_is_found(factor: float, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = myna.render.render_preset
    monkeypatch.setattr(myna.render, "render_preset", lambda *given: real(*given) * np.float32(factor))
    assert says in failing(monkeypatch, "render")["render"]


def test_weights_that_were_changed_or_left_out_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = myna.agents.weights.FOLDER
    monkeypatch.setattr(myna.agents.weights, "FOLDER", tmp_path)
    assert "No weights" in failing(monkeypatch, "weights")["weights"]
    (tmp_path / "proxy.json").write_bytes((source / "proxy.json").read_bytes())
    (tmp_path / "proxy.safetensors").write_bytes((source / "proxy.safetensors").read_bytes()[:-1] + b"!")
    assert "“proxy” are not those" in failing(monkeypatch, "weights")["weights"]


def test_a_cache_that_cannot_be_written_to_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MYNA_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert main(["doctor", "--quick"]) == 0
    assert "CANNOT BE WRITTEN TO: set MYNA_CACHE_DIR" in capsys.readouterr().out
    monkeypatch.setenv("MYNA_CACHE_DIR", str(tmp_path / "new" / "cache"))
    assert doctor.report()["cache_writable"] and not (tmp_path / "new").exists()


def test_a_wheel_is_told_how_a_wheel_gets_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "requirements", lambda: ([], {"app": ["no-such-package"]}))
    monkeypatch.setattr(provenance, "checkout", lambda: None)
    monkeypatch.setattr(provenance, "commit", lambda: (None, False))
    assert doctor.report()["extras"]["app"]["install"] == "pip install 'myna[app]'"
