"""Other synths under the engine's clock: CPU time of one pinned thread, 44.1 kHz, 1 s, note 60 held for 0.8 s.

`python benchmarks/peers.py NAME` runs in an interpreter that has the peer (see peers.sh) and prints one JSON object:
figures and a note on what differs from myna's workloads, or `missing` and why. Nothing of myna is imported here and
myna imports none of the peers: vita is GPL-3.
"""

from __future__ import annotations

import json
import sys
import time
import types
from collections.abc import Callable, Mapping
from typing import Any

from timing import pinned, seconds_a_call

BATCH, RATE, SECONDS, GATE_S, NOTE, VELOCITY = 32, 44_100, 1.0, 0.8, 60, 100
MODULES = "mono; two oscillators and noise, two LFOs, six ADSRs; no filter, unison, wavetables or effects"
FRESH_RENDERS = 8  # of Vital, each from an instance of its own; the least counts


def torchsynth() -> dict[str, Any]:
    """A batch through torchsynth's Voice; its parameters are drawn once and not counted."""
    import torch

    torch.set_num_threads(1)
    _restore_lightnings_old_path()
    from torchsynth.config import SynthConfig
    from torchsynth.synth import Voice

    voice = Voice(SynthConfig(BATCH, RATE, SECONDS, reproducible=False))
    voice.randomize(seed=0)
    note = {"midi_f0": float(NOTE), "duration": GATE_S}
    voice.set_parameters({("keyboard", name): torch.full((BATCH,), value) for name, value in note.items()})
    _refuse_silence(voice()[0].numpy(), (BATCH, RATE))
    return {"x_realtime": BATCH * SECONDS / seconds_a_call(voice), "note": f"Voice, {MODULES}"}


def _restore_lightnings_old_path() -> None:
    """torchsynth 1.0.2 imports LightningModule from where Lightning kept it until 2022."""
    import pytorch_lightning

    old: Any = types.ModuleType("pytorch_lightning.core.lightning")
    old.LightningModule = pytorch_lightning.LightningModule
    sys.modules.setdefault(old.__name__, old)


def synthax() -> dict[str, Any]:
    """A batch through synthax's compiled ParametricSynth; its parameters are drawn once and not counted."""
    import jax
    from synthax.config import SynthConfig
    from synthax.synth import ParametricSynth

    synth = ParametricSynth(SynthConfig(BATCH, RATE, SECONDS), sine=1, square_saw=1, fm_sine=0)
    # Positions within 0 to 127 and, on a square-root curve, 0.01 to 4 s.
    note = {"midi_f0": NOTE / 127, "duration": ((GATE_S - 0.01) / 3.99) ** 0.5}
    drawn = synth.init(jax.random.PRNGKey(0))["params"]
    knobs = {
        module: {name: jax.numpy.full_like(value, note.get(name, value)) for name, value in values.items()}
        for module, values in drawn.items()
    }
    play = jax.jit(synth.apply)
    _refuse_silence(play({"params": knobs}), (BATCH, RATE))
    seconds = seconds_a_call(lambda: play({"params": knobs}).block_until_ready())
    return {"x_realtime": BATCH * SECONDS / seconds, "note": f"ParametricSynth, jitted, {MODULES}"}


# Values in Vital's own units; phases fixed, so that a fresh instance repeats itself.
INIT = {"osc_1_random_phase": 0}
RICH = {
    **{f"osc_{i}_on": 1 for i in (1, 2, 3)}, **{f"osc_{i}_destination": 0 for i in (1, 2, 3)},
    **{f"osc_{i}_random_phase": 0 for i in (1, 2, 3)},
    "osc_1_unison_voices": 7, "osc_2_unison_voices": 7, "osc_3_transpose": -12, "osc_1_distortion_type": 1,
    "osc_2_distortion_type": 7, "sample_on": 1, "sample_destination": 0, "filter_1_on": 1, "filter_1_style": 1,
    "filter_1_drive": 12, **{f"modulation_{slot}_amount": 0.2 for slot in range(1, 7)},
}  # fmt: skip
RICH_ROUTES = (
    ("lfo_1", "osc_1_wave_frame"), ("lfo_2", "osc_2_wave_frame"), ("env_2", "filter_1_cutoff"),
    ("lfo_1", "osc_1_distortion_amount"), ("env_3", "osc_2_distortion_amount"), ("lfo_2", "filter_1_drive"),
)  # fmt: skip
EFFECTS = {
    "distortion_on": 1, "distortion_drive": 9, "chorus_on": 1, "delay_on": 1, "reverb_on": 1, "compressor_on": 1,
    "eq_on": 1, "eq_low_gain": 4, "eq_band_gain": -3, "eq_high_gain": 3,
}  # fmt: skip


def vital() -> dict[str, Any]:
    """Vital through vita: one note at a time, as it has no batches."""
    plain = _vital_seconds(INIT, ())
    rich = _vital_seconds(RICH, RICH_ROUTES)
    full = _vital_seconds(RICH | EFFECTS, RICH_ROUTES)
    return {
        "x_realtime": SECONDS / full[0],
        "init_x_realtime": SECONDS / plain[0],
        "rich_x_realtime": SECONDS / rich[0],
        "repeatable_x_realtime": SECONDS / sum(full),
        "note": "stereo, one render at a time; 2 x 7 voices with warps, oscillator 3, noise, driven 24 dB filter, six "
        "modulations, six effects (rich: no effects; init: one oscillator; repeatable: counting the fresh instance and "
        "the loading of its preset, without which a render with effects does not repeat)",
    }


def _vital_seconds(values: Mapping[str, float], routes: tuple[tuple[str, str], ...]) -> tuple[float, float]:
    """CPU seconds of (a render, the fresh instance before it): effects keep state, so each render has its own."""
    preset = _vital_preset(values, routes)
    times, first = [], None
    for _ in range(FRESH_RENDERS):
        start = time.process_time()
        synth = _vital_instance(preset)
        ready = time.process_time()
        sound = synth.render(NOTE, VELOCITY / 127, GATE_S, SECONDS)
        times.append((time.process_time() - ready, ready - start))
        _refuse_silence(sound, (2, RATE))
        first = sound if first is None else first
        if (sound != first).any():
            raise ValueError("two fresh instances made two sounds")
    renders, starts = zip(*times, strict=True)
    return min(renders), min(starts)


def _vital_preset(values: Mapping[str, float], routes: tuple[tuple[str, str], ...]) -> str:
    import vita

    synth = vita.Synth()
    for source, destination in routes:
        if not synth.connect_modulation(source, destination):
            raise ValueError(f"Vital cannot route {source} to {destination}")
    controls = synth.get_controls()
    for name, value in values.items():
        controls[name].set(value)
    return synth.to_json()


def _vital_instance(preset: str) -> Any:
    import vita

    synth = vita.Synth()
    synth.set_sample_rate(RATE)
    if not synth.load_json(preset):
        raise ValueError("Vital refused its own preset")
    return synth


def _refuse_silence(sound: Any, shape: tuple[int, int]) -> None:
    if sound.shape != shape or not 0.001 < abs(sound).max() < 1000:
        raise ValueError(f"no sound of shape {shape}: {sound.shape}, peak {abs(sound).max()}")


PEERS: dict[str, Callable[[], dict[str, Any]]] = {"torchsynth": torchsynth, "synthax": synthax, "vital": vital}


def main() -> None:
    """Measure one peer and print what came of it."""
    try:
        with pinned():
            found = PEERS[sys.argv[1]]()
    except Exception as error:  # another's package may fail in any way; the rest of the benchmark goes on
        found = {"missing": f"{type(error).__name__}: {error}"}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
