"""The job `pictures`: hear the presets of the library that were not heard yet, so that they can be compared.

The request: `library`, its file. The result: `heard`, how many.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["run"]


def run(request: Mapping[str, Any], desk: Any) -> dict[str, Any]:
    """Take the pictures that are missing; those taken when it is stopped or killed stay."""
    from myna.library import open_library
    from myna.library.sounds import Sounds

    with open_library(request["library"]) as library:
        desk.tell(says="Listening")
        heard = Sounds(library).refresh(lambda done, total: desk.tell(done=done, total=total), desk.stopped)
    return {"heard": heard}
