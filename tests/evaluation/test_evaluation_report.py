"""An evaluation's page stands alone, says what the numbers say, and cannot be hijacked by a name."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile

from myna.cli.main import main
from myna.errors import MynaError
from myna.evaluation.report.evaluation_board import Board
from myna.evaluation.report.evaluation_figure import draw_figure
from myna.evaluation.report.evaluation_halls import halls
from myna.evaluation.report.evaluation_report import render_evaluation_report, write_evaluation_report
from myna.evaluation.report.evaluation_sounds import chosen, sound_pages
from myna.evaluation.suites import load_suite
from myna.evaluation.suites.frozen import FrozenSet
from myna.evaluation.summary import summarise
from myna.synth.serum_lite.parameters import TABLE

from .boards import AGENTS, board, halved, scripted


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
