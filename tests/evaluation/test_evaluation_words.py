"""An evaluation's figure, verdicts and tables say what the numbers say."""

from __future__ import annotations

import doctest

import pytest

from myna.evaluation.report import (
    evaluation_colours,
    evaluation_curves,
    evaluation_figure,
    evaluation_sounds,
    evaluation_tables,
)
from myna.evaluation.report.evaluation_board import Board
from myna.evaluation.report.evaluation_colours import HUES, looks
from myna.evaluation.report.evaluation_halls import halls
from myna.evaluation.report.evaluation_markdown import markdown
from myna.evaluation.report.evaluation_verdict import verdict
from myna.evaluation.report.evaluation_wins import family_wins, suite_wins
from myna.evaluation.report.page import asset
from myna.evaluation.suites import load_suite
from myna.evaluation.suites.sets import RecordingSet

from .boards import AGENTS, MARKS, board, halved, scripted, swaying


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


def test_who_is_better_on_most_targets_is_level_with_the_lowest_median() -> None:
    """As if one agent met the middle targets alone, and another all but these."""

    def loss(agent: str, mark: int, index: int, seed: int) -> float:
        middle = 6 <= index <= 8
        return (0.1 + 0.01 * index) * {"sac": 0.8 if middle else 1.0, "policy+cma-es": 1.0 if middle else 0.9}[agent]

    found = verdict(board(scripted(loss, ("stage-1",), ("sac", "policy+cma-es"))).kinds[0], 16, "cma-es")
    assert found is not None and (found.best.agent, found.level) == ("sac", ("policy+cma-es",))


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
    _, _, own, real, note, *_ = markdown(told).strip().split("\n\n")
    assert own.splitlines()[:3] == [
        "| The synth's own sounds: 30 sounds, 2 seeds | 1 | 16 | 256 |",
        "| --- | ---: | ---: | ---: |",
        "| `policy+cma-es` | **0.677** | **0.339** | **0.169** |",
    ]
    assert "| `cma-es` | 1.355 | 0.677 | 0.339 |" in own and real.startswith("| Recorded instruments: 15 sounds")
    assert "Bold" in note
    medians = markdown(board(scripted(swaying, suites=("stage-1",)))).split("\n\n")[2]
    assert medians.count("**") == 2 * len(AGENTS) * len(MARKS)  # nobody can be told from another


def test_markdown_has_ratios_to_the_baseline_for_each_kind_of_sound(told: Board) -> None:
    own, real, note = markdown(told).strip().split("\n\n")[5:8]
    assert own.splitlines() == [
        "| The synth's own sounds, over `cma-es` | 1 | 16 | 256 |",
        "| --- | ---: | ---: | ---: |",
        "| `policy+cma-es` | 0.50 [0.50, 0.50] | 0.50 [0.50, 0.50] | 0.50 [0.50, 0.50] |",
        "| `sac` | 0.55 [0.55, 0.55] | 0.55 [0.55, 0.55] | 0.55 [0.55, 0.55] |",
    ]
    assert real.startswith("| Recorded instruments, over `cma-es` |") and "`cma-es`'s" in note and "Holm" in note
    level = markdown(board(scripted(swaying, suites=("stage-1",)))).split("\n\n")[4]
    assert level.count("| ≈ ") == (len(AGENTS) - 1) * len(MARKS)
    assert ", over" not in markdown(board(scripted(halved, ("stage-1",), ("sac", "policy+cma-es"))))


def test_markdown_ends_with_the_suites_one_by_one(told: Board) -> None:
    after_16, after_256 = markdown(told).strip().split("\n\n")[8:]
    head, _, *rows = after_16.splitlines()
    assert head == "| After 16 renders | `policy+cma-es` | `cma-es` | `sac` |"
    assert [row.split(" | ")[0] for row in rows] == ["| `stage-1`", "| `stage-2`", "| `real`"]
    assert after_256.startswith("| After 256 renders |") and all(row.count("**") == 2 for row in rows)
    fewer = board([line for line in scripted(halved) if (line.suite, line.agent) != ("real", "sac")])
    assert markdown(fewer).splitlines()[-1].endswith(" |  |")


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
