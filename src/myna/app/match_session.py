"""What a session is about to match: a sound, what was understood of it, what to start from; and how a job begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from myna.app.guard import SoundFile, read_sound
from myna.app.jobs import Job, the_jobs
from myna.app.match_job import SOUND, START
from myna.app.matches import remember_match
from myna.app.state import held, trouble, url_job
from myna.audio.target import Target, target_from_audio
from myna.errors import BadAudioError, MynaError
from myna.presets import Preset, dumps

__all__ = ["Bytes", "Draft", "begin", "closer", "draft", "forget", "prepare_from", "take_sound"]


@dataclass
class Draft:
    """A match that is being prepared.

    Attributes:
        sound: what is to be imitated.
        note, gate_s: as corrected by hand; None where what was heard is right.
        start: a preset to start from.
        lock: modules to keep as they are in it.
        took: counts the sounds that were taken in, so that the fields of an earlier one are not shown for the next.
    """

    sound: SoundFile | None = None
    note: float | None = None
    gate_s: float | None = None
    start: Preset | None = None
    lock: tuple[str, ...] = ()
    took: int = 0
    _understood: dict[tuple[float | None, float | None], Target] = field(default_factory=dict)

    def take(self, sound: SoundFile) -> None:
        """Begin with another sound."""
        self.sound, self.note, self.gate_s, self._understood = sound, None, None, {}
        self.took += 1

    @property
    def data(self) -> bytes:
        """The file that was handed in."""
        return b"" if self.sound is None else self.sound.data

    def understood(self, *, as_heard: bool = False) -> Target:
        """The target, as heard or as corrected; computed once for each correction.

        Raises:
            BadAudioError: there is no note in the sound.
        """
        if self.sound is None:
            raise BadAudioError("There is no sound yet: upload or record one.")
        key = (None, None) if as_heard else (self.note, self.gate_s)
        if key not in self._understood:
            target = target_from_audio(self.sound.audio, name=self.sound.name, note=key[0], gate=key[1])
            self._understood = {(None, None): self._understood.get((None, None), target), key: target}
        return self._understood[key]


def draft() -> Draft:
    """The session's draft."""
    return held("match.draft", Draft)


def take_sound(upload: Any) -> None:
    """Let an upload or a recording be the sound, or tell what is wrong with it."""
    try:
        sound = read_sound(upload)
        current = Draft(sound)
        current.understood()
        draft().take(sound)
    except MynaError as error:
        trouble(error)


def begin(sound: bytes, request: Mapping[str, Any], start: Preset | None = None) -> Job | None:
    """Start a match and let the page follow it; None, and a sentence on the page, where that cannot be."""
    files = {SOUND: sound} | ({START: dumps(start).encode("utf-8")} if start is not None else {})
    try:
        job = the_jobs().start("match", request, files)
    except MynaError as error:
        trouble(error)
        return None
    remember_match(job)
    url_job("match", started=job.id)
    return job


def forget() -> None:
    """Let the page follow no job."""
    url_job("match", started="")


def closer(job: Job, preset: Preset) -> None:
    """Search again as long as before, from one of a job's presets; for the callback of a button."""
    sound = job.read(SOUND)
    if sound is not None:
        begin(sound, {**job.request, "agent": "auto", "seed": int(job.request.get("seed", 0)) + 1}, preset)


def prepare_from(job: Job, preset: Preset) -> None:
    """Go back to the settings with a job's sound, and one of its presets to start from."""
    sound, name = job.read(SOUND), str(job.request["name"])
    if sound is not None:
        try:
            draft().take(read_sound(Bytes(name, sound)))
        except MynaError as error:
            trouble(error)
            return
        draft().start, draft().note, draft().gate_s = preset, job.request.get("note"), job.request.get("gate")
    forget()


class Bytes:
    """A sound that is at hand, as an upload looks."""

    def __init__(self, name: str, data: bytes) -> None:
        """See the class."""
        self.name, self.size, self._data = name, len(data), data

    def getvalue(self) -> bytes:
        """The file."""
        return self._data
