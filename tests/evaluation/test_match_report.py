"""The report stands alone, cannot be hijacked by a name, stays small and tells the truth."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from myna.audio.loudness import loudness_lufs
from myna.evaluation.report import render_match_report
from myna.evaluation.report.charts import biggest_term, curve_chart, term_bars
from myna.evaluation.report.clips import embed_wavs, equal_gains_db
from myna.evaluation.report.knobs import modules_of
from myna.params import Parameter, ParameterTable
from myna.units import note_name

RATE = 44_100
VOID = {"meta", "img", "link", "input", "br", "hr", "path", "rect", "line", "circle"}
TABLE = ParameterTable(
    "toy",
    1,
    [
        Parameter("osc.on", "boolean", 0, 1, 1, help="on"),
        Parameter("osc.level", "continuous", 0, 1, 0.5, help="<b>loud</b>"),
        Parameter("filter.on", "boolean", 0, 1, 0),
        Parameter("filter.cutoff_hz", "continuous", 20, 20_000, 2000, "Hz", "exponential"),
        Parameter("lfo_1.rate_hz", "continuous", 0.1, 10, 1, "Hz"),
        Parameter("matrix.source_1", "categorical", 0, 1, 0, choices=("none", "lfo_1")),
        Parameter("matrix.destination_1", "categorical", 0, 1, 0, choices=("none", "osc.level")),
        Parameter("matrix.amount_1", "continuous", -1, 1, 0),
    ],
)


def tone(seconds: float = 0.5, gain: float = 0.2, hz: float = 440.0) -> np.ndarray:
    time_s = np.arange(round(seconds * RATE)) / RATE
    wave = gain * np.sin(2 * np.pi * hz * time_s)
    return np.stack([wave, 0.9 * wave]).astype(np.float32)


def result(name: str = "trumpet", **changes: object) -> SimpleNamespace:
    values = {"osc.level": 0.8}
    target = SimpleNamespace(name=name, audio=changes.pop("target_audio", tone()), sample_rate=RATE)
    base = {
        "target": target,
        "settings": SimpleNamespace(synth="serum-lite", agent="auto", budget=100, seed=0, lock=()),
        "preset": SimpleNamespace(name="brassy", values=values),
        "audio": tone(gain=0.1),
        "loss": 0.3,
        "similarity_percent": 74.4,
        "terms": {"centroid": 0.2, "envelope": 0.5},
        "metrics": {"mss": 1.0, "level_error_db": -0.5},
        "renders": 100,
        "seconds": 1.25,
        "curve": [(1, 1.4), (50, 0.4), (100, 0.3)],
        "alternatives": [SimpleNamespace(preset=None, loss=0.4, audio=tone(gain=0.05))],
        "note_midi": 69.0,
        "gate_s": 0.4,
        "warnings": (),
    }
    return SimpleNamespace(**(base | changes))


class Page(HTMLParser):
    """Keeps start tags with their attributes, and the text; checks that tags nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def html() -> str:
    return render_match_report(result(), TABLE, '{"name": "brassy"}')


def test_every_tag_is_closed_where_it_should_be(html: str) -> None:
    page = Page(html)
    assert page.open == []
    assert len(page.all("h1")) == 1
    assert len(page.all("audio")) == 3
    assert len(page.all("img")) == 3


def test_nothing_is_loaded_from_elsewhere(html: str) -> None:
    loaded = [
        value
        for _, attributes in Page(html).tags
        for key, value in attributes.items()
        if key in ("src", "href", "srcset", "action", "data", "xlink:href")
    ]
    assert loaded
    assert all(value.startswith("data:") for value in loaded)
    assert re.search(r"https?:|//[a-z]|@import|url\(", re.sub(r"base64,[\w+/=]+", "", html)) is None


def test_the_policy_forbids_all_but_this_style_and_this_script(html: str) -> None:
    policy = next(meta["content"] for meta in Page(html).all("meta") if meta.get("http-equiv"))
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_no_inline_style_or_handler_that_the_policy_would_block(html: str) -> None:
    keys = {key for _, attributes in Page(html).tags for key in attributes}
    assert "style" not in keys
    assert not [key for key in keys if key.startswith("on")]


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "{{ 7 * 7 }}", "</title></style>"],
)
def test_a_hostile_name_is_only_text(name: str) -> None:
    hostile = result(
        name,
        preset=SimpleNamespace(name=name, values={}),
        warnings=(name,),
        terms={name: 0.3},
        metrics={name: 1.0},
    )
    page = Page(render_match_report(hostile, TABLE, "{}"))
    assert page.text.count(name) >= 5
    assert len(page.all("script")) == 1
    assert len(page.all("img")) == 3


def test_a_right_to_left_name_is_isolated_and_overrides_are_removed() -> None:
    html = render_match_report(result("צליל\u202egpj.exe\x00"), TABLE, "{}")
    assert "<h1><bdi>צליל·gpj.exe·</bdi></h1>" in html
    assert "\u202e" not in html


