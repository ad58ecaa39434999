"""No clicks: at block edges, at the gate, at the end of a tail, and while the matrix moves anything fast."""

from __future__ import annotations

import numpy as np
import pytest
from tests.synth.measure import RATE, db, play, presets, renders, rms

from myna import seeding
from myna.presets.generator import MusicalPrior, UniformPrior
from myna.synth.base import Probe
from myna.synth.serum_lite.memory import BLOCK
from myna.synth.serum_lite.parameters import DESTINATIONS, TABLE, WARPS

# The bound on a click, as a share of the peak. Controls move in straight lines across a block, so the corner between
# two of them bends the wave by 1/64 = 1.6 % of the peak where a level falls from full to nothing in a block; a mix
# moves two levels at once. Measured at most 2.6 %.
CLICK = 0.04
TAIL_DB = -60.0  # of the peak: what may be cut off at the end of a tail
CHANCE = 1.25  # how far an edge may stand out by luck where the wave bends everywhere, as noise does
NEAR = 28  # blocks, 40 ms: how far around an edge the wave's own bends count
BASE = {"osc_a.table": "sine_harmonics", "osc_a.position": 0.0, "osc_a.level": 0.5}


def largest_click(sound: np.ndarray) -> float:
    """How far the wave bends at block edges beyond all that it does inside blocks within 40 ms, over the peak.

    A bend is the second difference: a step of height s bends the wave by s. `sound` is (C, T).
    """
    bends = np.abs(np.diff(sound.astype(np.float64), 2, axis=-1)).max(axis=0)[BLOCK - 1 :]  # from sample BLOCK on
    bends = bends[: len(bends) // BLOCK * BLOCK].reshape(-1, BLOCK)
    edge = bends[:, [0, -1]].max(axis=1)
    inside = np.pad(bends[:, 2:-2].max(axis=1), NEAR, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(inside, 2 * NEAR + 1).max(axis=1)
    return float((edge - CHANCE * around).max() / max(np.abs(sound).max(), 1e-9))


def test_the_measure_sees_a_step_of_five_percent_and_only_that() -> None:
    smooth = np.sin(2 * np.pi * 220.0 * np.arange(RATE) / RATE)[None]
    assert largest_click(smooth) < 1e-3
    assert largest_click(smooth + 0.05 * (np.arange(RATE) >= 100 * BLOCK)) > CLICK


@pytest.mark.parametrize("prior", [MusicalPrior, UniformPrior])
def test_no_preset_clicks_at_a_block_edge(prior: type) -> None:
    """All but what makes the wave itself jagged is as drawn: pulses and noise hide clicks, and look like them."""
    values = TABLE.decode(presets(prior, 200, seeding.generator(0, "clicks")))
    smooth = TABLE.from_dict({"osc_a.table": "sine_harmonics", "osc_b.table": "sine_harmonics"})
    kept = ("osc_a.table", "osc_b.table", "osc_a.warp", "osc_b.warp", "noise.on", "distortion.on", "filter.drive_db")
    for name in (*kept, "osc_a.octave", "osc_b.octave", "sub.shape", "env_1.delay_s"):
        values[:, TABLE.index[name]] = smooth[TABLE.index[name]]
    sounds = renders(TABLE.encode(values), Probe(57.3, 100, 0.4123, 0.8))[:, 0]
    heard = np.abs(sounds).max(axis=(1, 2)) > 1e-3
    assert heard.sum() > 100
    clicks = np.array([largest_click(s) for s in sounds[heard]])
    assert clicks.max() < CLICK, int(np.flatnonzero(heard)[clicks.argmax()])


@pytest.mark.parametrize("prior", [MusicalPrior, UniformPrior])
def test_block_edges_are_as_rough_as_the_rest_on_the_whole(prior: type) -> None:
    """RMS of the bends at edges over that in the middle of blocks: the median preset measures 1.00."""
    u = presets(prior, 100, seeding.generator(0, "roughness"))
    u[:, TABLE.index["env_1.delay_s"]] = 0.0
    sounds = renders(u, Probe(57.3, 100, 0.9, 1.0))[:, 0]
    bends = np.diff(sounds[np.abs(sounds).max(axis=(1, 2)) > 1e-3].astype(np.float64), 2, axis=-1)[..., BLOCK - 1 :]
    bends = bends[..., : bends.shape[-1] // BLOCK * BLOCK].reshape(len(bends), -1, BLOCK)
    places = np.sqrt(np.mean(bends**2, axis=1))
    assert np.median(places[:, [0, -1]].mean(axis=1) / places[:, 30:34].mean(axis=1)) == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("destination", DESTINATIONS[1:])
@pytest.mark.parametrize("shape", ["square", "sample_hold", "saw"])
def test_no_destination_clicks_under_the_fastest_lfo_at_full_depth(destination: str, shape: str) -> None:
    """Steps of the LFO, 30 times a second, become ramps of one block."""
    everything = BASE | {
        "osc_a.warp": "bend", "osc_a.warp_amount": 0.3, "osc_b.on": True, "osc_b.table": "sine_harmonics",
        "osc_b.position": 0.0, "osc_b.level": 0.5, "osc_b.warp": "squeeze", "osc_b.warp_amount": 0.3, "sub.on": True,
        "filter.on": True, "filter.cutoff_hz": 1_000.0, "lfo_1.rate_hz": 30.0, "lfo_1.shape": shape,
        "lfo_2.rate_hz": 10.0, "matrix.source_2": "lfo_2", "matrix.destination_2": "master.level",
        "matrix.amount_2": 0.3, "distortion.on": True, "distortion.drive_db": 3.0, "distortion.mix": 0.5,
        "chorus.on": True, "delay.on": True, "reverb.on": True,
        "matrix.source_1": "lfo_1", "matrix.destination_1": destination, "matrix.amount_1": 1.0,
    }  # fmt: skip
    if destination == "noise.level":
        everything |= {"noise.on": True}
    for sound in play(everything, everything | {"matrix.amount_1": -0.7}, note=45, seconds=0.5):
        assert largest_click(sound) < CLICK


@pytest.mark.parametrize("note", [57, 69, 88, 100])
@pytest.mark.parametrize("warp", WARPS)
def test_no_warp_clicks_while_the_pitch_jumps(warp: str, note: int) -> None:
    """Ten semitones at once, or as a vibrato: band limits, warp depths and the FM source's partials all change."""
    jumping = BASE | {
        "osc_a.warp": warp, "lfo_1.rate_hz": 6.0,
        "matrix.source_1": "lfo_1", "matrix.destination_1": "pitch", "matrix.amount_1": 0.2,
    }  # fmt: skip
    variants = [
        jumping | {"osc_a.warp_amount": amount, "osc_b.table": modulator, "osc_b.position": 0.5, "lfo_1.shape": shape}
        for amount in (0.3, 1.0)
        for modulator in ("sine_harmonics", "bell", "organ")
        for shape in ("square", "sine")
    ]
    clicks = [largest_click(sound) for sound in play(*variants, note=note, seconds=0.7)]
    assert max(clicks) < CLICK, variants[int(np.argmax(clicks))]


@pytest.mark.parametrize("shape", ["square", "sine", "saw"])
def test_fm_does_not_click_while_its_source_morphs(shape: str) -> None:
    """The source crosses between frames; the corner of its ramp bends the carrier by 9 % at most, a step by 50 %."""
    morphing = BASE | {
        "osc_a.warp": "fm", "osc_a.warp_amount": 0.5, "osc_b.position": 0.5, "lfo_1.shape": shape, "lfo_1.rate_hz": 6.0,
        "matrix.source_1": "lfo_1", "matrix.destination_1": "osc_b.position", "matrix.amount_1": 0.5,
    }  # fmt: skip
    tables = ("harmonic_sweep", "bell", "sine_harmonics")
    clicks = [largest_click(x) for x in play(*(morphing | {"osc_b.table": t} for t in tables), note=57, seconds=1.0)]
    assert max(clicks) < 3 * CLICK


@pytest.mark.parametrize("gate_s", [0.1, 0.10131, 0.1777])
def test_the_gate_closes_without_a_step_even_with_no_release(gate_s: float) -> None:
    """From one sample to the next the sine moves no more than its own slope and a block's ramp allow."""
    sound = play(BASE, note=45, gate_s=gate_s, seconds=0.3)[0]
    peak = np.abs(sound).max()
    slope = 2 * np.pi * 110.0 / RATE
    assert np.abs(np.diff(sound)).max() < peak * (slope + 1 / BLOCK) * 1.02
    assert largest_click(sound) < CLICK
    assert not sound[:, int((gate_s + 2 * BLOCK / RATE) * RATE) :].any()


def test_the_attack_opens_without_a_step_even_at_no_time() -> None:
    """A cosine begins at its peak: it is reached over a block."""
    sound = play(BASE | {"osc_a.phase": 0.25}, note=45, seconds=0.1)[0]
    assert sound[0, 0] == 0.0
    assert np.abs(np.diff(sound)).max() < np.abs(sound).max() * (2 * np.pi * 110.0 / RATE + 1 / BLOCK) * 1.02


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"filter.on": True, "filter.resonance": 1.0, "filter.cutoff_hz": 100.0, "filter.type": "band_pass"},
        {"distortion.on": True, "distortion.type": "tube", "distortion.drive_db": 24.0},
        {"eq.on": True, "eq.low_db": 15.0, "eq.low_hz": 40.0},
        {"eq.on": True, "eq.low_db": -15.0, "eq.low_hz": 40.0, "distortion.on": True, "distortion.type": "tube"},
        {"distortion.on": True, "chorus.on": True, "chorus.feedback": 0.9},
        {"delay.on": True, "delay.time_s": 1.0, "delay.feedback": 0.3},
        {"reverb.on": True, "reverb.predelay_s": 0.2, "reverb.decay_s": 0.2, "delay.on": True},
    ],
    ids=["dry", "ringing filter", "tube", "low shelf", "tube and low cut", "chorus", "long delay", "predelay"],
)
def test_a_tail_is_never_cut_off_while_it_sounds(settings: dict) -> None:
    """Whatever comes last before the silence at the end is at least 60 dB down."""
    square = {"osc_a.position": 1.0, "env_1.release_s": 0.005}
    for note in (28, 33, 45):
        sound = play(square | settings, note=note, gate_s=0.2123, seconds=6.0)[0]
        last = int(np.flatnonzero(np.abs(sound).max(axis=0))[-1])
        assert db(np.abs(sound[:, last]).max() / np.abs(sound).max()) < TAIL_DB


