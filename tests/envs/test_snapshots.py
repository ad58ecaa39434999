from __future__ import annotations

import json
import logging
import math
import os
import resource
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from myna.envs.callbacks import Episode, Sounds
from myna.envs.snapshot_manifest import Snapshot, retained
from myna.envs.snapshots import Snapshots, encode_flac
from myna.errors import IncompatibleVersionError, MynaError
from myna.seeding import generator

RATE_HZ = 8_000


def tone(level: float, samples: int = 400) -> np.ndarray:
    return np.tile(np.float32(level) * np.sin(np.arange(samples) / 5).astype(np.float32), (2, 1))


def episode(best: float, stage: int = 1, samples: int = 400, rendered: list | None = None) -> Episode:
    def sounds() -> Sounds:
        if rendered is not None:
            rendered.append(best)
        return Sounds(tone(0.9, samples), tone(0.1, samples), tone(0.5, samples), RATE_HZ)

    return Episode(0, stage, 8, 1.0, best, False, sounds, lambda: [])


def losses(snapshots: Snapshots) -> list[float | None]:
    return sorted((s.best_loss for s in snapshots.kept), key=lambda x: math.inf if x is None else x)


def sounds_in(folder: Path) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name.endswith(".flac"))


def on_disk(folder: Path) -> int:
    return sum((folder / name).stat().st_size for name in sounds_in(folder))


def entry(number: int, loss: float | None, size: int = 10, stage: int = 1) -> Snapshot:
    return Snapshot(number, 0, stage, 1.0, loss, size)


def test_the_best_and_the_worst_stay_and_the_middle_goes(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, most=4)
    for best in (0.5, 0.9, 0.2, 0.4, 0.1, 0.6, 0.8, 0.3):
        snapshots.on_episode_end(0, [episode(best)])
    assert losses(snapshots) == [0.1, 0.2, 0.8, 0.9]
    assert len(sounds_in(tmp_path)) == 12


def test_a_whole_batch_at_once_keeps_the_same_extremes(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, most=4)
    snapshots.on_episode_end(0, [episode(best / 100) for best in range(100)])
    assert losses(snapshots) == [0.0, 0.01, 0.98, 0.99]


def test_among_equal_losses_the_oldest_goes_first(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, most=3)
    for step in range(7):
        snapshots.on_episode_end(step, [episode(0.5)])
    assert [s.step for s in snapshots.kept] == [4, 5, 6]


def test_where_only_one_fits_the_newest_of_equal_rank_stays() -> None:
    assert [s.number for s in retained([entry(0, 0.1), entry(1, 0.9)], 1, 100)] == [1]
    assert [s.number for s in retained([entry(0, 0.9), entry(1, 0.1)], 1, 100)] == [1]


def test_every_stage_keeps_its_own_extremes_before_any_keeps_a_second(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, most=4)
    snapshots.on_episode_end(0, [episode(best / 10, stage) for stage in (1, 2) for best in range(10)])
    assert sorted((s.stage, s.best_loss) for s in snapshots.kept) == [(1, 0.0), (1, 0.9), (2, 0.0), (2, 0.9)]


def test_an_episode_without_a_loss_counts_as_the_worst(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, most=2)
    for best in (0.3, math.nan, 0.1, 5.0):
        snapshots.on_episode_end(0, [episode(best)])
    assert losses(snapshots) == [0.1, None]


def test_an_episode_that_will_not_be_kept_is_not_rendered(tmp_path: Path) -> None:
    rendered: list[float] = []
    snapshots = Snapshots(tmp_path, most=2)
    for best in (0.1, 0.9, 0.5, 0.4, 0.05):
        snapshots.on_episode_end(0, [episode(best, rendered=rendered)])
    assert rendered == [0.1, 0.9, 0.05]


def test_the_files_hold_the_three_sounds_under_names_made_of_the_number(tmp_path: Path) -> None:
    Snapshots(tmp_path).on_episode_end(0, [episode(0.5)])
    for kind, level in (("target", 0.9), ("start", 0.1), ("best", 0.5)):
        samples, rate = soundfile.read(tmp_path / f"000000000-{kind}.flac", always_2d=True)
        assert rate == RATE_HZ
        np.testing.assert_allclose(samples.T, tone(level), atol=1 / 32768)


