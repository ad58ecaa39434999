"""The suite `vital`: the presets of `vital_suite.toml` as Vital plays them.

    pip install vita
    python examples/make_vital_suite.py --out out/vital

Writes a FLAC each and the `index.csv` that names them, as they lie in `src/myna/evaluation/suites/vital`. With vita
0.1.0 on x86-64 it gives the same samples again. Every sound comes from a synth of its own, since Vital's effects
remember what they played, and each is rendered twice: one that differs from itself is refused.

Shapes: T samples.
"""

from __future__ import annotations

import argparse
import base64
import csv
import io
import json
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from myna.errors import MynaError
from myna.files import make_folder, sha256_hex, write_atomic
from myna.seeding import generator

PRESETS = Path(__file__).with_name("vital_suite.toml")
SAMPLE_RATE, VELOCITY = 44_100, 100
SETTLE_S, FADE_S = 4.0, 0.03
COLUMNS = ("file", "program", "instrument", "category", "note_midi", "velocity", "gate_s", "sha256")
FRAME, HARMONICS = 2048, 512
_ORGAN, _REED = {1: 1.0, 2: 0.8, 3: 0.6, 4: 0.5, 6: 0.3, 8: 0.25}, {1: 0.6, 2: 1.0, 3: 0.7, 4: 0.8, 5: 0.5, 7: 0.3}
# Level of harmonic n, a sine or, in a pulse, a cosine.
WAVES: Mapping[str, Callable[[int], float]] = {
    "sine": lambda n: float(n == 1),
    "triangle": lambda n: (n % 2) * (-1.0) ** (n // 2) / n**2,
    "saw": lambda n: 1 / n,
    "square": lambda n: (n % 2) / n,
    "pulse": lambda n: math.sin(math.pi * n / 4) / n,
    "narrow": lambda n: math.sin(math.pi * n / 12) / n,
    "drawbar": lambda n: _ORGAN.get(n, 0.0),
    "reed": lambda n: _REED.get(n, 0.5 / n if n > 7 else 0.0),
}
ENVELOPE = ("attack", "decay", "sustain", "release")


def main() -> None:
    """Render all of them and print their hashes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/vital"), help="the folder (default: %(default)s)")
    folder = make_folder(parser.parse_args().out)
    rows = [_write(folder, number, sound) for number, sound in enumerate(load_sounds())]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomic(folder / "index.csv", text.getvalue())
    print(f"{sha256_hex(text.getvalue())}  index.csv")


def load_sounds() -> list[dict[str, Any]]:
    """The sounds of the preset file, in its order."""
    return tomllib.loads(PRESETS.read_text(encoding="utf-8"))["sound"]


def _write(folder: Path, number: int, sound: Mapping[str, Any]) -> dict[str, Any]:
    """Write a sound and return its row of the index."""
    audio = render(sound)
    if not np.array_equal(audio, render(sound)):
        raise MynaError(f"{sound['name']} is another sound each time: leave out what draws.")
    file = io.BytesIO()
    levelled = audio * (10 ** (sound["peak_db"] / 20) / np.abs(audio).max())
    soundfile.write(file, levelled.T, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    name, sha256 = f"{number:02d}_{sound['name']}.flac", sha256_hex(file.getvalue())
    write_atomic(folder / name, file.getvalue())
    print(f"{sha256}  {name}")
    said = {"file": name, "program": number, "instrument": sound["name"], "velocity": VELOCITY, "sha256": sha256}
    return {**said, **{key: sound[key] for key in ("category", "note_midi", "gate_s")}}


def render(sound: Mapping[str, Any]) -> np.ndarray:
    """A sound by a fresh Vital, (2, T) float32, at its own level."""
    try:
        import vita
    except ImportError:
        raise MynaError("This needs Vital's Python module: pip install vita.") from None
    synth = vita.Synth()
    synth.set_sample_rate(SAMPLE_RATE)
    if not synth.load_json(_preset(synth, sound)):
        raise MynaError(f"Vital refuses {sound['name']}.")
    # Vital glides from its init preset to the one that was loaded while a note plays: a first, shortest one settles it.
    synth.render(sound["note_midi"], 0.0, 0.001, SETTLE_S)
    return _faded(synth.render(sound["note_midi"], VELOCITY / 127, sound["gate_s"], sound["total_s"]))


def _faded(audio: np.ndarray) -> np.ndarray:
    """The sound (2, T) faded out at its end, where an echo may still ring."""
    fade = round(FADE_S * SAMPLE_RATE)
    return np.concatenate([audio[:, :-fade], audio[:, -fade:] * np.linspace(1, 0, fade, dtype=np.float32)], axis=1)


def _preset(synth: Any, sound: Mapping[str, Any]) -> str:
    """Vital's init preset with what the sound changes of it, as JSON."""
    preset, controls = json.loads(synth.to_json()), _controls(sound)
    for name, value in controls.items():
        about = synth.get_control_details(name)
        if not about.min <= value <= about.max:
            raise MynaError(f"{sound['name']}: {name} is {value}, outside {about.min:g} to {about.max:g}.")
    preset["settings"].update(controls)
    _connect(preset["settings"], sound.get("modulations", ()))
    _fill(preset["settings"], sound.get("waves", {}))
    return json.dumps(preset)


def _controls(sound: Mapping[str, Any]) -> dict[str, float]:
    """All that is set, by Vital's names: no phase is random, and all sound goes through the first filter."""
    found: dict[str, float] = {}
    for i in (1, 2, 3):
        on = float(f"osc_{i}" in sound.get("waves", {}))
        found |= {f"osc_{i}_on": on, f"osc_{i}_destination": 0.0, f"osc_{i}_random_phase": 0.0}
    found |= {"sample_on": float("noise" in sound), "sample_level": sound.get("noise", 0.0), "sample_destination": 0.0}
    for name, (attack_s, decay_s, sustain, release_s) in sound.get("envelopes", {}).items():
        values = (attack_s**0.25, decay_s**0.25, sustain, release_s**0.25)  # Vital keeps the fourth root of seconds
        found |= {f"{name}_{part}": value for part, value in zip(ENVELOPE, values, strict=True)}
    for name, hz in sound.get("lfos_hz", {}).items():
        found |= {f"{name}_sync": 0.0, f"{name}_frequency": math.log2(hz)}
    return found | {name: float(value) for name, value in sound.get("controls", {}).items()}


def _connect(settings: dict[str, Any], modulations: Sequence[tuple[str, str, float]]) -> None:
    """Connect modulations; an LFO's goes both ways."""
    for number, (source, destination, amount) in enumerate(modulations, 1):
        settings["modulations"][number - 1] = {"source": source, "destination": destination}
        settings[f"modulation_{number}_amount"] = amount
        settings[f"modulation_{number}_bipolar"] = float(source.startswith("lfo"))


def _fill(settings: dict[str, Any], waves: Mapping[str, str]) -> None:
    """Put the waves into the oscillators, and into the sampler a second of noise that is always the same."""
    for name, wave in waves.items():
        table = settings["wavetables"][int(name[-1]) - 1]
        table["name"] = wave
        (frame,) = table["groups"][0]["components"][0]["keyframes"]
        frame["wave_data"] = base64.b64encode(cycle(wave).astype("<f4").tobytes()).decode()
    noise = generator(0, "suite", "vital", "noise").integers(-29_000, 29_000, SAMPLE_RATE)
    settings["sample"]["samples"] = base64.b64encode(noise.astype("<i2").tobytes()).decode()


def cycle(wave: str) -> np.ndarray:
    """One cycle of a wave, (2048,), its peak 1."""
    n = np.arange(1, HARMONICS + 1)
    levels = np.array([WAVES[wave](int(one)) for one in n])
    shift = np.pi / 2 if wave in ("pulse", "narrow") else 0.0
    phase = 2 * np.pi * n[:, None] * np.arange(FRAME) / FRAME + shift
    sound = levels @ np.sin(phase)
    return sound / np.abs(sound).max()


if __name__ == "__main__":
    try:
        main()
    except MynaError as error:
        raise SystemExit(str(error)) from None
