"""An evaluation's page stands alone, says what the numbers say, and cannot be hijacked by a name."""

from __future__ import annotations

import base64
import doctest
import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile

from myna.cli.main import main
from myna.errors import MynaError
from myna.evaluation.report import (
    evaluation_colours,
    evaluation_curves,
    evaluation_figure,
    evaluation_sounds,
    evaluation_tables,
)
from myna.evaluation.report.evaluation_board import Board, board_of
from myna.evaluation.report.evaluation_colours import HUES, looks
from myna.evaluation.report.evaluation_figure import draw_figure
from myna.evaluation.report.evaluation_halls import halls
from myna.evaluation.report.evaluation_markdown import markdown
from myna.evaluation.report.evaluation_report import render_evaluation_report, write_evaluation_report
from myna.evaluation.report.evaluation_sounds import chosen, sound_pages
from myna.evaluation.report.evaluation_verdict import verdict
from myna.evaluation.report.evaluation_wins import family_wins, suite_wins
from myna.evaluation.report.page import asset
from myna.evaluation.results import Line, groups_of
from myna.evaluation.suites import load_suite
from myna.evaluation.suites.frozen import FrozenSet
from myna.evaluation.suites.sets import RecordingSet
from myna.evaluation.summary import summarise
from myna.synth.serum_lite.parameters import TABLE

AGENTS = ("cma-es", "policy+cma-es", "sac")
MARKS = (1, 16, 256)
ABOUT = {
    "runs": [
        {
            "asked": {
                "suites": ["stage-1", "real"],
                "agents": ["policy+cma-es", "cma-es", "sac"],
                "budgets": [1, 16, 256],
                "seeds": 2,
                "measured_seeds": 1,
                "limit": 15,
            },
            "commit": "0123456789ab",
            "machine": {"processor": "a processor", "cores": 2},
            "packages": {"numpy": "2"},
            "began": "2026-01-02T03:04:05+00:00",
        }
    ]
}
Loss = Callable[[str, int, int, int], float]


@cache
def names_of(suite: str) -> list[tuple[str, str]]:
    """Name and group of each target."""
    found = load_suite(suite)
    if isinstance(found, FrozenSet):
        names = [one.name for one in found.targets]
    else:
        names = [one.path.stem for one in found.recordings]
    return [*zip(names, groups_of(suite), strict=True)]


def scripted(
    loss: Loss,
    suites: Sequence[str] = ("stage-1", "stage-2", "real"),
    agents: Sequence[str] = AGENTS,
    marks: Sequence[int] = MARKS,
    targets: int = 15,
    seeds: int = 2,
) -> list[Line]:
    """Lines whose losses are told by agent, renders, target and seed, in the order of `results`."""
    return [
        Line(
            suite,
            names_of(suite)[index][0],
            index,
            names_of(suite)[index][1],
            agent,
            seed,
            mark,
            loss(agent, mark, index, seed),
            loss(agent, mark, index, seed) < 0.084,
            budget=mark,
            seconds=0.01 * mark,
            metrics={"mss": 3.25} if seed == 0 else {},
        )
        for suite in suites
        for agent in agents
        for seed in range(seeds)
        for mark in marks
        for index in range(targets)
    ]


def board(lines: Sequence[Line], about: Mapping[str, object] = ABOUT) -> Board:
    return board_of(lines, summarise(lines), about)


def halved(agent: str, mark: int, index: int, seed: int) -> float:
    """The policy's search has half the loss of CMA-ES, sac a tenth more than that; sac wins on the eighth target."""
    start = (1.0 + 0.05 * index + 0.01 * seed) * mark**-0.25
    factor = {"cma-es": 1.0, "policy+cma-es": 0.5, "sac": 0.4 if index == 7 else 0.55}
    return round(start * factor.get(agent, 0.9), 6)


def swaying(agent: str, mark: int, index: int, seed: int) -> float:
    """Each agent is as often better as worse than another."""
    way = {"cma-es": 0.0, "policy+cma-es": 0.3, "sac": -0.3}[agent]
    return 0.3 * float(np.exp(way if index % 2 else -way))


