"""The bank is built once, read after that, and survives damage; retrieval finds what is in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from myna.agents import Watch, make_agent
from myna.agents.retrieval import Retrieval, nearest_presets, with_gain
from myna.features import analyse
from myna.presets.generator import audible
from myna.retrieval import bank as bank_module
from myna.retrieval.bank import NOTES, forget, load_bank, pooled
from myna.synth.base import Probe

from .conftest import hear


@pytest.fixture
def bank(renderer):
    forget()
    return load_bank(renderer)


def rebuilt(renderer) -> tuple[bool, np.ndarray]:
    """Whether loading had to build, and the features."""
    forget()
    seen: list[tuple[int, int]] = []
    features = load_bank(renderer, lambda done, total: seen.append((done, total))).features
    return bool(seen), features


def test_it_is_built_once_with_progress_and_read_after_that(renderer, small_bank: Path) -> None:
    for path in small_bank.iterdir():
        path.unlink()
    forget()
    seen: list[tuple[int, int]] = []
    first = load_bank(renderer, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(NOTES) * 28, len(NOTES) * 28)
    assert seen == sorted(seen)
    assert load_bank(renderer) is first
    again, features = rebuilt(renderer)
    assert not again
    assert np.array_equal(features, first.features)
    assert first.features.dtype == np.float16
    assert np.isfinite(first.features).all()


@pytest.mark.parametrize("damage", ["empty", "short", "text", "another shape", "NaN", "no mask"])
def test_a_damaged_file_is_built_again(renderer, bank, small_bank: Path, damage: str) -> None:
    (path,) = small_bank.glob("*.safetensors")
    whole = path.read_bytes()
    kept = load(whole)
    if damage == "another shape":
        kept["features"] = np.ascontiguousarray(kept["features"][:, :3])
    kept["features"][0, 0, 0] = np.nan if damage == "NaN" else 0.0
    broken = {
        "empty": b"",
        "short": whole[:-100],
        "text": b"not a bank",
        "no mask": save({"features": kept["features"]}),
    }
    path.write_bytes(broken.get(damage, save(kept)))
    again, features = rebuilt(renderer)
    assert again
    assert np.array_equal(features, bank.features)
    assert path.read_bytes() == whole


def test_a_folder_that_cannot_be_written_only_costs_the_building(
    renderer, bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(bank_module, "bank_dir", lambda: tmp_path / "file" / "bank")
    again, features = rebuilt(renderer)
    assert again
    assert np.array_equal(features, bank.features)
    forget()


def test_what_is_silent_is_left_out(renderer, bank) -> None:
    candidates = bank_module._candidates(renderer.table)
    probe = Probe(60, 100, bank_module.GATE_S, bank_module.TOTAL_S)
    heard = audible(renderer.render(candidates, probe)[:, 0])
    assert 0 < np.sum(~heard[-4:])
    assert np.array_equal(bank.u, candidates[heard])
    assert bank.features.shape[:2] == (len(NOTES), len(bank.u))


def test_a_change_of_the_presets_names_another_file(renderer, bank, monkeypatch: pytest.MonkeyPatch) -> None:
    key = bank_module._key(renderer, bank.u)
    assert bank_module._key(renderer, bank.u[::-1]) != key
    monkeypatch.setattr("myna.synth.serum_lite.engine.source_hash", lambda: "another engine")
    assert bank_module._key(renderer, bank.u) != key


def test_a_stop_gives_the_building_up_and_leaves_no_file(
    renderer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank_module, "bank_dir", lambda: tmp_path / "bank")
    forget()
    assert load_bank(renderer, stop=lambda: True) is None
    assert not (tmp_path / "bank").exists()
    forget()


@pytest.mark.parametrize("note", [NOTES[0], NOTES[3]])
def test_a_preset_of_the_bank_is_its_own_nearest(renderer, bank, note: int) -> None:
    probe = Probe(note, 100, bank_module.GATE_S, bank_module.TOTAL_S)
    features = analyse(renderer.render(bank.u[:6], probe)[:, 0], renderer.sample_rate)
    for i, query in enumerate(pooled(features, probe.gate_s, renderer.sample_rate)):
        chosen, gains_db = bank.nearest(query, probe.gate_s, note, 3)
        assert chosen[0] == i
        assert gains_db[0] == pytest.approx(0.0, abs=0.1)


def test_a_quieter_sound_finds_the_same_preset_and_the_gain_it_lacks(renderer, bank) -> None:
    probe = Probe(60, 100, bank_module.GATE_S, bank_module.TOTAL_S)
    audio = renderer.render(bank.u[4:5], probe)[:, 0]
    query = pooled(analyse(0.25 * audio, renderer.sample_rate), probe.gate_s, renderer.sample_rate)[0]
    chosen, gains_db = bank.nearest(query, probe.gate_s, 60, 1)
    assert chosen[0] == 4
    assert gains_db[0] == pytest.approx(-12.04, abs=0.5)


def test_a_short_gate_still_finds_the_preset(renderer, bank) -> None:
    probe = Probe(60, 100, 0.2, 0.5)
    features = analyse(renderer.render(bank.u, probe)[:, 0], renderer.sample_rate)
    queries = pooled(features, probe.gate_s, renderer.sample_rate)
    found = [i in bank.nearest(query, probe.gate_s, 60, 3)[0] for i, query in enumerate(queries)]
    assert np.mean(found) > 0.8


def test_candidates_come_at_the_level_of_the_target(objective) -> None:
    task = objective(8)
    hear(task, nearest_presets(task, 8))
    apart_db = (task.features.level_db - task.target.features.level_db).abs()
    assert apart_db.median() < 3.0


def test_a_gain_moves_the_master_volume_as_far_as_it_goes(objective) -> None:
    task = objective(4)
    table = task.table
    u = np.repeat(table.encode(table.defaults)[None], 3, axis=0)
    volume = table.index["master.volume_db"]
    moved = table.decode(with_gain(task, u, np.array([0.0, -6.0, 500.0])))
    assert moved[:, volume] - table.defaults[volume] == pytest.approx(
        [0.0, -6.0, table["master.volume_db"].high - table.defaults[volume]], abs=1e-6
    )
    assert np.array_equal(np.delete(moved, volume, 1), np.delete(table.decode(u), volume, 1))


def test_retrieval_renders_the_nearest_and_keeps_the_best(renderer, goal, objective, rng) -> None:
    (match,) = Retrieval(renderer).match([goal], 10, rng)
    task = objective(10)
    assert match.renders == 10
    assert match.loss == hear(task, nearest_presets(task, 10)).min()


def test_the_time_that_building_takes_is_told(renderer, objective, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(bank_module, "bank_dir", lambda: tmp_path)
    forget()
    built, read = Watch(), Watch()
    nearest_presets(objective(1, watch=built), 1)
    nearest_presets(objective(1, watch=read), 1)
    forget()
    assert built.waited_s > 10 * read.waited_s > 0


@pytest.mark.parametrize("name", ["retrieval", "retrieval+cma-es"])
def test_a_stop_while_the_bank_is_built_still_gives_a_preset(
    renderer, goal, rng, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(bank_module, "bank_dir", lambda: tmp_path)
    forget()
    asked: list[bool] = []

    def stop() -> bool:  # not yet when the search begins
        asked.append(True)
        return len(asked) > 1

    (match,) = make_agent(name, renderer).match([goal], 50, rng, watch=Watch(stop=stop))
    forget()
    assert match.renders == 1
    assert np.array_equal(match.u, renderer.table.snap(renderer.table.encode(renderer.table.defaults)))
