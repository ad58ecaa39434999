"""What is collected can be played again, is the same after any stop, and stays within bounds; mistakes are said."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from myna.agents.knobs import audible_knobs
from myna.agents.regression import load_regression
from myna.agents.weights import load_weights, save_weights
from myna.envs.statistics import load_statistics
from myna.envs.summary import summarise
from myna.errors import MynaError, UsageError
from myna.features import FULL, TRAINING, Features, analyse
from myna.loss import TRAINING_LOSS, PerceptualLoss, score
from myna.presets.generator import MusicalPrior, audible
from myna.seeding import generator
from myna.synth.renderer import Renderer
from myna.training.collect import KINDS, Collected, Settings, collect
from myna.training.data import SOURCES, DataSet, row_bytes
from myna.training.drawn import GATES_S, NOTES, VELOCITIES, draw_probe, played_of, probe_of, stored
from myna.training.edited import EditedGroups, edited
from myna.training.groups import Groups, RandomGroups, draw_goals
from myna.training.guessed import GuessedGroups
from myna.training.manifest import TERMS, read_manifest
from myna.training.searches import RecordedGroups, SearchGroups

RECORDINGS = Path(__file__).parents[2] / "recordings" / "train"
RANDOM = Settings(goals=3)
SEARCHED = Settings(kind="searched", goals=3, renders=40)
GUESSED = Settings(kind="guessed", goals=3)
EDITED = Settings(kind="edited", goals=3)
RECORDED = Settings(kind="recorded", goals=3, agent="policy+cma-es", renders=40, recordings=str(RECORDINGS))
# What is made of each kind: two groups, or three of random rows.
SETS = {
    "random": (RANDOM, 192),
    "guessed": (GUESSED, 128),
    "edited": (EDITED, 128),
    "searched": (SEARCHED, 82),
    "recorded": (RECORDED, 80),
}
LARGE = 1 << 30


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(threads=1)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one group each."""
    monkeypatch.setattr("myna.training.collect.SHARD_ROWS", 64)


def made(folder: Path, settings: Settings, renderer: Renderer, rows: int, **more) -> Collected:
    return collect(folder, settings, renderer, most_rows=rows, **{"most_bytes": LARGE, **more})


