"""Presets for the library's tests: draws of the musical prior, with names, tags and authors that repeat."""

from __future__ import annotations

import functools

from myna.library import Lineage
from myna.presets import Preset
from myna.presets.generator import MusicalPrior
from myna.presets.styles import STYLES
from myna.seeding import generator
from myna.synth.registry import synth_table

TABLE = synth_table("serum-lite")
KINDS = tuple(STYLES)


@functools.cache
def drawn(count: int, seed: int = 0) -> tuple[Preset, ...]:
    """Preset i of a seed is the same whatever the count."""
    u = MusicalPrior(TABLE).sample(count, generator(seed, "library"))
    return tuple(
        Preset.from_u(
            TABLE,
            row,
            name=f"{KINDS[i % len(KINDS)].title()} {i}",
            author=f"Ann {i % 7}",
            category=KINDS[i % len(KINDS)],
            tags=("musical", f"tag{i % 50}", "Dark" if i % 3 else "bright"),
            description="a warm sound" if i % 5 == 0 else "",
        )
        for i, row in enumerate(u)
    )


def imported(presets: tuple[Preset, ...]) -> list[tuple[Preset, Lineage]]:
    return [(preset, Lineage("import")) for preset in presets]