def test_flac_clips_at_full_scale_and_hears_what_is_not_a_number_as_silence(tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(encode_flac(np.array([[np.nan, 2.0, -2.0, np.inf]]), RATE_HZ))
    samples, _ = soundfile.read(tmp_path / "a.flac")
    np.testing.assert_allclose(samples, [0, 1, -1, 1], atol=1 / 16384)


def test_the_bytes_on_disk_never_pass_their_bound_not_even_while_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = sum(len(encode_flac(tone(level), RATE_HZ)) for level in (0.9, 0.1, 0.5))
    seen = []
    snapshots = Snapshots(tmp_path, most=100, most_bytes=3 * one)
    real = os.replace
    monkeypatch.setattr(os, "replace", lambda *paths: (real(*paths), seen.append(on_disk(tmp_path))))
    for best in range(10):
        snapshots.on_episode_end(0, [episode(best / 10)])
    assert len(snapshots.kept) == 3
    assert len(seen) > 30
    assert max(seen) <= 3 * one


def test_an_episode_larger_than_the_whole_bound_is_not_kept_and_drives_nobody_out(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, most_bytes=20_000)
    snapshots.on_episode_end(0, [episode(0.5)])
    snapshots.on_episode_end(0, [episode(0.1, samples=400_000)])
    assert losses(snapshots) == [0.5]


def test_a_restart_goes_on_from_the_manifest_and_never_uses_a_number_twice(tmp_path: Path) -> None:
    first = Snapshots(tmp_path, most=2)
    for best in (0.1, 0.9, 0.05):
        first.on_episode_end(0, [episode(best)])
    second = Snapshots(tmp_path, most=2)
    assert second.kept == first.kept
    second.on_episode_end(0, [episode(0.5)])
    second.on_episode_end(0, [episode(0.01)])
    assert [(s.number, s.best_loss) for s in second.kept] == [(1, 0.9), (3, 0.01)]


def test_a_restart_removes_what_a_crash_left_and_leaves_strangers_alone(tmp_path: Path) -> None:
    Snapshots(tmp_path).on_episode_end(0, [episode(0.5), episode(0.6)])
    os.unlink(tmp_path / "000000001-best.flac")  # an entry without all of its files
    for name in ("000000007-best.flac", ".000000008-best.flac.x1.tmp", ".manifest.json.x2.tmp", "mine.flac"):
        (tmp_path / name).write_bytes(b"half")
    assert [s.number for s in Snapshots(tmp_path).kept] == [0]
    ours = [f"000000000-{kind}.flac" for kind in ("best", "start", "target")]
    assert sorted(os.listdir(tmp_path)) == [*ours, "manifest.json", "mine.flac"]


def test_a_restart_with_tighter_bounds_thins_out_by_the_real_sizes(tmp_path: Path) -> None:
    Snapshots(tmp_path).on_episode_end(0, [episode(best / 10) for best in range(10)])
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    for snapshot in manifest["snapshots"]:
        snapshot["bytes"] = 1
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    bound = on_disk(tmp_path) // 2
    Snapshots(tmp_path, most_bytes=bound)
    assert 0 < on_disk(tmp_path) <= bound


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"version": 1, "next": 0, "snapshots": 3}',
        '{"version": 1, "next": 0, "snapshots": [{"number": "../../x"}]}',
        '{"version": 1, "next": 9, "snapshots": [{"number": -1, "step": 0, "stage": 1, "first_loss": 1, '
        '"best_loss": 1, "bytes": 1}]}',
        '{"version": 1, "next": 9, "snapshots": [{"number": 1, "step": 0, "stage": 1, "first_loss": 1, '
        '"best_loss": NaN, "bytes": 1}]}',
        '{"version": 1, "next": 1, "snapshots": [{"number": 1, "step": 0, "stage": 1, "first_loss": 1, '
        '"best_loss": 1, "bytes": 1}]}',
        "[" * 100_000,
    ],
)
def test_a_manifest_that_is_not_one_is_refused_and_nothing_is_touched(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    (tmp_path / "000000000-best.flac").write_bytes(b"x")
    with pytest.raises(MynaError, match="not a manifest of snapshots"):
        Snapshots(tmp_path)
    assert (tmp_path / "000000000-best.flac").exists()


def test_a_newer_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"version": 2, "next": 0, "snapshots": []}')
    with pytest.raises(IncompatibleVersionError):
        Snapshots(tmp_path)


