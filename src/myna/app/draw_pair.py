"""Two sounds and their difference as spectrograms on one dB scale; HTML for `st.html`, as `myna.app.draw`.

Shapes: audio (C, T), pictures F log-spaced frequencies × N time frames. Units: dB re the louder peak, Hz.
"""

from __future__ import annotations

import base64
import functools
import html
import io

import numpy as np

from myna.features.spectrogram import Spectrogram, log_spectrogram

__all__ = ["FLOOR_DB", "MOST_DB", "levels_of_pair", "pair_screens"]

FLOOR_DB, MOST_DB = -80.0, 40.0
SIGNED = ("#5cc8ff", "#2b7fd0", "#173a63", "#12141c", "#6b3414", "#e08a2c", "#ffb454")
"""From where A is louder, in the colour of A, to where B is, in that of B."""


def levels_of_pair(a: np.ndarray, b: np.ndarray, sample_rate: int) -> tuple[Spectrogram, np.ndarray, np.ndarray]:
    """Both levels in dB re the louder peak, not under FLOOR_DB, on the axes that are returned with them."""
    samples = max(a.shape[1], b.shape[1])
    shown = [log_spectrogram(audio, sample_rate, samples) for audio in (a, b)]
    peak_db = max(float(one.level_db.max()) for one in shown)
    level_a, level_b = (np.maximum(one.level_db - peak_db, FLOOR_DB) for one in shown)
    return shown[0], level_a, level_b


def pair_screens(a: np.ndarray, b: np.ndarray, sample_rate: int) -> tuple[str, str, str]:
    """The screens of A, of B, and of B minus A.

    Args:
        a: at the level at which it is heard.
        b: likewise.
        sample_rate: Hz.
    """
    axes, level_a, level_b = levels_of_pair(a, b, sample_rate)
    plain = [(level - FLOOR_DB) / -FLOOR_DB for level in (level_a, level_b)]
    signed = np.clip((level_b - level_a) / (2.0 * MOST_DB) + 0.5, 0.0, 1.0)
    scale = f"0 … −{-FLOOR_DB:.0f} dB"
    return (
        _screen(axes, plain[0], "magma", "A", scale),
        _screen(axes, plain[1], "magma", "B", scale),
        _screen(axes, signed, "difference", "B − A", f"±{MOST_DB:.0f} dB"),
    )


def _screen(axes: Spectrogram, part: np.ndarray, colours: str, title: str, scale: str) -> str:
    picture = base64.b64encode(_png(part[::-1], colours)).decode("ascii")
    low, high = np.log(axes.frequency_hz[0]), np.log(axes.frequency_hz[-1])
    ticks = "".join(
        f'<span class="tick" style="bottom:{100 * (np.log(hz) - low) / (high - low):.1f}%">{name}</span>'
        for hz, name in ((100, "100"), (1000, "1k"), (10_000, "10k"))
    )
    words = html.escape(f"{title}: level from 40 Hz to 20 kHz over {axes.total_s:.2f} s, {scale}")
    return (
        f'<div class="screen pair {colours}"><img alt="{words}" src="data:image/png;base64,{picture}"/>{ticks}'
        f'<span class="title">{html.escape(title)}</span><span class="scale"><i></i>{html.escape(scale)}</span></div>'
    )


def _png(part: np.ndarray, colours: str) -> bytes:
    """A picture (rows, columns) of values in [0, 1]."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(_table(colours)[(part * 255.0).round().astype(np.uint8)]).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@functools.cache
def _table(colours: str) -> np.ndarray:
    """A colour map as a table, (256, 3) uint8."""
    from matplotlib import colormaps
    from matplotlib.colors import LinearSegmentedColormap

    known = LinearSegmentedColormap.from_list("difference", SIGNED) if colours == "difference" else colormaps[colours]
    return (known(np.linspace(0.0, 1.0, 256))[:, :3] * 255.0).astype(np.uint8)
