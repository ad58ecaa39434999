from __future__ import annotations

import numpy as np
import pytest

import myna.training.meter
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.training.clocked import ClockedRenderer
from myna.training.meter import Meter


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Its last entry is the time."""
    times = [100.0]
    monkeypatch.setattr(myna.training.meter.time, "perf_counter", lambda: times[-1])
    return times


def test_a_line_tells_means_but_of_what_tells_how_things_are_the_last(clock: list[float]) -> None:
    meter = Meter()
    for updates, loss in ((1.0, 4.0), (2.0, 2.0), (3.0, 0.0)):
        meter.add({"train/n_updates": updates, "train/loss": loss, "curriculum/stage": updates})
    clock.append(104.0)
    told = meter.told(8)
    assert told == {"time/steps_per_s": 2.0, "train/n_updates": 3.0, "train/loss": 2.0, "curriculum/stage": 3.0}
    clock.append(105.0)
    assert meter.told(3) == {"time/steps_per_s": 3.0}


def test_seconds_become_shares_of_the_wall_clock_and_clips_their_price(clock: list[float]) -> None:
    meter = Meter()
    meter.add({"seconds/play": 1.0, "seconds/render": 0.25, "clips": 100.0})
    meter.add({"seconds/play": 1.0, "seconds/render": 0.25, "clips": 150.0})
    meter.spend("media", 1.0)
    clock.append(104.0)
    assert meter.told(0) == {
        "time/steps_per_s": 0.0,
        "time/share_play": 0.5,
        "time/share_media": 0.25,
        "render/clips_per_s": 62.5,
        "render/ms_per_clip": 2.0,
        "render/share": 0.125,
    }


def test_a_clocked_renderer_plays_the_same_bits_and_counts_its_sounds() -> None:
    plain, clocked = Renderer(threads=1), ClockedRenderer(threads=1)
    u = plain.table.encode(plain.table.defaults)[None].repeat(3, 0)
    probes = [Probe(60, 100, 0.05, 0.1), Probe(64, 100, 0.05, 0.1)]
    assert clocked.taken() == {}
    assert np.array_equal(clocked.render(u, probes), plain.render(u, probes))
    told = clocked.taken()
    assert told["clips"] == 6.0 and 0.0 < told["seconds/render"] < 60.0 and clocked.taken() == {}
