"""Finding presets by category, tag and words, as people do in a browser of presets."""

from __future__ import annotations

from collections.abc import Iterable

from myna.presets.preset import Preset

__all__ = ["search"]


def search(
    presets: Iterable[Preset], *, category: str | None = None, tag: str | None = None, words: str = ""
) -> list[Preset]:
    """The presets that fit everything asked for, in the order given; upper and lower case count as one.

    Args:
        presets: where to look.
        category: the category.
        tag: one of the preset's tags.
        words: each must occur in the name, author, category, tags or description.

    Example:
        >>> presets = [Preset("toy", {}, name="Deep Bass", tags=("dark",)), Preset("toy", {}, name="Deep Pad")]
        >>> [preset.name for preset in search(presets, words="deep dark")]
        ['Deep Bass']
    """
    tokens = words.casefold().split()
    return [
        preset
        for preset in presets
        if (category is None or preset.category == category)
        and (tag is None or tag.casefold() in map(str.casefold, preset.tags))
        and all(token in _text(preset) for token in tokens)
    ]


def _text(preset: Preset) -> str:
    parts = (preset.name, preset.author, preset.category, *preset.tags, preset.description)
    return "\n".join(parts).casefold()
