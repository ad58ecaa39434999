"""The factory bank: enough presets, written cleanly, that sound, at one loudness, unclipped and each its own."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import myna.presets.factory as factory
from myna.audio.loudness import loudness_lufs
from myna.features import TRAINING, analyse
from myna.loss import TRAINING_LOSS, PerceptualLoss
from myna.presets import CATEGORIES, Preset, dumps, load_preset, loads
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.synth.serum_lite.parameters import MATRIX_SLOTS, TABLE

FILES = sorted((Path(factory.__file__).parent / "factory").glob("*.json"))
BANK = factory.load_factory(TABLE)
NAMES = [preset.name for preset in BANK]
RATE = 44100
# Where a category is at home; drums have their root there.
REGISTER = {"bass": 36, "lead": 67, "pluck": 64, "strings": 62, "bell": 72, "drum": 48, "vocal": 55, "other": 67}
MIDDLE_C = 60
EFFECTS = ("distortion", "chorus", "delay", "reverb", "eq")


@cache
def renders(note: float, velocity: float, gate_s: float, total_s: float) -> np.ndarray:
    """Every preset at one note, (B, C, T)."""
    u = np.stack([preset.u(TABLE) for preset in BANK])
    return Renderer(sample_rate=RATE).render(u, Probe(note, velocity, gate_s, total_s))[:, 0]


def offenders(wrong: np.ndarray) -> list[str]:
    return [name for name, bad in zip(NAMES, wrong, strict=True) if bad]


def routings(preset: Preset) -> Iterator[tuple[str, str]]:
    """The source and destination of each slot that does something."""
    for slot in range(1, MATRIX_SLOTS + 1):
        source, destination, amount = (preset.values[f"matrix.{k}_{slot}"] for k in ("source", "destination", "amount"))
        if source != "none" and destination != "none" and amount != 0.0:
            yield source, destination


def is_heard(preset: Preset, module: str) -> bool:
    """Whether a module is on or, without a switch of its own, at work for one that is."""
    if module.startswith(("lfo", "env")):
        return module == "env_1" or any(source == module for source, _ in routings(preset))
    if module == "osc_b" and preset.values["osc_a.warp"] == "fm":
        return True
    return bool(preset.values.get(f"{module}.on", True))


def choices_at_work(preset: Preset) -> Iterator[tuple[str, str]]:
    """Each choice that shapes the sound, with its knob; twins (two oscillators, LFOs, slots) count as one knob."""
    for source, destination in routings(preset):
        yield from (("matrix.source", source), ("matrix.destination", destination))
    for knob in TABLE.parameters:
        if knob.kind == "categorical" and knob.module != "matrix" and is_heard(preset, knob.module):
            yield twin(knob.name), preset.values[knob.name]


def twin(name: str) -> str:
    return re.sub(r"(osc)_[ab]|(lfo)_\d", lambda m: m[1] or m[2], re.sub(r"_\d$", "", name))


def test_the_bank_has_96_presets_and_six_of_each_category():
    counts = Counter(preset.category for preset in BANK)
    assert len(BANK) >= 96
    assert {c: counts[c] for c in CATEGORIES if counts[c] < 6} == {}


def test_names_and_file_names_are_unique_in_any_case():
    assert len({name.casefold() for name in NAMES}) == len(BANK) == len(FILES)
    assert [path.stem for path in FILES] == [re.sub(r"[^a-z0-9]+", "_", name.lower()) for name in NAMES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_what_the_codec_writes_of_the_values_that_differ_from_the_defaults(path: Path):
    preset = load_preset(path, TABLE)
    defaults = TABLE.to_dict(TABLE.defaults)
    sparse = {name: value for name, value in preset.values.items() if value != defaults[name]}
    text = path.read_text(encoding="utf-8")
    assert text == dumps(replace(preset, values=sparse))
    assert loads(dumps(preset), TABLE) == preset
    assert json.loads(text)["author"] == "myna"


def test_every_preset_has_tags_and_says_in_a_sentence_what_it_is():
    poor = [p.name for p in BANK if not 2 <= len(p.tags) <= 8 or not re.fullmatch(r"[A-Z].{30,}\.", p.description)]
    assert poor == []
    assert len({p.description for p in BANK}) == len(BANK)


def test_no_routing_leads_to_a_module_that_is_off():
    dead = [
        (preset.name, destination)
        for preset in BANK
        for _, destination in routings(preset)
        if not is_heard(preset, destination.partition(".")[0])
    ]
    assert dead == []


def test_every_choice_of_the_table_is_at_work_in_a_preset():
    used = set().union(*(choices_at_work(preset) for preset in BANK))
    choices = {(twin(k.name), choice) for k in TABLE.parameters for choice in k.choices}
    idle = choices - used - {("matrix.source", "none"), ("matrix.destination", "none")}
    assert idle == set()


def test_every_switch_is_on_in_a_preset_and_off_in_another():
    switches = [knob.name for knob in TABLE.parameters if knob.kind == "boolean"]
    seen = {(twin(name), preset.values[name]) for preset in BANK for name in switches}
    assert {twin(name) for name in switches if not {(twin(name), on) for on in (True, False)} <= seen} == set()


def test_effects_are_used_with_taste():
    stacks = [sum(preset.values[f"{effect}.on"] for effect in EFFECTS) for preset in BANK]
    dry = np.mean([count - preset.values["eq.on"] == 0 for count, preset in zip(stacks, BANK, strict=True)])
    assert max(stacks) <= 3
    assert 0.3 < dry < 0.7


@pytest.mark.parametrize("note", [36, 60, 84])
def test_every_preset_sounds_and_stays_unclipped_at_full_velocity(note: int):
    audio = renders(note, 127.0, 0.6, 0.9)
    peaks = np.abs(audio).max(axis=(1, 2))
    blocks = audio[..., : audio.shape[-1] // 4410 * 4410].reshape(len(BANK), 2, -1, 4410)
    loudest_db = 10 * np.log10(np.mean(blocks**2, axis=(1, 3)).max(axis=1) + 1e-20)
    assert np.isfinite(audio).all()
    assert offenders(peaks >= 0.95) == []
    assert offenders(loudest_db < -40.0) == []


def test_presets_are_equally_loud_in_their_own_register():
    by_note = {note: renders(note, 100.0, 1.0, 1.5) for note in {MIDDLE_C, *REGISTER.values()}}
    notes = [REGISTER.get(preset.category, MIDDLE_C) for preset in BANK]
    lufs = np.array([loudness_lufs(by_note[note][i], RATE) for i, note in enumerate(notes)])
    assert abs(np.median(lufs) + 18.0) < 0.5
    assert offenders(np.abs(lufs + 18.0) > 4.0) == []


def test_no_two_presets_sound_alike():
    """The scaled loss to the nearest neighbour: at least a tenth of that between two random presets (1)."""
    loss = PerceptualLoss(TRAINING_LOSS)
    distance = np.zeros((len(BANK), len(BANK)))
    for note in (48, 72):
        features = analyse(renders(note, 100.0, 0.6, 1.0), RATE, TRAINING)
        for i in range(1, len(BANK)):
            distance[i, :i] += loss(features[:i], features[i : i + 1]).total.numpy() / 2
    distance = distance + distance.T
    np.fill_diagonal(distance, np.inf)
    nearest = [f"{a} ~ {NAMES[b]}" for a, b in zip(NAMES, distance.argmin(axis=1), strict=True)]
    close = distance.min(axis=1) < 0.1
    assert [pair for pair, bad in zip(nearest, close, strict=True) if bad] == []


def test_the_bank_is_loaded_only_once():
    assert factory.load_factory(TABLE) is factory.load_factory(TABLE)
