"""An episode's page stands alone, tells every step, and stays small."""

from __future__ import annotations

import base64
import doctest
import hashlib
import itertools
import json
import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from myna.evaluation.report import axes, knobs
from myna.evaluation.report.episode import OUTCOMES, PlayedEpisode
from myna.evaluation.report.episode_charts import loss_chart, reward_chart
from myna.evaluation.report.episode_knobs import knob_ways
from myna.evaluation.report.episode_report import render_episode_report
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.serum_lite.parameters import TABLE

RATE = 8_000
START = TABLE.encode(TABLE.defaults)


def preset(**settings: object) -> np.ndarray:
    named = {name.replace("__", "."): value for name, value in settings.items()}
    return TABLE.encode(TABLE.from_dict(named))


def tone(hz: float, seconds: float = 0.3) -> np.ndarray:
    wave = 0.2 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)
    return np.stack([wave, 0.9 * wave]).astype(np.float32)


def episode(steps: int = 3, **changes: object) -> PlayedEpisode:
    """An episode that opens the filter bit by bit, does nothing in its second step, and is best before its end."""
    cutoffs = [2000.0, 2500.0, 2500.0, *(2500.0 * 1.01**i for i in range(1, steps))][: steps + 1]
    losses = np.linspace(0.8, 0.2, steps + 1)
    losses[-1] = 0.5
    played = PlayedEpisode(
        stage=2,
        stage_name="filter",
        policy="oracle",
        mode="all",
        seed=0,
        horizon=40,
        bound=0.2,
        open_count=30,
        probes=[Probe(60, 100, 0.2, 0.3), Probe(60, 100, 0.2, 0.3)],
        outcome="horizon",
        success_loss=0.084,
        u=np.stack([preset(filter__cutoff_hz=cutoff) for cutoff in cutoffs]),
        target_u=preset(filter__cutoff_hz=4000.0, osc_a__table="bell"),
        losses=losses.tolist(),
        terms=[{"log_mel": 0.7 * loss, "envelope": 0.3 * loss} for loss in losses],
        rewards=[{"improvement": 4.0 * (a - b), "effort": -0.01} for a, b in itertools.pairwise(losses)],
        target_audio=tone(440.0),
        sounds=np.stack([tone(220.0 + step) for step in range(steps + 1)]),
        sample_rate=RATE,
    )
    return replace(played, **changes)


@pytest.fixture(scope="module")
def html() -> str:
    return render_episode_report(episode(), TABLE, '{"name": "best"}')


def without_data(html: str) -> str:
    return re.sub(r"base64,[\w+/=]+", "", html)


@pytest.mark.parametrize("module", [axes, knobs])
def test_the_worked_examples_hold(module) -> None:
    assert doctest.testmod(module).failed == 0


# The page


def test_the_page_loads_nothing_and_its_policy_lets_in_only_its_own_style_and_script(html: str) -> None:
    plain = without_data(html)
    assert re.search(r"https?:|//[a-z]|@import|url\(", plain) is None
    assert all(link.startswith("data:") for link in re.findall(r'(?:src|href)="([^"]*)"', plain))
    assert re.search(r'\sstyle="|\son\w+="', plain) is None
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in unescape(html)


def test_the_target_the_best_and_every_step_can_be_heard(html: str) -> None:
    assert re.findall(r'data-clip="(\w+)"', html) == ["A", "B", "0", "1", "2", "3"]
    assert re.findall(r'<button[^>]* class="hear" data-key="(\w+)"', html) == ["0", "1", "2", "3"]


def test_every_step_is_told(html: str) -> None:
    told = re.findall(r'class="says">(.*?)</span>', html)
    assert told == episode().story(TABLE)
    assert told[0] == "The start preset"
    assert told[1].startswith("Opened filter.cutoff_hz by 3.9 semitones (2.00 kHz → 2.50 kHz): loss −0.20")
    assert told[2].startswith("Nothing moved: loss −0.20")
    assert "reward +0.79" in html and "reward −0.41" in html


def test_the_knobs_that_moved_or_are_wrong_are_shown_and_no_others(html: str) -> None:
    table = html[html.index('id="knobs"') :]
    assert re.findall(r'<th scope="row">([^<]+)', table) == ["table", "cutoff"]
    assert re.findall(r'<th scope="col">(\w+)', table)[:4] == ["start", "best", "end", "target"]
    assert "basic shapes" in table and "4.00 kHz" in table


def test_without_a_known_preset_there_is_no_column_for_it() -> None:
    page = render_episode_report(episode(target_u=None), TABLE, "{}")
    assert '<th scope="col">target' not in page
    assert '<th scope="col">best' in page


