"""What ears get in Chromium: levels as they are or equal as the page says, and a blind test that gives nothing away."""

from __future__ import annotations

import base64
import io
import json
import math
import re
from typing import Any

import numpy as np
import soundfile
from tests.app.chromium import Session, in_chromium, wait_for
from tests.app.conftest import RATE, tone

from myna.audio.wav import encode_wav

pytestmark = in_chromium

_RMS_DB = """
async (player) => {
  const answer = await fetch(player.src);
  if (!answer.ok) return NaN;  // another sound has just taken its place
  const sound = await new OfflineAudioContext(2, 1, 44100).decodeAudioData(await answer.arrayBuffer());
  const squares = [...Array(sound.numberOfChannels).keys()]
    .map((channel) => sound.getChannelData(channel).reduce((sum, x) => sum + x * x, 0));
  return 10 * Math.log10(squares.reduce((sum, x) => sum + x) / sound.length / sound.numberOfChannels);
}
"""


def rms_db(session: Session, player: str = "audio") -> float:
    """The level of what a player plays, as the browser decodes it."""
    session.page.locator(player).first.wait_for(state="attached")
    return session.page.locator(player).first.evaluate(_RMS_DB)


def scaled(wav: bytes, gain_db: float) -> bytes:
    sound = soundfile.read(io.BytesIO(wav), dtype="float32", always_2d=True)[0].T
    return encode_wav(sound * 10 ** (gain_db / 20), RATE)


def put(session: Session, side: str, name: str, data: bytes) -> None:
    """Hand a sound in as A or B of the Compare page."""
    session.press(f"choose-{side}")
    session.upload(name, data, inside=f".st-key-{side}-file")
    session.page.keyboard.press("Escape")
    session.see(name.removesuffix(".wav"))


def test_two_sounds_6_db_apart_are_played_6_db_apart_or_equally_loud_with_the_gain_shown(session: Session) -> None:
    session.open("compare")
    put(session, "a", "soft.wav", scaled(tone(), -6.0))
    put(session, "b", "loud.wav", tone())
    session.see("gain −6.0 dB")
    assert abs(rms_db(session, "audio[data-clip=A]") - rms_db(session, "audio[data-clip=B]")) < 0.1
    session.at("pair.equal", "label").click()
    session.see("own level")
    apart_db = rms_db(session, "audio[data-clip=B]") - rms_db(session, "audio[data-clip=A]")
    assert abs(apart_db - 6.0) < 0.1


def test_the_volume_knob_moves_what_is_played_by_the_decibels_it_says(session: Session) -> None:
    session.open("synth")
    session.page.get_by_role("radio", name="Effects & output").click()
    volume = session.at("knob.master.volume_db", "input[type=range]")
    before_db, played_db = _told_db(volume), rms_db(session)
    while (apart_db := before_db - _told_db(volume)) < 6.0:
        volume.press("ArrowLeft")
    wait_for(lambda: abs(played_db - rms_db(session) - apart_db) < 0.1, f"the sound to be {apart_db} dB softer")


def _told_db(knob: Any) -> float:
    return float(knob.get_attribute("aria-valuetext").removesuffix(" dB").replace("−", "-"))


# The blind test

NAMES = ("kingfisher", "nightingale")


def clips(session: Session) -> dict[str, np.ndarray]:
    """A, B and X of the trial that waits, each (T, 2), from the page alone."""
    found = {}
    for key in "ABX":
        source = session.page.locator(f"audio[data-clip={key}]").first.get_attribute("src")
        found[key] = soundfile.read(io.BytesIO(base64.b64decode(source.partition(",")[2])))[0]
    return found


def x_is(heard: dict[str, np.ndarray]) -> str:
    """What only who subtracts the sounds can tell."""
    return min("AB", key=lambda key: float(np.abs(heard["X"] - heard[key]).max()))


def vote(session: Session, trial: int, wrong: bool = False) -> None:
    session.see(f"Trial {trial + 1} of 8")
    session.settle()
    heard = clips(session)
    assert len({sound.shape for sound in heard.values()}) == 1, "no clip is longer than another"
    assert not any(np.array_equal(heard["X"], heard[key]) for key in "AB")
    right = x_is(heard)
    session.press(f"vote.{'AB'.replace(right, '') if wrong else right}.{trial}")


def test_a_blind_test_gives_nothing_away_goes_on_after_a_reload_and_is_exact(session: Session) -> None:
    received: list[bytes] = []
    session.page.on("websocket", lambda socket: socket.on("framereceived", lambda data: received.append(_bytes(data))))
    session.open("compare")
    put(session, "a", f"{NAMES[0]}.wav", tone(440.0, 0.5))
    put(session, "b", f"{NAMES[1]}.wav", scaled(tone(450.0, 0.9), -9.0))
    assert any(NAMES[0].encode() in frame for frame in received)
    session.page.get_by_role("radio", name="Blind test").click()
    session.nudge("blind.count", "Home")
    session.press("blind.begin")
    session.see("Trial 1 of 8")
    session.settle()
    received.clear()
    for trial in range(8):
        vote(session, trial, wrong=trial == 5)
        if trial < 7:
            session.see(f"Trial {trial + 2} of 8")
        if trial == 3:  # a vote that was answered is kept; one on its way when the page goes may be asked for again
            session.page.reload()
            session.see("Trial 5 of 8")
        if trial < 7:
            told = session.page.content() + b"".join(received).decode("utf-8", "replace")
            assert not re.search(rf"{'|'.join(NAMES)}|gain [+−]?\d|loud", told)
    session.at("blind-verdict").wait_for()
    verdict, p = session.at("blind-verdict").inner_text(), sum(math.comb(8, wins) for wins in (7, 8)) / 2**8
    assert "7 of 8 right" in verdict and f"p = {p:.2g}" in verdict
    assert NAMES[0] in session.at("blind-votes").inner_text(), "who is who is told in the end"
    _check_kept(session)


def _bytes(data: Any) -> bytes:
    return data if isinstance(data, bytes) else data.encode()


def _check_kept(session: Session) -> None:
    """Every vote is in a file of the user's, with the key."""
    records = [json.loads(file.read_text()) for file in (session.server.folder / "data" / "listening").iterdir()]
    (record,) = [record for record in records if NAMES[0] in json.dumps(record)]
    assert len(record["votes"]) == 8
