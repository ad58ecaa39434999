"""The child process of a job: loads its module, waits for the request, works, and tells of it line by line.

Lines of JSON: the request comes on standard input, then perhaps `stop`; progress and the result leave on standard
output. When the input ends the app is gone, and so is the worker.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

from myna.errors import MynaError, printable

__all__ = ["Desk", "main"]

NICENESS = 5
"""The page goes first."""


class Desk:
    """What a job works with.

    Attributes:
        folder: its files: those it was given, and those it leaves.
    """

    def __init__(self, folder: Path, out: TextIO, stop: threading.Event) -> None:
        """See the class."""
        self.folder = folder
        self._out, self._stop = out, stop

    def tell(self, **parts: Any) -> None:
        """Tell the app, by keyword: `done`, `total`, `says`, `news` (a mapping), `point` ([done, value]), `result`."""
        self._out.write(json.dumps(parts, allow_nan=False) + "\n")
        self._out.flush()

    def stopped(self) -> bool:
        """Whether the job was asked to end and to keep what it has."""
        return self._stop.is_set()


def main(argv: list[str]) -> int:
    """Do one job of the module named: `run(request, desk)` returns its result, as JSON holds it.

    A module may have `prepare()`, called before the request has come.
    """
    # What a library prints must not pass for a message.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    module = importlib.import_module(argv[0])
    getattr(module, "prepare", lambda: None)()
    line = sys.stdin.readline()
    if not line:
        return 0
    task = json.loads(line)
    stop = threading.Event()
    threading.Thread(target=_watch, args=(stop,), daemon=True).start()
    desk = Desk(Path(task["folder"]), out, stop)
    try:
        desk.tell(result=module.run(task["request"], desk))
    except MynaError as error:
        desk.tell(error=str(error))
    except Exception as error:
        desk.tell(error=f"Something went wrong ({printable(f'{type(error).__name__}: {error}', 120)}): try again.")
        raise
    return 0


def _watch(stop: threading.Event) -> None:
    """Wait for `stop`; when the app is gone, go too."""
    for line in sys.stdin:
        if line.strip() == "stop":
            stop.set()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