@pytest.fixture(scope="module")
def sets(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A data set of each kind, a shard for each group; nobody changes them."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in KINDS}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("myna.training.collect.SHARD_ROWS", 64)
        for kind, (settings, rows) in SETS.items():
            made(folders[kind], settings, renderer, rows)
    return folders


@pytest.fixture(scope="module")
def bank(sets: dict[str, Path]) -> Path:
    """Three groups of random rows."""
    return sets["random"]


@pytest.fixture(scope="module")
def searched(sets: dict[str, Path]) -> Path:
    """Two short searches."""
    return sets["searched"]


def heard_again(data: DataSet, rows: list[int], renderer: Renderer) -> tuple[torch.Tensor, Features]:
    """Audio and training features of what the rows say."""
    probes = [[probe_of(data["played"][row].numpy())] for row in rows]
    audio = renderer.render(data["u"][rows], probes)[:, 0]
    return audio, analyse(audio, renderer.sample_rate, TRAINING)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# What rows are


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_can_be_played_again_to_the_same_bits(kind: str, renderer: Renderer, sets: dict[str, Path]) -> None:
    data = DataSet.open(sets[kind])
    rows = list(range(0, len(data), 5))
    _, features = heard_again(data, rows, renderer)
    summary = load_statistics().standardise(summarise(features)).half()
    assert torch.equal(summary, data["summary"][rows])


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_goal_says_is_the_training_loss_of_the_two_sounds(
    kind: str, renderer: Renderer, sets: dict[str, Path]
) -> None:
    data = DataSet.open(sets[kind])
    loss = PerceptualLoss(TRAINING_LOSS)
    for row in range(0, len(data), 23):
        audio, _ = heard_again(data, [row], renderer)
        for goal, judged in zip(data["goals"][row].tolist(), data["judged"][row], strict=True):
            _, wanted = heard_again(data, [goal], renderer)
            said, _ = score(audio, renderer.sample_rate, wanted, loss)
            parts = {**said.terms, **said.penalties, "total": said.total}
            assert tuple(parts) == TERMS
            assert torch.equal(torch.cat(list(parts.values())).half(), judged)


def test_a_random_group_is_the_default_preset_and_audible_draws_at_one_probe(renderer: Renderer, bank: Path) -> None:
    data = DataSet.open(bank)
    default_u = renderer.table.snap(renderer.table.encode(renderer.table.defaults)).astype(np.float32)
    for first in (0, 64, 128):
        group = slice(first, first + 64)
        assert (data["u"][first].numpy() == default_u).all()
        assert data["source"][group].tolist() == [SOURCES["default"], *[SOURCES["drawn"]] * 63]
        assert (data["played"][group] == data["played"][first]).all()
        assert data["u"][group].unique(dim=0).shape[0] == 64
    assert data["played"].unique(dim=0).shape[0] == 3
    assert data["loss"].isnan().all()
    audio, _ = heard_again(data, list(range(192)), renderer)
    assert audible(audio.numpy()).all()


def test_drawn_presets_are_canonical_and_snapped(renderer: Renderer, bank: Path) -> None:
    u = DataSet.open(bank)["u"].double().numpy()
    assert np.abs(renderer.table.canonical(u) - u).max() < 1e-6
    discrete = renderer.table.discrete
    assert np.abs(renderer.table.snap(u) - u)[:, discrete].max() < 1e-7


def test_a_stage_keeps_what_it_has_not_opened_at_the_defaults(renderer: Renderer, tmp_path: Path) -> None:
    made(tmp_path, Settings(stage=1), renderer, 64)
    table, u = renderer.table, DataSet.open(tmp_path)["u"].numpy()
    closed = table.mask(["filter", "reverb", "matrix", "env_1"])
    assert (u[:, closed] == table.encode(table.defaults).astype(np.float32)[closed]).all()
    assert (u[1:, table.mask(["osc_a"])] != u[0, table.mask(["osc_a"])]).any()


def test_the_musical_share_is_kept(renderer: Renderer, tmp_path: Path) -> None:
    shares = {}
    for musical in (0.0, 1.0):
        folder = tmp_path / str(musical)
        made(folder, Settings(musical=musical), renderer, 64)
        sources = [renderer.table.index[f"matrix.source_{slot}"] for slot in (1, 2, 3, 4, 5, 6)]
        u = DataSet.open(folder)["u"].numpy()[1:]
        off = renderer.table.encode(renderer.table.defaults).astype(np.float32)[sources]
        shares[musical] = (u[:, sources] == off).mean()
    assert shares[1.0] > 0.7  # people leave most slots empty; chance fills them
    assert shares[0.0] < 0.3


def test_a_search_begins_with_its_target_and_every_render_is_kept(renderer: Renderer, searched: Path) -> None:
    data = DataSet.open(searched)
    assert len(data) == 2 * 41
    for first in (0, 41):
        group = slice(first, first + 41)
        assert data["source"][group].tolist() == [SOURCES["target"], *[SOURCES["search"]] * 40]
        assert (data["goals"][first + 1 : first + 41, 0] == first).all()
        assert (data["goals"][first] != first).all()
        audio, _ = heard_again(data, list(range(first, first + 41)), renderer)
        full = analyse(audio[:1], renderer.sample_rate, FULL)
        said, _ = score(audio, renderer.sample_rate, full)
        # the search heard presets before they were rounded to what a row holds
        assert torch.allclose(said.total, data["loss"][group].float(), rtol=2e-3, atol=1e-3)
    assert data["loss"].isfinite().all()


def test_a_guess_stands_beside_the_draw_that_it_is_of(renderer: Renderer, sets: dict[str, Path]) -> None:
    data = DataSet.open(sets["guessed"])
    net, _ = load_regression(renderer.table)
    for first in (0, 64):
        draws, guesses = range(first, first + 32), range(first + 32, first + 64)
        assert data["source"][first : first + 64].tolist() == [*[SOURCES["drawn"]] * 32, *[SOURCES["search"]] * 32]
        assert data["goals"][guesses, 0].tolist() == [*draws]
        said = net.likeliest(net(data["summary"][draws], data["played"][draws])).detach()
        # the guess was made of a summary that had not been rounded to half precision
        off = data["u"][guesses].numpy() - renderer.table.snap(np.asarray(said))
        assert np.median(np.abs(off)) < 1e-3
    to_own, to_any = (data["judged"][data["source"] == SOURCES["search"]][:, goal, -1].median() for goal in (0, 1))
    assert to_own < 0.5 * to_any


def test_another_regression_guesses_where_it_is_named_and_its_rows_are_not_mixed_with_others(
    renderer: Renderer, sets: dict[str, Path], tmp_path: Path
) -> None:
    loaded = load_weights("regression")
    halved = {name: 0.5 * tensor if name.startswith("last") else tensor for name, tensor in loaded.tensors.items()}
    save_weights(tmp_path / "other", halved, {name: said for name, said in loaded.card.items() if name != "sha256"})
    other = replace(GUESSED, regression=str(tmp_path / "other"))
    made(tmp_path / "set", other, renderer, 64)
    one, two = DataSet.open(sets["guessed"]), DataSet.open(tmp_path / "set")
    assert torch.equal(one["u"][:32], two["u"][:32])  # the same draws
    assert (one["u"][32:64] != two["u"][32:64]).any(-1).all()
    with pytest.raises(UsageError, match="begun with weights"):
        made(tmp_path / "set", GUESSED, renderer, 128, resume=True)


def test_an_edit_stands_beside_the_preset_that_it_is_of_and_sounds_more_like_it_than_like_others(
    renderer: Renderer, sets: dict[str, Path]
) -> None:
    data = DataSet.open(sets["edited"])
    table = renderer.table
    rows = torch.arange(len(data))
    bases, edits = rows[rows % 8 == 0], rows[rows % 8 > 0]
    assert data["goals"][edits, 0].tolist() == (edits - edits % 8).tolist()
    assert data["source"][bases].tolist() == 2 * [*[SOURCES["drawn"]] * 4, *[SOURCES["search"]] * 4]
    u, of = data["u"][edits].double().numpy(), data["u"][edits - edits % 8].double().numpy()
    turned = (np.abs(u - of) > 1e-6).sum(1)
    assert turned.min() <= 2 and turned.max() > 20 and np.abs(u - of).max() <= 1.0
    assert np.allclose(u, table.snap(u), atol=1e-6)
    to_own, to_any = (data["judged"][edits, goal, -1].float().median() for goal in (0, 1))
    assert 0.0 < to_own < 0.5 * to_any


def test_an_edit_turns_only_what_can_be_heard_and_in_half_of_the_cases_choices(renderer: Renderer) -> None:
    table, rng = renderer.table, generator(4, "test", "edited")
    u = stored(MusicalPrior(table).sample(1, rng)[0])
    heard = audible_knobs(table, u)
    after = np.stack([edited(table, u, rng) for _ in range(400)])
    changed = np.abs(after - u) > 1e-6
    assert not changed[:, ~heard].any()
    assert changed[:, heard & ~table.discrete].any(0).all()
    choosing = changed[:, table.categorical].sum(1)
    assert choosing.max() == 3 and 0.4 < (choosing > 0).mean() < 0.6
    moves = np.abs(after - u)[:, heard & ~table.discrete]
    assert 0.005 < np.median(moves[moves > 1e-6]) < 0.1


def test_what_was_tried_for_a_recording_comes_near_it(sets: dict[str, Path]) -> None:
    data = DataSet.open(sets["recorded"])
    assert len(data) == 2 * 40 and (data["source"] == SOURCES["search"]).all()
    loss = data["loss"].float().reshape(2, 40)
    assert (loss.amin(1) < 0.5).all() and (loss.amin(1) < loss[:, 0]).all()
    origin = data.manifests[0].origin
    assert origin.settings["agent"] == "policy+cma-es" and len(origin.settings["recordings"]) == 64


def test_other_recordings_or_another_agent_are_another_set(sets: dict[str, Path], renderer, tmp_path: Path) -> None:
    other = replace(RECORDED, agent="regression+cma-es")
    with pytest.raises(UsageError, match="begun with agent policy"):
        made(sets["recorded"], other, renderer, 1000, resume=True)
    folder = Path(shutil.copytree(RECORDINGS, tmp_path / "recordings"))
    index = folder / "index.csv"
    index.write_text("".join(index.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(UsageError, match="begun with recordings"):
        made(sets["recorded"], replace(RECORDED, recordings=str(folder)), renderer, 1000, resume=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_group_is_the_same_bits_whatever_is_made_with_it(kind: str, renderer: Renderer) -> None:
    groups: Groups = {
        "random": lambda: RandomGroups(renderer, 5, 6, 0.7, 2),
        "guessed": lambda: GuessedGroups(renderer, 5, 6, 0.7, 2),
        "edited": lambda: EditedGroups(renderer, 5, 6, 0.7, 2, str(RECORDINGS)),
        "searched": lambda: SearchGroups(renderer, 5, 6, 0.7, 2, "cma-es", 20),
        "recorded": lambda: RecordedGroups(renderer, 5, 2, "regression+cma-es", 20, str(RECORDINGS)),
    }[kind]()
    told: list[int] = []
    several, alone = groups.make([7, 2], told.append), groups.make([2], told.append)
    assert max(told) in (2 * groups.rows, 2 * groups.rows - 2)
    assert several[1].probe == alone[0].probe
    for name in ("u", "source", "loss", "goals"):
        np.testing.assert_array_equal(getattr(several[1], name), getattr(alone[0], name))
    pairs = zip(several[1].features.tensors().values(), alone[0].features.tensors().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("kind", KINDS)
def test_the_bits_do_not_depend_on_the_threads(kind: str, sets: dict[str, Path], tmp_path: Path) -> None:
    settings, rows = SETS[kind]
    made(tmp_path, settings, Renderer(threads=2), rows)
    assert content(tmp_path) == content(sets[kind])


def test_another_seed_gives_other_rows(renderer: Renderer, bank: Path, tmp_path: Path) -> None:
    made(tmp_path, Settings(seed=1, goals=3), renderer, 64)
    first, other = DataSet.open(bank), DataSet.open(tmp_path)
    assert (first["u"][1:64] != other["u"][1:]).any(1).all()


def test_a_probe_survives_being_stored_and_lies_in_its_range() -> None:
    rng = generator(0, "probes")
    probes = [draw_probe(rng) for _ in range(2000)]
    for probe in probes:
        assert probe_of(played_of(probe)) == probe
    for name, (low, high), slack in (
        ("note_midi", NOTES, 0),
        ("velocity", VELOCITIES, 0),
        ("gate_s", GATES_S, 0.005),
    ):
        values = [getattr(probe, name) for probe in probes]
        assert low <= min(values) <= low + slack and high - slack <= max(values) <= high


@pytest.mark.parametrize(("rows", "goals"), [(2, 1), (5, 4), (64, 4), (301, 16)])
def test_the_goals_of_a_row_are_different_others(rows: int, goals: int) -> None:
    for seed in range(20):
        drawn = draw_goals(rows, goals, generator(seed, "goals"))
        assert drawn.shape == (rows, goals)
        for row, own in enumerate(drawn.tolist()):
            assert len({row, *own}) == goals + 1
            assert set(own) <= set(range(rows))


def test_goals_are_drawn_evenly() -> None:
    counts = np.zeros((6, 6))
    for seed in range(1500):
        for row, own in enumerate(draw_goals(6, 3, generator(seed, "even"))):
            counts[row, own] += 1
    off = counts[~np.eye(6, dtype=bool)] / 1500
    assert np.abs(off - 0.6).max() < 0.06  # five standard deviations


# Stops


def test_a_killed_run_goes_on_to_the_same_files(bank: Path, renderer: Renderer, tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
import myna.training.collect as module
from myna.synth.renderer import Renderer
module.SHARD_ROWS = 64
def die(rows, total):
    if rows > 64:  # within the second shard
        os.kill(os.getpid(), signal.SIGKILL)
module.collect(Path({str(tmp_path)!r}), module.Settings(goals=3), Renderer(threads=1), most_rows=192,
               most_bytes=1 << 30, progress=die)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert len(DataSet.open(tmp_path)) == 64
    (tmp_path / ".shard-00001.safetensors.abc.tmp").write_bytes(b"what a kill leaves")
    gone_on = made(tmp_path, RANDOM, renderer, 192, resume=True)
    assert (gone_on.rows, gone_on.fresh) == (192, 128)
    assert content(tmp_path) == content(bank)


def test_more_rows_later_are_those_of_one_long_run(
    bank: Path, renderer: Renderer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("myna.training.collect.SHARD_ROWS", 128)
    made(tmp_path, RANDOM, renderer, 64)
    made(tmp_path, RANDOM, renderer, 192, resume=True)
    short, whole = DataSet.open(tmp_path), DataSet.open(bank)
    assert [shard.rows for shard in read_manifest(tmp_path).shards] == [64, 128]
    for name, values in whole.tensors.items():
        assert torch.equal(short[name].nan_to_num(-1.0), values.nan_to_num(-1.0))


def test_a_damaged_shard_and_those_after_it_are_made_again(bank: Path, renderer: Renderer, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bank, tmp_path / "bank"))
    (folder / "shard-00001.safetensors").write_bytes(b"broken")
    assert made(folder, RANDOM, renderer, 192, resume=True).fresh == 128
    assert content(folder) == content(bank)


def test_a_run_that_is_done_makes_nothing(bank: Path, renderer: Renderer, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bank, tmp_path / "bank"))
    again = made(folder, RANDOM, renderer, 100, resume=True)
    assert (again.rows, again.fresh, again.rows_per_s) == (192, 0, 0.0)
    assert content(folder) == content(bank)


def test_a_full_disk_is_said_and_whole_shards_stay(
    renderer: Renderer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def full(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) > 6:  # each file and its folder: a manifest, a shard, a manifest; then there is no room
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("myna.files.os.fsync", full)
    with pytest.raises(MynaError, match=r"cannot write .*shard-00001.*No space left on device") as caught:
        made(tmp_path, RANDOM, renderer, 192)
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "shard-00000.safetensors"]
    assert len(DataSet.open(tmp_path)) == 64


# Bounds and mistakes


@pytest.mark.parametrize(
    ("most_rows", "most_bytes", "rows"),
    [(64, LARGE, 64), (191, LARGE, 128), (10**6, 230_000, 128), (10**6, 210_000, 64)],
)
def test_rows_and_bytes_stay_within_their_bounds(
    most_rows: int, most_bytes: int, rows: int, renderer: Renderer, tmp_path: Path
) -> None:
    done = made(tmp_path, RANDOM, renderer, most_rows, most_bytes=most_bytes)
    assert done.rows == done.fresh == len(DataSet.open(tmp_path)) == rows
    on_disk = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert done.bytes <= on_disk <= most_bytes
    assert done.bytes == rows * row_bytes(len(renderer.table), 3)
    assert done.rows_per_s > 0 and done.cpu_s > 0


@pytest.mark.parametrize(("most_rows", "most_bytes"), [(63, LARGE), (0, LARGE), (64, 10_000), (64, 0)])
def test_bounds_without_room_for_a_group_are_said(
    most_rows: int, most_bytes: int, renderer: Renderer, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"A group is 64 rows of 1,\d+ bytes"):
        made(tmp_path / "new", RANDOM, renderer, most_rows, most_bytes=most_bytes)
    assert not (tmp_path / "new").exists()


def test_progress_tells_rows_up_to_the_last(renderer: Renderer, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    made(tmp_path, RANDOM, renderer, 150, progress=lambda *said: told.append(said))
    assert told == [(64, 128), (128, 128)]


def test_a_data_set_is_not_written_over(bank: Path, renderer: Renderer) -> None:
    before = content(bank)
    with pytest.raises(UsageError, match="holds a data set already: go on with --resume"):
        made(bank, RANDOM, renderer, 192)
    assert content(bank) == before


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(seed=1, goals=3), "begun with seed 0"),
        (Settings(goals=4), "begun with goals 3"),
        (Settings(goals=3, musical=0.5), "begun with musical 0.7"),
        (Settings(goals=3, stage=2), "begun with stage 6"),
        (Settings(goals=3, kind="searched"), "begun with kind random"),
    ],
)
def test_a_folder_of_other_settings_is_refused(bank: Path, renderer: Renderer, settings: Settings, words: str) -> None:
    before = content(bank)
    with pytest.raises(UsageError, match=words):
        made(bank, settings, renderer, 1000, resume=True)
    assert content(bank) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "good"},
        {"seed": -1},
        {"goals": 0},
        {"renders": 0},
        {"musical": 1.5},
        {"musical": np.nan},
        {"kind": "recorded"},
        {"recordings": "recordings"},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(UsageError):
        Settings(**wrong)


@pytest.mark.parametrize(
    ("settings", "words"),
    [(Settings(stage=7), "no stage 7"), (Settings(stage=0), "no stage 0"), (Settings(goals=64), "at most 63 goals")],
)
def test_settings_that_do_not_fit_the_synth_are_refused(settings: Settings, words: str, renderer, tmp_path) -> None:
    with pytest.raises(UsageError, match=words):
        made(tmp_path, settings, renderer, 64)


def test_an_agent_that_ends_too_soon_is_said(renderer: Renderer, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ends after 1 renders: ask for no more"):
        made(tmp_path, replace(SEARCHED, agent="mean-preset"), renderer, 82)
    assert not list(tmp_path.glob("shard-*"))


def test_a_folder_that_cannot_be_made_is_said(renderer: Renderer) -> None:
    with pytest.raises(MynaError, match="cannot make the folder"):
        made(Path("/dev/null/bank"), RANDOM, renderer, 64)
