"""When a recorded note starts, when its key is let go and when it is over, read off its level.

Shapes: C channels, T samples, F frames. Units: seconds, dB relative to full scale.
"""

from __future__ import annotations

import numpy as np

__all__ = ["find_end", "find_gate", "find_onset", "level_db"]

ONSET_BELOW_PEAK_DB = 40.0
FOOT_BELOW_PEAK_DB = 60.0
MAX_FOOT_S = 0.05
END_BELOW_PEAK_DB = 60.0
GATE_WINDOW_S, GATE_HOP_S = 0.04, 0.005
GATE_FLOOR_DB = 50.0
MIN_STEEPENING_DB_PER_S, MIN_STEEPENING_RATIO = 25.0, 2.0
NEAR_SUSTAIN_DB = 1.5
GATE_DEPTHS_DB = (20.0, 10.0, 10.0)  # how far under the held level each further fit looks
EMPTY_DB = -200.0


def level_db(samples: np.ndarray, sample_rate: int, window_s: float, hop_s: float) -> np.ndarray:
    """Return the RMS level of every frame, over all channels.

    Args:
        samples: (C, T).
        sample_rate: Hz.
        window_s: length of a frame, shortened to the sound if that is shorter.
        hop_s: frame f covers hop_s * f to hop_s * f + window_s.

    Returns:
        float64 (F,) in dB, at least one frame, -200 for digital silence.

    Example:
        >>> level_db(np.full((2, 4410), 0.1), 44_100, 0.05, 0.05).round(6)
        array([-20., -20.])
    """
    power = np.mean(np.square(samples, dtype=np.float64), axis=0)
    window = max(1, min(round(window_s * sample_rate), power.size))
    hop = max(1, round(hop_s * sample_rate))
    total = np.concatenate([[0.0], np.cumsum(power)])
    starts = np.arange(0, power.size - window + 1, hop)
    # A difference of running sums can fall below zero by rounding.
    mean = np.maximum((total[starts + window] - total[starts]) / window, 0.0)
    return 10.0 * np.log10(np.maximum(mean, 10.0 ** (EMPTY_DB / 10.0)))


def find_onset(samples: np.ndarray, sample_rate: int) -> int:
    """Return the sample at which the sound begins.

    The first 5 ms frame within 40 dB of the loudest one, then back, at most 50 ms, to the foot of its
    rise: the last 1 ms that is 60 dB down or has stopped falling. A click or hiss 40 dB under the note
    does not start it, and a soft attack is not cut.

    Args:
        samples: (C, T), not silent.
        sample_rate: Hz.
    """
    frames = level_db(samples, sample_rate, 0.005, 0.001)
    hop = max(1, round(0.001 * sample_rate))
    threshold_db = frames.max() - ONSET_BELOW_PEAK_DB
    first = int(np.argmax(frames >= threshold_db))
    fine = level_db(samples, sample_rate, 0.001, 0.001)
    # The frame crossed because of its newest millisecond, up to 4 ms after its start.
    loud = first + int(np.argmax(fine[first : first + 5] >= threshold_db - 3.0))
    foot_db = frames.max() - FOOT_BELOW_PEAK_DB
    stop = max(0, loud - round(MAX_FOOT_S / 0.001))
    foot = loud
    while foot > stop and fine[foot - 1] > foot_db and fine[foot - 1] < fine[foot] + 1.0:
        foot -= 1
    return foot * hop


def find_end(samples: np.ndarray, sample_rate: int) -> int:
    """Return the sample after which the sound stays 60 dB under its loudest 20 ms.

    Args:
        samples: (C, T), not silent.
        sample_rate: Hz.
    """
    frames = level_db(samples, sample_rate, 0.02, 0.005)
    last = int(np.flatnonzero(frames >= frames.max() - END_BELOW_PEAK_DB)[-1])
    end = round((last * 0.005 + 0.02) * sample_rate)
    return samples.shape[1] if last == frames.size - 1 else min(end, samples.shape[1])


def find_gate(samples: np.ndarray, sample_rate: int) -> float:
    """Return when the key was let go, in seconds from the first sample.

    The level in dB is fitted by two straight lines that meet: the held note (flat or decaying) and the
    release. If the second falls clearly faster (by 25 dB/s and by a factor of two), the gate is the last
    moment before the bend at which the level was still within 1.5 dB of the first line. If there is no such
    bend, a struck string left to ring for example, the key was held throughout. A release that starts slowly
    bends late in dB, so the fit is made from 50 dB under the peak, then again nearer to the held level.

    Args:
        samples: (C, T), trimmed to the sound, not silent.
        sample_rate: Hz.

    Returns:
        0 < gate <= T / sample_rate.
    """
    total_s = samples.shape[1] / sample_rate
    level = level_db(samples, sample_rate, GATE_WINDOW_S, GATE_HOP_S)
    first, last = _held_range(level)
    frame = None
    for depth_db in GATE_DEPTHS_DB:
        found = _last_held(level[first : last + 1])
        if found is None:
            break
        frame = first + found
        deep = np.flatnonzero(level[frame:] < level[frame] - depth_db)
        last = min(last, frame + int(deep[0])) if deep.size else last
    if frame is None:
        return total_s
    # A frame's level belongs to the middle of its window.
    return min(frame * GATE_HOP_S + GATE_WINDOW_S / 2, total_s)


def _last_held(level: np.ndarray) -> int | None:
    """Return the last frame of (F,) dB before the release, or None if nothing bends down."""
    if level.size < 12:
        return None
    knee, before, after, line = _fit_bend(level)
    if after > before - MIN_STEEPENING_DB_PER_S or after > MIN_STEEPENING_RATIO * before:
        return None
    near = np.flatnonzero(level[: knee + 1] >= line[: knee + 1] - NEAR_SUSTAIN_DB)
    return int(near[-1]) if near.size else knee


def _held_range(level: np.ndarray) -> tuple[int, int]:
    """Return the first frame within 3 dB of the peak and the last one above the floor."""
    peak_db = level.max()
    noise_db = float(np.percentile(level, 5))
    floor_db = peak_db - GATE_FLOOR_DB
    # A noisy tail is flat and would pass for a held note: stop above it.
    if noise_db < peak_db - 25.0:
        floor_db = max(floor_db, noise_db + 6.0)
    return int(np.argmax(level >= peak_db - 3.0)), int(np.flatnonzero(level >= floor_db)[-1])


def _fit_bend(level: np.ndarray) -> tuple[int, float, float, np.ndarray]:
    """Fit two joined lines to (F,) dB; return (bend's frame, slope before, slope after, first line).

    Slopes are in dB/s. Every bend is tried and the least squared error wins.
    """
    time_s = np.arange(level.size) * GATE_HOP_S
    best = (np.inf, 0, np.zeros(3))
    for knee in range(4, level.size - 4):
        bend = np.maximum(time_s - time_s[knee], 0.0)
        basis = np.stack([np.ones_like(time_s), time_s, bend])
        solution = np.linalg.solve(basis @ basis.T, basis @ level)
        error = float(np.sum((level - solution @ basis) ** 2))
        if error < best[0]:
            best = (error, knee, solution)
    _, knee, (offset, slope, change) = best
    return knee, float(slope), float(slope + change), offset + slope * time_s