@pytest.fixture(scope="module")
def told() -> Board:
    return board(scripted(halved))


@pytest.fixture(scope="module")
def html(told: Board) -> str:
    return render_evaluation_report(told, sounds=0)


class Page(HTMLParser):
    """Keeps start tags with their attributes, and the text; checks that tags nest."""

    VOID = ("meta", "img", "input", "br", "path", "line")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


# The page


def test_the_page_is_whole_and_loads_nothing(html: str) -> None:
    page = Page(html)
    assert page.open == []
    bare = re.sub(r"base64,[\w+/=]+", "", html)
    assert re.search(r"https?:|//[a-z]|@import|url\(|src=\"(?!data:)|href=", bare) is None
    keys = {key for _, attributes in page.tags for key in attributes}
    assert not [key for key in keys if key == "style" or key.startswith("on")]


def test_the_policy_lets_nothing_in_but_this_style_and_this_script(html: str) -> None:
    (policy,) = (tag["content"] for name, tag in Page(html).tags if name == "meta" and tag.get("http-equiv"))
    assert policy is not None and policy.startswith("default-src 'none';") and "unsafe" not in policy
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_every_agent_and_suite_is_shown_with_what_was_asked_for(html: str) -> None:
    page = Page(html)
    agents = {attributes["data-pick"] for _, attributes in page.tags if "data-pick" in attributes}
    assert agents == set(AGENTS)
    for words in ("stage-1", "stage-2", "real", "0123456789ab", "a processor, 2 cores", "2026-01-02T03:04:05"):
        assert words in page.text
    assert "myna evaluate --suite stage-1,real --agents policy+cma-es,cma-es,sac --budgets 1,16,256" in page.text
    assert load_suite("stage-1").about[1:] in page.text


def test_the_medians_of_the_page_are_those_of_the_summary(told: Board, html: str) -> None:
    for suite in ("stage-1", "stage-2", "real"):
        (part,) = re.findall(rf"<summary>{suite} .*?</table>", html, re.DOTALL)
        for agent in AGENTS:
            (row,) = re.findall(rf'<tr data-agent="{re.escape(agent)}">(.*?)</tr>', part)
            own = [one for one in told.summary["standings"] if (one["suite"], one["agent"]) == (suite, agent)]
            assert re.findall(r"<td><b[^>]*>([\d.]+)</b>", row) == [f"{one['median']:.3f}" for one in own]
            shown = re.findall(r"×([\d.]+)(\*?)", row)
            ratios = [(f"{one['ratio']:.2f}", "*" if one["p"] < 0.05 else "") for one in own if one["ratio"]]
            assert shown == ratios


def test_a_chart_tells_the_value_of_every_agent_at_every_mark(told: Board, html: str) -> None:
    says = {(one.agent, f"{one.median:.3f} ({one.low:.3f} to {one.high:.3f})") for one in told.kinds[0].of.values()}
    titles = {
        tuple(unescape(title).split(":")[0].split(",")[:1]) for title in re.findall(r"<title>(.*?)</title>", html)
    }
    assert {(agent,) for agent, _ in says} <= titles
    assert all(value in html for _, value in says)