def test_an_episode_of_many_steps_stays_small_and_keeps_its_best_and_its_last_sound() -> None:
    long = episode(96, sounds=generator(0, "noise").normal(0.0, 0.1, (97, 2, 3 * RATE)).astype(np.float32))
    page = render_episode_report(replace(long, losses=[*long.losses[:96], 0.9]), TABLE, "{}")
    keys = re.findall(r'class="hear" data-key="(\w+)"', page)
    assert 20 <= len(keys) <= 33
    assert {"0", "95", "96"} <= set(keys)
    assert len(page) < 5_000_000
    assert page.count('class="says"') == 97
    assert "Steps without a button are left out" in page


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "{{ 7 * 7 }}", "\"'><img src=x>"])
def test_a_hostile_name_is_only_text(name: str) -> None:
    page = render_episode_report(episode(stage_name=name, policy=name), TABLE, "{}")
    assert page.count("<script>") == 1
    assert page.count("<img") == 3
    assert "49" not in re.findall(r"<h1>(.*?)</h1>", page)[0]


def test_an_episode_that_only_waits_and_one_that_breaks_have_pages() -> None:
    still = {"u": np.stack([START] * 4), "losses": [0.3] * 4, "target_u": None}
    nothing = [{"improvement": 0.0, "effort": 0.0}] * 3
    page = render_episode_report(episode(**still, rewards=nothing), TABLE, "{}")
    assert "No knob moved." in page and "nothing was better than the start" in page
    broken = episode(outcome="broken", losses=[0.3, 0.4, 0.5, 25.0])
    page = render_episode_report(broken, TABLE, "{}")
    assert "The sound broke after 3 of 40 steps" in page
    assert "nan" not in without_data(page).lower().replace("resonance", "")


# Words and figures


def test_the_summary_is_json_that_holds_the_story_and_the_edits() -> None:
    played = episode()
    summary = json.loads(json.dumps(played.summary(TABLE), allow_nan=False))
    assert summary["best_step"] == 2
    assert [step["says"] for step in summary["story"]] == played.story(TABLE)
    assert {edit["parameter"] for edit in summary["edits"]} == {"filter.cutoff_hz"}
    assert summary["return"] == pytest.approx(4.0 * (0.8 - 0.5) - 0.03)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_verdict_says_how_it_ended_and_what_the_best_is_worth(outcome: str) -> None:
    words = episode(outcome=outcome).verdict()
    assert words == f"{OUTCOMES[outcome]} after 3 of 40 steps. The loss fell from 0.80 to 0.40, reached by step 2."


# Charts


def test_the_charts_draw_what_is_there_within_their_frames() -> None:
    drawn = loss_chart([1.0, 0.5, 9.0, 0.1], 0.08)
    assert drawn is not None
    numbers = [float(x) for x in re.findall(r"-?\d+\.\d+|-?\d+", drawn.line + drawn.best)]
    assert min(numbers) >= 0.0 and max(numbers) <= drawn.width
    assert drawn.end[0] == drawn.right
    assert drawn.end[1] < drawn.success_y < drawn.bottom + 1
    assert loss_chart([float("nan")], 0.08) is None
    assert reward_chart([]) is None


def test_a_rewards_parts_pile_up_and_down_from_zero_to_scale() -> None:
    drawn = reward_chart(
        [{"improvement": 1.0, "success": 1.0, "effort": -0.5}, {"improvement": -1.0, "success": 0.0, "effort": -0.5}]
    )
    assert drawn is not None
    assert drawn.names == ("improvement", "success", "effort")
    first, second, third, fourth, fifth = drawn.bars
    assert first[2] + first[4] == pytest.approx(drawn.zero_y)
    assert second[2] + second[4] == pytest.approx(first[2])
    assert third[2] == fourth[2] == pytest.approx(drawn.zero_y)
    assert fifth[2] == pytest.approx(fourth[2] + fourth[4])
    assert fourth[4] == pytest.approx(first[4]) == pytest.approx(2.0 * third[4])


def test_a_knob_is_right_where_the_best_is_within_two_hundredths_of_the_target() -> None:
    best, target = (preset(filter__resonance=value) for value in (0.50, 0.515))
    (module,) = knob_ways(TABLE, START, best, best, target)
    assert [(knob.name, knob.right) for knob in module.knobs] == [("resonance", True)]
    assert not knob_ways(TABLE, START, START, START, target)[0].knobs[0].right
    assert knob_ways(TABLE, START, START, START, START) == []
