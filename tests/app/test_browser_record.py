"""A sound from the microphone, in Chromium with a file in its place."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from tests.app.chromium import CHROMIUM, TRUMPET, Server, Session, in_chromium

from myna.audio.wav import encode_wav

pytestmark = in_chromium
RATE = 48_000
"""Of the microphone, as most have it: not what the app asks for."""

_KEEP_UPLOADS = """
window.uploads = [];
const send = XMLHttpRequest.prototype.send;
const keep = (data) => window.uploads.push(Array.from(new Uint8Array(data)));
XMLHttpRequest.prototype.send = function (body) {
  if (body instanceof FormData)
    for (const file of body.values()) if (file instanceof Blob) file.arrayBuffer().then(keep);
  return send.call(this, body);
};
"""


@contextmanager
def microphone(playwright: Any, server: Server, heard: np.ndarray, folder: Path) -> Iterator[Session]:
    """A person in front of a microphone that hears the same sound (C, T) over and over."""
    file = folder / "heard.wav"
    file.write_bytes(encode_wav(heard, RATE))
    fake = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    chromium = playwright.chromium.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", *fake, f"--use-file-for-fake-audio-capture={file}"]
    )
    with Session(chromium, server, permissions=["microphone"]) as session:
        session.page.add_init_script(_KEEP_UPLOADS)
        yield session
    chromium.close()


def record(session: Session, seconds: float) -> None:
    session.open("match")
    session.page.get_by_role("radio", name="Record").click()
    session.at("match.record").get_by_role("button", name="Record").click()
    session.page.wait_for_timeout(1000 * seconds)
    session.at("match.record").get_by_role("button", name="Stop recording").click()


def test_a_recorded_note_is_heard_trimmed_and_ready_to_be_matched(playwright, server, tmp_path) -> None:
    sound, rate = soundfile.read(TRUMPET)
    assert rate == 44_100
    quiet = np.zeros(RATE // 2)
    note = np.interp(np.arange(0.0, len(sound), rate / RATE), np.arange(len(sound)), sound)
    with microphone(playwright, server, np.concatenate([quiet, note, quiet])[None], tmp_path) as session:
        record(session, 2.6)
        session.see("heard F4")
        session.at("match.go", "button").wait_for()
        told = float(session.at("match-sound", ".corner").inner_text().split()[0])
        assert 0.5 < told < 1.8, "the silence around the note was cut off"
        (data,) = session.page.evaluate("window.uploads")
    recorded = soundfile.info(io.BytesIO(bytes(data)))
    assert recorded.samplerate == 44_100 and recorded.duration > told


def test_a_recording_of_silence_is_refused_in_a_sentence(playwright, server, tmp_path) -> None:
    with microphone(playwright, server, np.zeros((1, RATE)), tmp_path) as session:
        record(session, 1.0)
        session.see("is silent")
        assert session.page.locator(".st-key-match-go").count() == 0