HOSTILE = ("<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "{{ 7 * 7 }}", "</title></style>")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_text(name: str) -> None:
    lines = [replace(line, target=name) for line in scripted(halved, suites=("stage-1",), targets=3)]
    lines += [replace(line, agent=name, loss=line.loss / 9) for line in lines if line.agent == "sac"]
    page = Page(render_evaluation_report(board(lines), sounds=0))
    assert page.text.count(name) >= 5
    tags = [tag for tag, _ in page.tags]
    assert (tags.count("script"), tags.count("style"), tags.count("title") > 1, tags.count("img")) == (1, 1, True, 0)


def test_the_same_board_gives_the_same_bytes(told: Board, html: str) -> None:
    again = board(scripted(halved))
    assert render_evaluation_report(again, sounds=0) == html
    assert draw_figure(again) == draw_figure(told)


@pytest.mark.parametrize(
    "few",
    [
        {"agents": ("cma-es",)},
        {"agents": ("policy+cma-es", "sac")},
        {"agents": ("mine",), "marks": (7,), "targets": 1, "seeds": 1, "suites": ("real",)},
        {"marks": (1,), "seeds": 1},
    ],
)
def test_a_page_of_little_is_a_page(few: dict[str, tuple[str, ...]]) -> None:
    small = board(scripted(halved, **few), {"runs": []})  # pyright: ignore[reportArgumentType]
    page = Page(render_evaluation_report(small, sounds=0))
    assert page.open == []
    svg, png = draw_figure(small)
    assert svg.startswith(b"<?xml") and png.startswith(b"\x89PNG")


@pytest.mark.parametrize("suites", [("real",), ("stage-1", "factory", "real"), ("stage-1", "factory", "real", "vital")])
def test_all_words_of_the_figure_lie_in_it(suites: tuple[str, ...]) -> None:
    figure = evaluation_figure._figure(board(scripted(halved, suites, marks=(1, 16, 256, 1000))))
    figure.canvas.draw()
    page, words = figure.bbox, [text for axes in figure.axes for text in axes.texts if text.get_text()]
    boxes = [text.get_window_extent() for text in words]
    for box, text in zip(boxes, words, strict=True):
        assert box.y0 >= page.y0 and box.x0 >= page.x0 and box.y1 <= page.y1, text.get_text()
    told = [box for box, text in zip(boxes, words, strict=True) if " of cma-es (" in text.get_text()]
    note = next(box for box, text in zip(boxes, words, strict=True) if text.get_text().startswith("Loss: 0 ="))
    assert len(told) == 3 * len(suites) and all(box.y0 > note.y1 for box in told)


# What it says


def test_the_best_is_named_with_its_ratio(told: Board) -> None:
    found = verdict(told.kinds[0], 16, "cma-es")
    assert found is not None
    assert found.sentence == (
        "After 16 renders policy+cma-es is best: median loss 0.339; "
        "on the same sound it has 0.50 of cma-es's loss (95 % 0.50 to 0.50)."
    )
    assert verdict(told.kinds[0], 64, "cma-es") is None


def test_what_cannot_be_told_apart_is_called_level() -> None:
    panel = board(scripted(swaying, suites=("stage-1",))).kinds[0]
    found = verdict(panel, 16, "cma-es")
    assert found is not None
    others = set(AGENTS) - {found.best.agent}
    assert "level with" in found.sentence
    assert all(agent in found.sentence for agent in others)


def test_the_baseline_can_be_best_and_an_agent_can_be_alone() -> None:
    lines = scripted(lambda agent, *rest: halved("cma-es", *rest) * (1 if agent == "cma-es" else 2), ("stage-1",))
    worse = board(lines)
    found = verdict(worse.kinds[0], 256, "cma-es")
    assert found is not None and found.sentence == "After 256 renders cma-es is best: median loss 0.339."
    alone = verdict(board(scripted(halved, ("stage-1",), ("sac",))).kinds[0], 256, "cma-es")
    assert alone is not None and "sac was run alone: median loss" in alone.sentence


def test_an_agent_that_was_run_on_fewer_targets_is_not_ranked() -> None:
    lines = [line for line in scripted(halved, suites=("stage-1",)) if line.agent != "policy+cma-es" or line.index < 3]
    panel = board(lines).kinds[0]
    assert {one.agent for one in panel.ranked(16)} == {"cma-es", "sac"}


def test_suites_of_presets_are_pooled_and_others_stay_what_they_are(told: Board) -> None:
    own, real = told.kinds
    assert (own.suites, own.targets, real.suites, real.targets) == (("stage-1", "stage-2"), 30, ("real",), 15)
    assert real.standings == told.suites[2].standings


def test_markdown_has_a_table_for_each_kind_of_sound_with_the_best_in_bold(told: Board) -> None:
    _, _, own, real, note = markdown(told).strip().split("\n\n")
    assert own.splitlines()[:3] == [
        "| The synth's own sounds: 30 sounds, 2 seeds | 1 | 16 | 256 |",
        "| --- | ---: | ---: | ---: |",
        "| `policy+cma-es` | **0.677** | **0.339** | **0.169** |",
    ]
    assert "| `cma-es` | 1.355 | 0.677 | 0.339 |" in own and real.startswith("| Recorded instruments: 15 sounds")
    assert "Bold" in note
    level = markdown(board(scripted(swaying, suites=("stage-1",))))
    assert level.count("**") == 2 * len(AGENTS) * len(MARKS)  # nobody can be told from another


def test_markdown_begins_with_who_is_best_on_each_kind_of_sound_and_by_how_much(told: Board) -> None:
    overview, note, *_ = markdown(told).split("\n\n")
    head, _, own, real = overview.splitlines()
    assert head == "|  | after 16 | after 256 |"
    assert own == (
        "| The synth's own sounds: 30 sounds | `policy+cma-es` 0.50 [0.50, 0.50] | `policy+cma-es` 0.50 [0.50, 0.50] |"
    )
    assert real.startswith("| Recorded instruments: 15 sounds | `policy+cma-es` 0.50") and "`cma-es`'s" in note
    level = markdown(board(scripted(swaying, suites=("stage-1", "factory")))).splitlines()
    assert level[2].count(" ≈ ") == 4 and level[3].startswith("| Presets made by hand: ")


def test_the_verdict_is_about_what_was_run() -> None:
    assert board(scripted(halved, ("stage-1",), marks=(1, 4, 8, 12))).asked_renders == (4, 8, 12)
    assert board(scripted(halved, ("stage-1",), marks=(1, 16, 1000))).asked_renders == (16, 1000)


def test_wins_are_shares_of_targets_and_ties_count_for_nobody(told: Board) -> None:
    found = suite_wins(told, 16)
    assert found is not None
    assert dict(found.rows) == {"policy+cma-es": (14 / 15,) * 3, "sac": (1 / 15,) * 3}
    level = suite_wins(board(scripted(lambda *_: 0.25, suites=("stage-1",))), 16)
    assert level is not None
    assert (level.tied, level.ties) == ((1.0,), ("cma-es = policy+cma-es = sac",))


def test_instruments_are_sorted_into_families(told: Board) -> None:
    found = family_wins(told, 16)
    suite = load_suite("real")
    assert found is not None and isinstance(suite, RecordingSet)
    programs = [one.program for one in suite.recordings[:15]]
    assert dict(zip(found.columns, found.targets, strict=True))["piano"] == sum(program < 8 for program in programs)
    assert sum(found.targets) == 15


def test_halls_hold_the_lowest_the_highest_and_where_the_leader_is_beaten(told: Board) -> None:
    found = halls(told)
    assert (found.renders, found.leader) == (256, "policy+cma-es")
    assert {one.index for one in found.shame} == {13, 14}
    assert {one.index for one in found.fame} == {0, 1}
    assert {(one.suite, one.index, one.agent) for one in found.lost} == {
        (suite, 7, "sac") for suite in ("stage-1", "stage-2", "real")
    }


def test_agents_with_the_same_start_share_a_hue_and_the_page_has_all_hues() -> None:
    shown = looks(["sac", "policy+cma-es", "a", "b", "c", "d", "e", "f", "g", "h"])
    assert shown["sac"].hue == shown["policy+cma-es"].hue and not shown["sac"].solid
    assert len({shown[name].hue for name in "abcdefg"}) == 7
    css = asset("evaluation.css")
    assert all(f".{hue} {{" in css and colour in css for hue, colour in HUES.items())


def test_examples_in_docstrings_hold() -> None:
    for module in (evaluation_colours, evaluation_curves, evaluation_sounds, evaluation_tables):
        assert doctest.testmod(module).failed == 0


# The sounds


@pytest.fixture(scope="module")
def heard() -> Board:
    """cma-es found the very preset; sac plays the defaults."""
    suite = load_suite("stage-1")
    assert isinstance(suite, FrozenSet)
    true, start = suite.u(TABLE), tuple(TABLE.encode(TABLE.defaults).tolist())
    lines = scripted(halved, suites=("stage-1",), agents=("cma-es", "policy+cma-es", "sac"), marks=(4,), targets=3)
    return board(
        [replace(line, u=start if line.agent == "sac" else tuple(true[line.index].tolist())) for line in lines]
    )


def decoded(uri: str) -> np.ndarray:
    return soundfile.read(io.BytesIO(base64.b64decode(uri.partition(",")[2])), always_2d=True)[0].T


def test_each_sound_is_what_the_preset_plays_and_equal_presets_are_one(heard: Board) -> None:
    pages, left_out = sound_pages(heard, halls(heard), 2)
    assert (len(pages), left_out) == (2, 0)
    for page in pages:
        assert [one.agents for one in page.heard] == [(), ("policy+cma-es", "cma-es"), ("sac",)]
        target, best, other = (decoded(one.sound).mean(axis=0) for one in page.heard)
        assert len(target) == len(best) == len(other)
        assert np.corrcoef(target, best)[0, 1] > 0.999 > np.corrcoef(target, other)[0, 1]
        assert page.heard[1].gain == "+0.0 dB"


def test_sounds_keep_to_their_size_and_the_page_says_what_is_left_out(heard: Board) -> None:
    full, _ = sound_pages(heard, halls(heard), 3)
    least = min(sum(len(one.sound) + len(one.picture) for one in page.heard) for page in full)
    pages, left_out = sound_pages(heard, halls(heard), 3, most_bytes=least)
    assert len(pages) < 3 and len(pages) + left_out == 3
    assert sum(len(one.sound) + len(one.picture) for page in pages for one in page.heard) <= least


def test_a_page_with_sounds_has_a_deck_for_each_and_no_sound_is_loaded_before_it_is_asked_for(heard: Board) -> None:
    page = Page(render_evaluation_report(heard, sounds=2))
    assert page.open == []
    clips = [tag for name, tag in page.tags if name == "li" and "data-clip" in tag]
    assert [clip["data-clip"] for clip in clips] == ["A", "B", "C"] * 2
    assert all((clip["data-src"] or "").startswith("data:audio/mpeg;base64,") for clip in clips)
    assert not [name for name, _ in page.tags if name == "audio"]


def test_targets_to_hear_come_from_the_halls_and_then_from_every_suite(told: Board) -> None:
    picked = chosen(halls(told), 15)
    assert len({one.place for one, _ in picked}) == 15
    assert {why for _, why in picked} == {
        "hall of fame", "hall of shame", "another agent beats policy+cma-es", "evenly chosen",
    }  # fmt: skip
    assert {one.suite for one, why in picked if why == "evenly chosen"} == {"stage-1", "stage-2", "real"}
    assert chosen(halls(told), 0) == []


# The verb


def test_an_evaluation_ends_with_its_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "--suite", "stage-1", "--agents", "mean-preset,random", "--budgets", "2", "--seeds", "1"]
    words += ["--limit", "2", "--measured-seeds", "0", "--sounds", "1", "--out", str(tmp_path)]
    assert main([*words, "--no-report"]) == 0
    assert not (tmp_path / "report.html").exists()
    assert main([*words, "--only-table"]) == 0
    assert f"the report is {tmp_path}/report.html." in capsys.readouterr().err
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert len([tag for _, tag in page.tags if "data-clip" in tag]) == 3
    assert (tmp_path / "figure.svg").is_file() and (tmp_path / "figure.png").is_file()
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert all(f"{one['median']:.3f}" in page.text for one in summary["standings"] if one["agent"] != "true-preset")


def test_a_folder_without_an_evaluation_or_without_rows_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MynaError, match="holds no evaluation"):
        write_evaluation_report(tmp_path)
    (tmp_path / "evaluation.json").write_text('{"format": "myna-evaluation", "runs": []}')
    (tmp_path / "summary.json").write_text(json.dumps(summarise([])))
    with pytest.raises(MynaError, match="no rows yet"):
        write_evaluation_report(tmp_path)
    assert not (tmp_path / "report.html").exists()
