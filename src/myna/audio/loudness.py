"""How loud a short note is: K-weighted level after ITU-R BS.1770-4, for any rate and any length.

Units: LUFS for the level, Hz for rates. Source: ITU-R BS.1770-4; the analogue prototypes of its two
filters (given there for 48 kHz only) after B. De Man, "Evaluation of implementations of the EBU R128
loudness measurement", AES 145, 2018.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.signal import sosfilt

__all__ = ["k_weighting_sos", "loudness_lufs"]

BLOCK_S, STEP_S = 0.1, 0.025
RELATIVE_GATE_LU = 10.0
QUIETEST_LUFS = -200.0


def k_weighting_sos(sample_rate: int) -> np.ndarray:
    """Return the K-weighting filter as second-order sections, (2, 6): a high shelf, then a high-pass.

    Example:
        >>> k_weighting_sos(48_000)[0, :3].round(5)  # the table in BS.1770
        array([ 1.53512, -2.6917 ,  1.19839])
    """
    k = math.tan(math.pi * 1681.974450955533 / sample_rate)
    q, high = 0.7071752369554196, 10.0 ** (3.999843853973347 / 20.0)
    band = high**0.4996667741545416
    a0 = 1.0 + k / q + k * k
    shelf = [high + band * k / q + k * k, 2.0 * (k * k - high), high - band * k / q + k * k]
    shelf += [a0, 2.0 * (k * k - 1.0), 1.0 - k / q + k * k]
    k, q = math.tan(math.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    b0 = 1.0 + k / q + k * k
    # BS.1770 leaves the high-pass numerator at 1, -2, 1, not divided by b0.
    high_pass = [b0, -2.0 * b0, b0, b0, 2.0 * (k * k - 1.0), 1.0 - k / q + k * k]
    return np.array([[c / a0 for c in shelf], [c / b0 for c in high_pass]])


def loudness_lufs(samples: np.ndarray, sample_rate: int) -> float:
    """Return the loudness of a note's body.

    Blocks are 100 ms, not the standard's 400, so that a pluck counts; blocks 10 LU under the mean of
    all (a tail, a pause) do not count; there is no absolute gate, so a quiet recording has a level too.

    Args:
        samples: (C, T), C = 1 or 2, T >= 1; full scale = 1.
        sample_rate: Hz.

    Returns:
        LUFS, never under -200. A 997 Hz sine at full scale in one channel has -3.01.

    Example:
        >>> sine = np.sin(2 * np.pi * 997 * np.arange(48_000) / 48_000)
        >>> round(loudness_lufs(sine[None], 48_000), 1)
        -3.0
    """
    weighted = np.asarray(sosfilt(k_weighting_sos(sample_rate), samples.astype(np.float64), axis=-1))
    power = np.sum(weighted**2, axis=0)
    block = max(1, min(round(BLOCK_S * sample_rate), power.size))
    starts = np.arange(0, power.size - block + 1, max(1, round(STEP_S * sample_rate)))
    total = np.concatenate([[0.0], np.cumsum(power)])
    blocks = np.maximum((total[starts + block] - total[starts]) / block, 0.0)
    loud = blocks[blocks >= blocks.mean() * 10.0 ** (-RELATIVE_GATE_LU / 10.0)]
    return max(QUIETEST_LUFS, -0.691 + 10.0 * math.log10(max(float(loud.mean()), 1e-30)))