def test_tails_outlast_the_note() -> None:
    """The delay's echoes come after the note and fall by the feedback."""
    echo = {"delay.on": True, "delay.time_s": 0.25, "delay.feedback": 0.5, "delay.mix": 1.0, "delay.damp_hz": 20_000.0}
    sound = play(BASE | echo | {"env_1.decay_s": 0.05, "env_1.sustain": 0.0}, gate_s=0.1, seconds=1.2)[0]
    steps = [rms(sound[0, int(t * RATE) : int((t + 0.1) * RATE)]) for t in (0.25, 0.5, 0.75, 1.0)]
    assert np.allclose(np.array(steps[1:]) / steps[:-1], 0.5 * 0.95, rtol=0.05)


def test_the_master_never_exceeds_its_bound_and_leaves_quiet_sounds_alone() -> None:
    """Up to 1 untouched, bent towards 2 above: twice as loud a preset is exactly twice as large until it reaches 1."""
    quiet, loud, blasting = play(
        {"master.volume_db": -24.0}, {"master.volume_db": -12.0},
        {"master.volume_db": 6.0, "osc_a.position": 1.0, "osc_b.on": True, "sub.on": True, "osc_a.pan": 1.0},
    )  # fmt: skip
    assert np.abs(loud - quiet * 10**0.6).max() < 1e-6
    assert 1.0 < np.abs(blasting).max() < 2.0


def test_width_zero_is_mono() -> None:
    wide = {"osc_a.unison": 7, "osc_a.random_phase": 1.0, "chorus.on": True}
    stereo, mono = play(wide, wide | {"master.width": 0.0}, seconds=0.5)
    assert np.array_equal(mono[0], mono[1])
    assert rms(stereo[0] - stereo[1]) > 0.05 * rms(stereo[0])
    assert np.abs(mono[0] - stereo.mean(axis=0)).max() < 1e-6
