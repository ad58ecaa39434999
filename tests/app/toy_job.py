"""A job that children of the tests run: counts, and does as its request asks."""

from __future__ import annotations

import os
import time

from myna.errors import MynaError


def run(request, desk):
    print("this must not pass for a message")
    for step in range(request.get("steps", 3)):
        desk.tell(done=step, total=request.get("steps", 3), says="counting", point=[step, 1.0 / (step + 1)])
        if desk.stopped():
            break
        time.sleep(request.get("wait_s", 0.0))
    if request.get("fail") == "known":
        raise MynaError("This is why.")
    if request.get("fail") == "unknown":
        raise ValueError("<b>oops</b>")
    if request.get("fail") == "die":
        os._exit(9)
    (desk.folder / "found.txt").write_bytes(
        (desk.folder / "given.txt").read_bytes()[::-1] if request.get("files") else b""
    )
    return {"stopped": desk.stopped(), "pid": os.getpid()}
