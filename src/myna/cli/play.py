"""`myna play`: one episode of the environment, as a page to hear, see and read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from myna.cli.arguments import Flag, chosen, named, parse, whole
from myna.cli.folders import open_out
from myna.cli.messages import print_json, shown
from myna.provenance import write_run
from myna.rounding import rounded

__all__ = ["Options", "run"]

POLICIES = ("oracle", "random", "noop")
MODES = ("all", "module")


@dataclass(frozen=True)
class Options:
    """Play one episode of the environment and write it as a page.

    Example: myna play --stage 2 --policy oracle --out out/play
    """

    out: Annotated[str, named("DIR")] = "out/play"
    """the folder for report.html, preset.json (the best preset), episode.json and run.json (default out/play)"""
    stage: Annotated[int, whole(1, 6)] = 3
    """of the curriculum: 1 oscillators … 6 everything"""
    policy: Annotated[str, chosen(POLICIES)] = "oracle"
    """who plays: oracle knows the target's preset, random turns anything, noop nothing"""
    mode: Annotated[str, chosen(MODES)] = "all"
    """how: all open knobs in each step, or one module"""
    seed: Annotated[int, whole(0, 2**63 - 1)] = 0
    """the same seed gives the same episode"""
    json: Flag = False
    """print the episode as JSON"""


def run(argv: list[str]) -> int:
    """Play, write and tell; 0 if all went well."""
    options = parse(Options, "myna play", argv)
    summary = _play(options)
    if options.json:
        print_json(summary)
    else:
        print(_text(summary))
    return 0


def _play(options: Options) -> dict[str, Any]:
    out = open_out(options.out)
    from myna.evaluation.report.episode_report import render_episode_report
    from myna.files import write_atomic
    from myna.playing import PlaySettings, best_preset, play_episode
    from myna.presets.codec import dumps
    from myna.synth.registry import synth_table

    episode = play_episode(PlaySettings(options.stage, options.policy, options.mode, options.seed))
    table = synth_table("serum-lite")
    preset_json = dumps(best_preset(episode, table))
    files = {"report": "report.html", "preset": "preset.json"}
    write_atomic(out / files["preset"], preset_json)
    write_atomic(out / files["report"], render_episode_report(episode, table, preset_json))
    summary = rounded(episode.summary(table))
    write_run(out, "play", asdict(options))
    write_atomic(out / "episode.json", json.dumps({**summary, **files}, indent=2, allow_nan=False) + "\n")
    return {**summary, **{name: str(out / file) for name, file in files.items()}}


def _text(summary: dict[str, Any]) -> str:
    told = [f"  {step['step']:>2}  {shown(step['says'])}" for step in summary["story"]]
    head = f"stage {summary['stage']} ({shown(summary['stage_name'])}): {shown(summary['verdict'])}"
    return "\n".join([head, *told, f"  {shown(summary['report'])}"])
