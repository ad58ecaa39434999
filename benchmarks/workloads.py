"""What the engine is timed on: settings by name, each upon the table's defaults."""

from __future__ import annotations

from typing import Any

__all__ = ["EVERYTHING", "TWO_OSCILLATORS", "WARPS"]

WARPS = ("sync", "bend", "squeeze", "mirror", "fm")

# Positions between frames, so that frames are blended; filter open enough to be heard.
TWO_OSCILLATORS: dict[str, Any] = {
    "osc_a.table": "vocal", "osc_a.position": 0.43, "osc_a.unison": 7,
    "osc_b.on": True, "osc_b.table": "harmonic_sweep", "osc_b.position": 0.57, "osc_b.unison": 7,
    "filter.on": True, "filter.slope": "24_db", "filter.cutoff_hz": 1_200.0, "filter.resonance": 0.4,
}  # fmt: skip

# Both positions move all the time, so that two frames of each table are read throughout; the filter, its drive, the
# pitch and a warp move too. The warp itself is put in by whoever times it.
EVERYTHING: dict[str, Any] = TWO_OSCILLATORS | {
    "osc_a.warp_amount": 0.4, "osc_b.warp_amount": 0.4, "filter.drive_db": 12.0, "sub.on": True, "noise.on": True,
    "matrix.source_1": "lfo_1", "matrix.destination_1": "osc_a.position", "matrix.amount_1": 0.4,
    "matrix.source_2": "lfo_2", "matrix.destination_2": "osc_b.position", "matrix.amount_2": 0.4,
    "matrix.source_3": "env_2", "matrix.destination_3": "filter.cutoff", "matrix.amount_3": 0.3,
    "matrix.source_4": "lfo_1", "matrix.destination_4": "pitch", "matrix.amount_4": 0.01,
    "matrix.source_5": "env_3", "matrix.destination_5": "osc_a.warp_amount", "matrix.amount_5": 0.3,
    "matrix.source_6": "lfo_2", "matrix.destination_6": "filter.drive", "matrix.amount_6": 0.2,
    "distortion.on": True, "chorus.on": True, "delay.on": True, "reverb.on": True, "eq.on": True,
    "eq.low_db": 4.0, "eq.mid_db": -3.0, "eq.high_db": 3.0,
}  # fmt: skip