def test_snapshots_without_a_manifest_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "000000000-best.flac").write_bytes(b"x")
    with pytest.raises(MynaError, match=r"no manifest\.json"):
        Snapshots(tmp_path)


def test_a_full_disk_is_said_once_costs_few_renders_and_recovers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit on the size of a file stands for the full disk: the same error path, and root is not exempt."""
    monkeypatch.setattr(Snapshots, "PAUSE", 5)
    rendered: list[float] = []
    snapshots = Snapshots(tmp_path)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, old[1]))
    try:
        for _ in range(1 + 2 * Snapshots.PAUSE):
            snapshots.on_episode_end(0, [episode(0.5, rendered=rendered)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    [record] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert record.message.startswith("No snapshot was kept (cannot write ")
    assert record.message.endswith("free or change the disk, training goes on.")
    assert len(rendered) == 2
    assert os.listdir(tmp_path) == ["manifest.json"]
    for _ in range(Snapshots.PAUSE):
        snapshots.on_episode_end(0, [episode(0.5)])
    assert len(snapshots.kept) > 0


def test_a_disk_that_fills_up_between_two_files_leaves_neither(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    quiet, loud = tone(0.1, 8), generator(0, "noise").standard_normal((2, 8000)).astype(np.float32)
    sounds = Sounds(quiet, quiet, loud, RATE_HZ)
    fits, too_large = len(encode_flac(quiet, RATE_HZ)), len(encode_flac(loud, RATE_HZ))
    snapshots = Snapshots(tmp_path)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((fits + too_large) // 2, old[1]))
    try:
        snapshots.on_episode_end(0, [Episode(0, 1, 8, 1.0, 0.5, False, lambda: sounds, lambda: [])])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert "-best.flac: File too large" in caplog.text
    assert os.listdir(tmp_path) == ["manifest.json"]
    assert snapshots.kept == ()


def test_a_folder_that_cannot_be_made_is_said_once_and_training_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    snapshots = Snapshots(tmp_path / "file")
    snapshots.on_episode_end(0, [episode(0.5)])
    assert snapshots.kept == ()
    assert len(caplog.records) == 1


def test_the_logger_is_told_of_files_that_are_there(tmp_path: Path) -> None:
    told = []

    class Notes:
        def scalars(self, step, values): ...
        def text(self, step, name, text): ...
        def close(self): ...
        def audio(self, step, name, path):
            told.append((step, name, path.exists()))

    Snapshots(tmp_path, logger=Notes()).on_episode_end(7, [episode(0.5)])
    assert told == [(7, f"match/snapshot/{kind}", True) for kind in ("target", "start", "best")]


ENTRIES = st.lists(
    st.tuples(st.sampled_from([0.0, 0.25, 0.5, None]), st.integers(1, 50), st.integers(1, 3)), max_size=30
).map(lambda rows: [entry(i, loss, size, stage) for i, (loss, size, stage) in enumerate(rows)])


@given(ENTRIES, st.integers(0, 10), st.integers(0, 200))
def test_what_is_kept_is_within_both_bounds_and_independent_of_order(entries, most: int, most_bytes: int) -> None:
    kept = retained(entries, most, most_bytes)
    assert len(kept) <= most
    assert sum(s.bytes for s in kept) <= most_bytes
    assert retained(entries[::-1], most, most_bytes) == kept
    assert retained(kept, most, most_bytes) == kept


@given(ENTRIES, st.integers(2, 10))
def test_the_best_and_the_worst_of_one_stage_are_always_kept(entries, most: int) -> None:
    own = [s for s in entries if s.stage == 1]
    kept = retained(own, most, 10_000)
    if own:
        assert min(s.loss for s in own) == min(s.loss for s in kept)
        assert max(s.loss for s in own) == max(s.loss for s in kept)
    assert len(kept) == min(len(own), most)
