"""`myna presets`: check, show, draw, list and compare presets."""

from __future__ import annotations

import dataclasses
import functools
import operator
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from myna.cli.arguments import UNSAID, Argument, Flag, chosen, named, one_or_more, parse, whole
from myna.cli.messages import print_json, say, shown, unknown
from myna.cli.preset_text import list_text, show_text
from myna.errors import BadPresetError, MynaError, UsageError
from myna.files import make_folder
from myna.presets import CATEGORIES, Preset, load_preset, save_preset
from myna.presets.compare import Change, changes
from myna.presets.factory import load_factory
from myna.presets.search import search
from myna.presets.styles import STYLES
from myna.synth.registry import synth_table

__all__ = ["run"]

SYNTH = "serum-lite"


@dataclass(frozen=True)
class Validate:
    """Check preset files: one line each.

    Example: myna presets validate mine.json
    """

    files: Annotated[tuple[str, ...], Argument, one_or_more("FILE…"), UNSAID]
    """preset files"""
    json: Flag = False
    """print the verdicts as a JSON array"""

    def run(self) -> int:
        """0 if every file is a sound preset, else 3."""
        verdicts = [_verdict(path) for path in self.files]
        if self.json:
            print_json(verdicts)
        else:
            for verdict in verdicts:
                print(verdict["error"] or f"{shown(verdict['file'])}: ok")
        return 0 if all(verdict["ok"] for verdict in verdicts) else BadPresetError.exit_code


@dataclass(frozen=True)
class Show:
    """Show a preset: what differs from the defaults, by module.

    Example: myna presets show "Felt Upright"
    """

    preset: Annotated[str, Argument, named("PRESET")]
    """a preset file, or the name of a factory preset"""
    all: Flag = False
    """show every parameter"""
    json: Flag = False
    """print JSON"""

    def run(self) -> int:
        """Print it; 0."""
        preset, table = _find(self.preset), synth_table(SYNTH)
        values = table.from_dict(preset.values)
        found = changes(table, table.defaults, values)
        if self.all:
            found = [Change(p, p.default, float(v)) for p, v in zip(table.parameters, values, strict=True)]
        if self.json:
            knobs = {change.parameter.name: _knob(change, before="default", after="value") for change in found}
            print_json({**_about(preset), "parameters": knobs})
        else:
            print(show_text(preset, found))
        return 0


@dataclass(frozen=True)
class New:
    """Make new preset files: drawn the way people make them, or copied.

    Example: myna presets new --category bass --count 5 --out out/presets
    """

    prior: Annotated[str, chosen(("musical", "uniform"))] = "musical"
    """draw as people make presets, or evenly over all settings; never silent"""
    category: Annotated[str | None, chosen(tuple(STYLES)), UNSAID] = None
    """of the musical prior; each draw picks its own otherwise"""
    count: Annotated[int, whole(1, 1000)] = 1
    """presets to draw"""
    seed: Annotated[int, whole(0, 2**63 - 1)] = 0
    """the same seed gives the same presets"""
    from_: Annotated[str | None, named("PRESET", "from")] = None
    """copy this preset file or factory preset instead"""
    out: Annotated[str, named("DIR")] = "out/presets"
    """where the files go (default out/presets); none is overwritten"""
    json: Flag = False
    """print the files as a JSON array"""

    def run(self) -> int:
        """Write the files and say where they are; 0."""
        presets = self._drawn() if self.from_ is None else self._copy(self.from_)
        folder = make_folder(self.out)
        paths = [_free_path(folder, preset) for preset in presets]
        for preset, path in zip(presets, paths, strict=True):
            save_preset(preset, path)
        if self.json:
            print_json([{"file": str(path), **_about(preset)} for preset, path in zip(presets, paths, strict=True)])
        else:
            for preset, path in zip(presets, paths, strict=True):
                print(f"{shown(str(path))}: {shown(preset.name)} ({preset.category})")
        return 0

    def _drawn(self) -> list[Preset]:
        from myna.render import draw_presets

        if self.prior == "uniform" and self.category:
            raise UsageError("--category belongs to the musical prior: the uniform one knows no categories.")
        return draw_presets(self.count, self.seed, self.prior, self.category, SYNTH)

    def _copy(self, name: str) -> list[Preset]:
        if dataclasses.replace(self, out=New.out, json=False) != New(from_=name):
            raise UsageError("--from copies one preset: leave out --prior, --category, --count and --seed.")
        preset = _find(name)
        return [dataclasses.replace(preset, name=f"{preset.name[:190]} (copy)")]