def test_four_seconds_of_stereo_with_alternatives_stay_under_3_mb() -> None:
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (2, 4 * RATE)).astype(np.float32)
    others = [SimpleNamespace(preset=None, loss=0.5, audio=noise[:, ::-1]) for _ in range(19)]
    html = render_match_report(result(target_audio=noise, audio=noise, alternatives=others), TABLE, "{}")
    assert len(html.encode()) < 3_000_000
    assert "in the folder alternatives/" in html


def test_two_clips_6_db_apart_play_equally_loud_and_the_gain_is_shown() -> None:
    html = render_match_report(result(audio=tone(gain=0.1), alternatives=[]), TABLE, "{}")
    assert re.findall(r'class="gain">([^<]*)<', html) == ["+0.0 dB", "+6.0 dB"]
    uris = [audio["src"] for audio in Page(html).all("audio")]
    played = [soundfile.read(io.BytesIO(base64.b64decode(uri.partition(",")[2])))[0].T for uri in uris]
    assert loudness_lufs(played[0], RATE) == pytest.approx(loudness_lufs(played[1], RATE), abs=0.01)


def test_gains_never_clip_and_leave_silence_alone() -> None:
    click = np.zeros((1, RATE), np.float32)
    click[0, 100] = 0.9
    gains = equal_gains_db([tone(), click, np.zeros((2, RATE), np.float32)], RATE)
    assert gains[2] == 0.0
    assert 0.9 * 10 ** (gains[1] / 20) <= 0.99 + 1e-6


def test_identical_channels_are_embedded_once() -> None:
    mono = np.repeat(tone()[:1], 2, axis=0)
    stereo_uri, mono_uri = embed_wavs([tone(), mono], RATE)
    assert len(mono_uri) < 0.51 * len(stereo_uri)


@pytest.mark.parametrize(("loss", "poor"), [(0.61, True), (0.6, False)])
def test_a_poor_match_is_called_poor_and_its_biggest_term_named(loss: float, poor: bool) -> None:
    page = Page(render_match_report(result(loss=loss), TABLE, "{}"))
    assert ("Serum-lite could not reproduce this sound closely" in page.text) is poor
    assert "how the level moves over time" in page.text


def test_the_preset_downloads_as_it_was_given(html: str) -> None:
    (link,) = [a for a in Page(html).all("a") if a.get("download") == "preset.json"]
    assert base64.b64decode(link["href"].partition(",")[2]) == b'{"name": "brassy"}'


def test_an_empty_search_and_silence_still_make_a_page() -> None:
    silent = np.zeros((2, 2000), np.float32)
    empty = result(target_audio=silent, audio=silent, curve=[], terms={}, metrics={}, alternatives=[])
    page = Page(render_match_report(empty, TABLE, "{}"))
    assert "No search was made" in page.text


def test_only_modules_that_can_be_heard_are_open(html: str) -> None:
    opened = ["open" in details for details in Page(html).all("details")]
    assert opened == [module.used for module in modules_of(TABLE, {"osc.level": 0.8})]
    assert opened == [True, False, False, False]


def test_a_route_puts_its_source_and_the_matrix_in_use() -> None:
    route = {"matrix.source_1": "lfo_1", "matrix.destination_1": "osc.level", "matrix.amount_1": 0.25}
    modules = {module.name: module for module in modules_of(TABLE, route, locked=("osc",))}
    assert modules["lfo_1"].used
    assert modules["osc"].locked
    assert [knob.value for knob in modules["matrix"].knobs] == ["LFO 1 → osc level, +0.25"]


def test_a_moved_knob_differs_from_its_default() -> None:
    knobs = {knob.name: knob for knob in modules_of(TABLE, {"osc.level": 0.8})[0].knobs}
    assert knobs["level"].changed
    assert not knobs["on"].changed
    assert (knobs["level"].value, knobs["level"].default) == ("0.8", "0.5")


def test_terms_are_ranked_and_the_scale_ends_at_the_largest() -> None:
    bars = term_bars({"a": 0.1, "b": 0.4, "c": 0.0})
    assert [(bar.name, bar.width) for bar in bars] == [("b", 100.0), ("a", 25.0)]  # what costs nothing is left out
    assert biggest_term({"a": 0.0}) is None


def test_the_curve_steps_down_and_stays_inside_the_picture() -> None:
    chart = curve_chart([(1, 9.0), (50, 0.4), (100, 0.3)], 120)
    heights = [float(y) for y in re.findall(r"V([\d.]+)", chart.line)]
    assert heights == sorted(heights)  # down the page is up in likeness
    assert all(chart.top <= y <= chart.bottom for y in heights)
    assert curve_chart([], 0) is None


def test_notes_are_named_with_middle_c_as_c4() -> None:
    assert [note_name(n) for n in (60, 69, 63.8, 0)] == ["C4", "A4", "E4 −20 ct", "C-1"]
