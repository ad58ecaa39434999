"""What strangers hand in: uploads pass the size limit, the audio door and the strict preset codec.

A name is shown and never used: the bytes go into a folder of our own under a name of our own.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from myna.audio.files import Audio, display_name, load_audio
from myna.errors import BadAudioError, BadPresetError
from myna.params import ParameterTable
from myna.presets import Preset, loads
from myna.presets.strict_json import MAX_BYTES as MAX_PRESET_BYTES

__all__ = ["AUDIO_TYPES", "MAX_UPLOAD_MB", "SoundFile", "read_preset", "read_sound"]

MAX_UPLOAD_MB = 20
"""As `myna app` tells Streamlit too (`server.maxUploadSize`): the limit is kept in both places."""
MAX_SECONDS = 60
"""A note is cut out of the first seconds; more would only fill memory."""
AUDIO_TYPES = ("wav", "flac", "ogg", "aif", "aiff", "mp3")


class SoundFile:
    """A recording that passed the door: its bytes, its sound, and a name fit to be shown."""

    def __init__(self, data: bytes, name: str, audio: Audio) -> None:
        """See the class."""
        self.data, self.name, self.audio = data, name, audio


def read_sound(upload: Any) -> SoundFile:
    """Take an uploaded or recorded sound in.

    Args:
        upload: what Streamlit's uploader or recorder returned: `name`, `size` and `getvalue()`.

    Raises:
        BadAudioError: too large, or refused by the audio door.
    """
    name = display_name(Path(upload.name.replace("\\", "/")).stem or "sound")
    if upload.size > MAX_UPLOAD_MB << 20:
        raise BadAudioError(f"“{name}” is larger than {MAX_UPLOAD_MB} MB: cut out the note you want.")
    data = upload.getvalue()
    with tempfile.NamedTemporaryFile(prefix="myna-upload-") as file:  # readable by this user alone
        file.write(data)
        file.flush()
        audio = load_audio(file.name, name=name, max_duration_s=MAX_SECONDS)
    return SoundFile(data, name, audio)


def read_preset(upload: Any, table: ParameterTable) -> Preset:
    """Take an uploaded preset in through the strict codec.

    Raises:
        BadPresetError: too large, or no sound preset for the table's synth.
        IncompatibleVersionError: it was written by a newer myna.
    """
    name = display_name(upload.name.replace("\\", "/"))
    if upload.size > MAX_PRESET_BYTES:
        raise BadPresetError(f"“{name}” is larger than a preset can be (1 MiB).")
    return loads(upload.getvalue(), table, source=name)
