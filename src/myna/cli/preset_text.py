"""Presets as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from myna.cli.messages import shown
from myna.presets import Preset
from myna.presets.compare import Change

__all__ = ["list_text", "show_text"]


def show_text(preset: Preset, settings: Sequence[Change]) -> str:
    """Name and metadata, then the settings under their modules, each with its unit."""
    lines = [f"{shown(preset.name)} ({preset.category}) by {shown(preset.author)}"]
    lines += [shown(", ".join(preset.tags))] if preset.tags else []
    lines += [shown(preset.description)] if preset.description else []
    module = ""
    for setting in settings:
        parameter = setting.parameter
        if parameter.module != module:
            module = parameter.module
            lines += ["", module]
        knob = parameter.name.partition(".")[2]
        lines.append(f"  {knob:<20} {parameter.describe(setting.after)}")
    return "\n".join(lines)


def list_text(presets: Sequence[Preset]) -> str:
    """A line for each: name, category and tags in columns."""
    width = max(len(shown(preset.name)) for preset in presets)
    rows = (f"{shown(p.name):<{width}}  {p.category:<8}  {shown(', '.join(p.tags))}".rstrip() for p in presets)
    return "\n".join(rows)
