"""What the tests of the app share: the pages in a harness, what they play, and a match that is quickly found."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from tests.app.chromium import CHROMIUM, Server, Session, serving

from myna.app import match_job, panel, speed
from myna.app.jobs import KINDS, the_jobs
from myna.app.worker import Desk
from myna.audio.wav import encode_wav

MAIN = Path(match_job.__file__).with_name("main.py")
RATE = 44_100


def tone(hz: float = 220.0, seconds: float = 0.5) -> bytes:
    """A plucked note whose partials fade one after the other: unlike a sine, presets miss it in different ways."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    partials = (np.sin(2 * np.pi * hz * k * time_s) / k * np.exp(-1.5 * k * time_s) for k in range(1, 20))
    return encode_wav(0.2 * sum(partials), RATE)


@pytest.fixture(scope="session")
def matched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the job `match` really leaves, and its result beside."""
    folder = tmp_path_factory.mktemp("match")
    (folder / match_job.SOUND).write_bytes(tone())
    told = io.StringIO()
    request = {"name": "tone", "synth": "serum-lite", "agent": "auto", "budget": 80, "top": 4, "seed": 1}
    result = match_job.run(request, Desk(folder, told, threading.Event()))
    (folder / "result.json").write_text(json.dumps(result))
    (folder / "told.jsonl").write_text(told.getvalue())
    return folder


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The sounds that players on a page were given, in order."""
    storage = pytest.importorskip("streamlit.runtime.memory_media_file_storage", reason="Streamlit is not installed")
    kept: list[bytes] = []
    plain = storage.MemoryMediaFileStorage.load_and_get_id

    def keep(self: Any, data: Any, mimetype: str, *rest: Any, **more: Any) -> str:
        if mimetype == "audio/wav":
            assert isinstance(data, bytes)
            kept.append(data)
        return plain(self, data, mimetype, *rest, **more)

    monkeypatch.setattr(storage.MemoryMediaFileStorage, "load_and_get_id", keep)
    return kept


def sound_in(wav: bytes) -> np.ndarray:
    """Samples (T, C) of a WAV file."""
    assert wav[:4] == b"RIFF" and wav[20:22] == b"\x01\x00" and wav[34:36] == b"\x10\x00", "16-bit PCM"
    return soundfile.read(io.BytesIO(wav), dtype="float32")[0]


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Open a page in a session of its own: `app("match", job=…)` is what the address `/match?job=…` shows."""
    testing = pytest.importorskip("streamlit.testing.v1", reason="Streamlit is not installed: pip install 'myna[app]'")
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.setitem(KINDS, "match", "toy_match")
    monkeypatch.setattr(panel, "first_preset", panel.initial_preset)
    monkeypatch.setitem(speed._measured, speed._KEY, 50.0)
    the_jobs.cache_clear()

    def opened(page: str = "synth", **query: str) -> Any:
        harness = testing.AppTest.from_file(str(MAIN), default_timeout=120)
        if page != "synth":
            harness.switch_page(f"views/{page}.py")
        for name, value in query.items():
            harness.query_params[name] = value
        return sound_of(harness.run())

    yield opened
    the_jobs().close()
    the_jobs.cache_clear()


def sound_of(page: Any) -> Any:
    """The page, if nothing went wrong on it."""
    assert not page.exception, [e.message for e in page.exception]
    return page


def texts(page: Any) -> str:
    """What is to be read on a page."""
    kinds = SimpleNamespace(page=page).page
    return "\n".join(
        str(part.value) for kind in ("markdown", "caption", "error", "info") for part in getattr(kinds, kind)
    )


@pytest.fixture(scope="session")
def playwright() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    pytest.importorskip("streamlit", reason="Streamlit is not installed")
    with sync_api.sync_playwright() as found:
        yield found


@pytest.fixture(scope="session")
def browser(playwright: Any) -> Iterator[Any]:
    chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def server(playwright: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests in a browser: it compiles and loads once."""
    with serving(tmp_path_factory.mktemp("app")) as found:
        yield found


@pytest.fixture
def session(browser: Any, server: Server) -> Iterator[Session]:
    with Session(browser, server) as found:
        yield found
