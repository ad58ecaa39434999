"""What a match leaves on disk: one folder per target, each file written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import math
import re
from pathlib import Path
from typing import Any

from myna.files import make_folder, write_atomic

__all__ = ["write_match"]

OURS = re.compile(r"\d{1,3}\.(json|wav)")


def write_match(result: Any, folder: Path, source: str, interrupted: bool = False) -> dict[str, Any]:
    """Write `preset.json`, `match.wav`, `target.wav`, the alternatives, `report.html` and `match.json`.

    Args:
        result: the match result.
        folder: the target's own folder; made if absent.
        source: the path that the user gave.
        interrupted: whether the search was cut short.

    Returns:
        The summary that `match.json` holds, with its paths seen from the working directory.

    Raises:
        MynaError: a file cannot be written.
    """
    from myna.evaluation.report import render_match_report
    from myna.presets.codec import dumps
    from myna.render import encode_sound
    from myna.synth.registry import synth_table

    rate = result.target.sample_rate
    preset_json = dumps(result.preset)
    make_folder(folder)
    write_atomic(folder / "preset.json", preset_json)
    write_atomic(folder / "match.wav", encode_sound(result.audio, rate))
    write_atomic(folder / "target.wav", encode_sound(result.target.audio, rate))
    alternatives = _write_alternatives(result, folder / "alternatives", rate)
    table = synth_table(result.settings.synth)
    write_atomic(folder / "report.html", render_match_report(result, table, preset_json))
    summary = _summary(result, source, alternatives, interrupted)
    write_atomic(folder / "match.json", json.dumps(summary, indent=2, allow_nan=False) + "\n")
    return _with_folder(summary, folder)


def _write_alternatives(result: Any, folder: Path, rate: int) -> list[dict[str, Any]]:
    from myna.presets.codec import dumps
    from myna.render import encode_sound

    written = []
    if result.alternatives:
        make_folder(folder)
    for rank, other in enumerate(result.alternatives, 2):
        write_atomic(folder / f"{rank}.json", dumps(other.preset))
        write_atomic(folder / f"{rank}.wav", encode_sound(other.audio, rate))
        written.append(
            {
                "preset": f"{folder.name}/{rank}.json",
                "audio": f"{folder.name}/{rank}.wav",
                "loss": float(other.loss),
            }
        )
    _remove_older(folder, len(written) + 1)
    return written


def _remove_older(folder: Path, last_rank: int) -> None:
    """Remove alternatives of an earlier run into the same folder, which would pass for this one's."""
    if not folder.is_dir() or folder.is_symlink():
        return
    for path in folder.iterdir():
        if OURS.fullmatch(path.name) and int(path.stem) > last_rank:
            with contextlib.suppress(OSError):
                path.unlink()


def _summary(result: Any, source: str, alternatives: list[dict[str, Any]], interrupted: bool) -> dict[str, Any]:
    settings = result.settings
    return {
        "target": source,
        "synth": settings.synth,
        "agent": settings.agent,
        "budget": settings.budget,
        "renders": int(result.renders),
        "seed": settings.seed,
        "seconds": round(float(result.seconds), 3),
        "note_midi": float(result.note_midi),
        "gate_s": float(result.gate_s),
        "loss": _finite(result.loss),
        "similarity_percent": float(result.similarity_percent),
        "terms": {name: _finite(value) for name, value in result.terms.items()},
        "metrics": {name: _finite(value) for name, value in result.metrics.items()},
        "preset": "preset.json",
        "audio": "match.wav",
        "alternatives": alternatives,
        "report": "report.html",
        "warnings": list(result.warnings),
        "interrupted": interrupted,
    }


def _finite(value: float) -> float | None:
    """A number as JSON can hold it: what is not finite (a metric of silence) becomes null."""
    return float(value) if math.isfinite(value) else None


def _with_folder(summary: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The same with paths that lead to the files from where the command ran."""
    shown = {**summary, **{key: str(folder / summary[key]) for key in ("preset", "audio", "report")}}
    shown["alternatives"] = [
        {**other, "preset": str(folder / other["preset"]), "audio": str(folder / other["audio"])}
        for other in summary["alternatives"]
    ]
    return shown