@dataclass(frozen=True)
class List:
    """List the factory presets.

    Example: myna presets list --category keys --search warm
    """

    category: Annotated[str | None, chosen(CATEGORIES), UNSAID] = None
    """only this category"""
    tag: Annotated[str | None, named("TAG")] = None
    """only presets with this tag"""
    search: Annotated[str, named("WORDS")] = ""
    """every word must occur in the name, author, category, tags or description"""
    json: Flag = False
    """print a JSON array"""

    def run(self) -> int:
        """Print what fits; 0, also if nothing does."""
        table = synth_table(SYNTH)
        found = search(load_factory(table), category=self.category, tag=self.tag, words=self.search)
        if self.json:
            print_json([_about(preset) for preset in found])
        elif found:
            print(list_text(found))
        else:
            say("no factory preset fits: ask for less.")
        return 0


@dataclass(frozen=True)
class Diff:
    """Compare two presets, knob by knob.

    Example: myna presets diff mine.json "Felt Upright"
    """

    first: Annotated[str, Argument, named("A")]
    """a preset file, or the name of a factory preset"""
    second: Annotated[str, Argument, named("B")]
    """another"""
    json: Flag = False
    """print JSON"""

    def run(self) -> int:
        """Print the knobs that differ; 0."""
        first, second, table = _find(self.first), _find(self.second), synth_table(SYNTH)
        found = changes(table, table.from_dict(first.values), table.from_dict(second.values))
        if self.json:
            knobs = {change.parameter.name: _knob(change, before="first", after="second") for change in found}
            print_json({"first": first.name, "second": second.name, "differences": knobs})
        elif not found:
            say("no knob differs.")
        for change in [] if self.json else found:
            p = change.parameter
            print(f"{p.name:<24} {p.describe(change.before):>16} → {p.describe(change.after)}")
        return 0


VERBS = {"validate": Validate, "show": Show, "new": New, "list": List, "diff": Diff}
OPTIONS = functools.reduce(
    operator.or_, (Annotated[options, tyro.conf.subcommand(verb)] for verb, options in VERBS.items())
)


ABOUT = """Check, show, draw, list and compare presets: the settings of all the synth's knobs, each a JSON file.

Example: myna presets list"""


def run(argv: list[str]) -> int:
    """Run one of the five and return the exit code."""
    if argv and argv[0] in VERBS:
        return parse(VERBS[argv[0]], f"myna presets {argv[0]}", argv[1:]).run()
    if argv and not argv[0].startswith("-"):
        raise UsageError(unknown("verb", argv[0], [*VERBS]))
    return parse(OPTIONS, "myna presets", argv, ABOUT).run()  # its help, or what is missing


def _find(name_or_path: str) -> Preset:
    from myna.render import find_preset

    return find_preset(name_or_path, SYNTH)


def _verdict(path: str) -> dict[str, Any]:
    try:
        load_preset(path, synth_table(SYNTH))
    except MynaError as error:
        return {"file": path, "ok": False, "error": str(error)}
    return {"file": path, "ok": True, "error": None}


def _about(preset: Preset) -> dict[str, Any]:
    fields = ("name", "synth", "category", "author", "tags", "description")
    return {field: getattr(preset, field) for field in fields}


def _knob(change: Change, *, before: str, after: str) -> dict[str, Any]:
    p = change.parameter
    return {before: p.to_json(change.before), after: p.to_json(change.after), "unit": p.unit}


def _free_path(folder: Path, preset: Preset) -> Path:
    """The preset's own file name in the folder.

    Raises:
        UsageError: it is taken.
    """
    kept = re.sub(r"[\W_]+", "-", preset.name.casefold()).strip("-")
    path = folder / f"{kept[:60] or 'preset'}.json"
    if path.exists():
        raise UsageError(f"{shown(str(path))} exists already: choose another --out or --seed.")
    return path
