"""The control rate: envelopes, LFOs and the matrix, once a block, into the values that the audio code follows.

Depth of the matrix at amount 1: pitch 48 semitones, cutoff 8 octaves, filter drive 24 dB, distortion drive 36 dB,
LFO rate 4 octaves, master level twice the amplitude; everything else its whole range.
"""

from __future__ import annotations

import math

import numpy as np

from myna.compiled import dsp
from myna.synth.serum_lite.envelope import envelope
from myna.synth.serum_lite.filter import prewarp
from myna.synth.serum_lite.hashing import signed_unit, unit
from myna.synth.serum_lite.lfo import lfo_shape
from myna.synth.serum_lite.parameters import DESTINATIONS, MATRIX_SLOTS, TABLE

__all__ = ["CONTROLS", "start_controls", "update_controls"]

_I = TABLE.index
OSC_A, OSC_B = _I["osc_a.on"], _I["osc_b.on"]
# Offsets of an oscillator's knobs from its first.
ON, WAVE, POSITION, LEVEL, PAN, OCTAVE, SEMITONE, FINE, UNISON, DETUNE = range(10)
BLEND, WIDTH, PHASE, RANDOM_PHASE, WARP, WARP_AMOUNT, TO_FILTER = range(10, 17)
_SUB_LEVEL, _SUB_OCTAVE = _I["sub.level"], _I["sub.octave"]
_NOISE_LEVEL = _I["noise.level"]
_CUTOFF, _RESONANCE = _I["filter.cutoff_hz"], _I["filter.resonance"]
_DRIVE, _KEYTRACK = _I["filter.drive_db"], _I["filter.keytrack"]
_ENV_1, _ENV_2, _ENV_3 = _I["env_1.delay_s"], _I["env_2.delay_s"], _I["env_3.delay_s"]
_LFO_1, _LFO_2 = _I["lfo_1.shape"], _I["lfo_2.shape"]
_SHAPE, _RATE, _LFO_PHASE, _RISE, _RETRIGGER = range(5)
_MATRIX = _I["matrix.source_1"]
_FILTER_ON, _DIST_ON = _I["filter.on"], _I["distortion.on"]
_DIST_DRIVE, _DIST_MIX = _I["distortion.drive_db"], _I["distortion.mix"]
_CHORUS_MIX, _DELAY_MIX, _REVERB_MIX = _I["chorus.mix"], _I["delay.mix"], _I["reverb.mix"]
_VOLUME, _VELOCITY = _I["master.volume_db"], _I["master.velocity_sensitivity"]

_D = {name: i for i, name in enumerate(DESTINATIONS)}
_M_PITCH, _M_SUB, _M_NOISE = _D["pitch"], _D["sub.level"], _D["noise.level"]
_M_A, _M_B = _D["osc_a.pitch"], _D["osc_b.pitch"]
_M_CUTOFF, _M_RESONANCE, _M_DRIVE = _D["filter.cutoff"], _D["filter.resonance"], _D["filter.drive"]
_M_DIST, _M_DIST_MIX = _D["distortion.drive"], _D["distortion.mix"]
_M_CHORUS, _M_DELAY, _M_REVERB = _D["chorus.mix"], _D["delay.mix"], _D["reverb.mix"]
_M_LFO_1, _M_LFO_2, _M_MASTER = _D["lfo_1.rate"], _D["lfo_2.rate"], _D["master.level"]
_N_DESTINATIONS = len(DESTINATIONS)
_N_SLOTS = MATRIX_SLOTS

# Where each controlled value lies in a row of controls; an oscillator has five in a row.
FREQUENCY, C_POSITION, C_LEVEL, C_PAN, C_WARP = range(5)
C_A, C_B, C_SUB_HZ, C_SUB, C_NOISE, C_G, C_RESONANCE, C_DRIVE, C_DRIVE_WET = 0, 5, 10, 11, 12, 13, 14, 15, 16
C_AMP, C_DIST, C_DIST_MIX, C_CHORUS, C_DELAY, C_REVERB, C_OUT = 17, 18, 19, 20, 21, 22, 23
CONTROLS = 24
# Working memory: sources, destinations, LFO cycles (two), the last pitches and their frequencies (three each),
# and which sources the matrix uses.
_W_MOD = 16
_W_CYCLES = 48
_W_PITCH = 50
_W_USED = 56
WORK = 72
_LN2 = math.log(2.0)
_LN10 = math.log(10.0)
_NO_PITCH = -1e9


@dsp
def start_controls(p, note, seed, work):
    """Set up the modulation of a note: constant sources and where the LFOs begin."""
    for i in range(WORK):
        work[i] = 0.0
    work[6] = note[1] / 127.0
    work[7] = (note[0] - 60.0) / 60.0
    work[8] = signed_unit(seed, np.uint32(0xA11CE))
    for k in range(2):
        first = _LFO_1 if k == 0 else _LFO_2
        begin = p[first + _LFO_PHASE]
        if p[first + _RETRIGGER] < 0.5:
            begin += unit(seed, np.uint32(0xF0 + k))
        work[_W_CYCLES + k] = begin
    for k in range(3):
        work[_W_PITCH + 2 * k] = _NO_PITCH
    for slot in range(_N_SLOTS):
        if p[_MATRIX + 3 * slot + 1] > 0.0 and p[_MATRIX + 3 * slot + 2] != 0.0:
            work[_W_USED + int(p[_MATRIX + 3 * slot])] = 1.0


@dsp
def _clip(x, low, high):
    return min(max(x, low), high)


@dsp
def _run_sources(p, note, t, step_s, seed, work):
    gate_s = note[2]
    work[1] = envelope(p, _ENV_1, t, gate_s)
    if work[_W_USED + 2] > 0.0:
        work[2] = envelope(p, _ENV_2, t, gate_s)
    if work[_W_USED + 3] > 0.0:
        work[3] = envelope(p, _ENV_3, t, gate_s)
    for k in range(2):
        if work[_W_USED + 4 + k] == 0.0:
            continue
        first = _LFO_1 if k == 0 else _LFO_2
        octaves = 4.0 * work[_W_MOD + (_M_LFO_1 if k == 0 else _M_LFO_2)]
        rate = p[first + _RATE]
        if octaves != 0.0:
            rate *= math.exp(_LN2 * _clip(octaves, -8.0, 4.0))
        work[_W_CYCLES + k] += rate * step_s
        rise = p[first + _RISE]
        fade = 1.0 if t >= rise else t / rise
        key = np.uint32(seed + np.uint32(0x51 + k))
        work[4 + k] = fade * lfo_shape(int(p[first + _SHAPE]), work[_W_CYCLES + k], key)


@dsp
def _run_matrix(p, work):
    for d in range(_N_DESTINATIONS):
        work[_W_MOD + d] = 0.0
    for slot in range(_N_SLOTS):
        source = int(p[_MATRIX + 3 * slot])
        destination = int(p[_MATRIX + 3 * slot + 1])
        if source > 0 and destination > 0:
            work[_W_MOD + destination] += p[_MATRIX + 3 * slot + 2] * work[source]


@dsp
def _frequency(semitones, slot, highest, work):
    """Hz of a MIDI pitch; the last one is kept, as most pitches stand still."""
    if semitones != work[_W_PITCH + 2 * slot]:
        work[_W_PITCH + 2 * slot] = semitones
        hz = 440.0 * math.exp(_LN2 * (semitones - 69.0) / 12.0)
        work[_W_PITCH + 2 * slot + 1] = _clip(hz, 1.0, highest)
    return work[_W_PITCH + 2 * slot + 1]


@dsp
def _oscillator_controls(p, osc, mod, slot, note_midi, highest, work, out, at):
    semitones = note_midi + 12.0 * p[osc + OCTAVE] + p[osc + SEMITONE] + 0.01 * p[osc + FINE]
    semitones += 48.0 * (work[_W_MOD + _M_PITCH] + work[_W_MOD + mod])
    out[at + FREQUENCY] = _frequency(semitones, slot, highest, work)
    out[at + C_POSITION] = _clip(p[osc + POSITION] + work[_W_MOD + mod + 1], 0.0, 1.0)
    out[at + C_LEVEL] = _clip(p[osc + LEVEL] + work[_W_MOD + mod + 2], 0.0, 1.0)
    out[at + C_PAN] = _clip(p[osc + PAN] + work[_W_MOD + mod + 3], -1.0, 1.0)
    out[at + C_WARP] = _clip(p[osc + WARP_AMOUNT] + work[_W_MOD + mod + 4], 0.0, 1.0)


@dsp
def _gain(db):
    return math.exp(_LN10 / 20.0 * db)


@dsp
def update_controls(p, note, t, step_s, sample_rate, seed, work, out):
    """Compute the controls at time t.

    Args:
        p: (P,) float64 physical values.
        note: (4,) float64: MIDI note, velocity, gate in s, samples.
        t: seconds since the note began; `step_s` since the last update.
        work: (WORK,) float64, from `start_controls`.
        out: (CONTROLS,) float64, filled.
    """
    _run_sources(p, note, t, step_s, seed, work)
    _run_matrix(p, work)
    note_midi = note[0]
    highest = 0.4 * sample_rate
    _oscillator_controls(p, OSC_A, _M_A, 0, note_midi, highest, work, out, C_A)
    _oscillator_controls(p, OSC_B, _M_B, 1, note_midi, highest, work, out, C_B)
    semitones = note_midi + 12.0 * p[_SUB_OCTAVE] + 48.0 * work[_W_MOD + _M_PITCH]
    out[C_SUB_HZ] = _frequency(semitones, 2, highest, work)
    out[C_SUB] = _clip(p[_SUB_LEVEL] + work[_W_MOD + _M_SUB], 0.0, 1.0)
    out[C_NOISE] = _clip(p[_NOISE_LEVEL] + work[_W_MOD + _M_NOISE], 0.0, 1.0)
    if p[_FILTER_ON] >= 0.5:
        octaves = 8.0 * work[_W_MOD + _M_CUTOFF] + p[_KEYTRACK] * (note_midi - 60.0) / 12.0
        out[C_G] = prewarp(p[_CUTOFF] * math.exp(_LN2 * _clip(octaves, -16.0, 16.0)), sample_rate)
        out[C_RESONANCE] = _clip(p[_RESONANCE] + work[_W_MOD + _M_RESONANCE], 0.0, 1.0)
        drive = _clip(p[_DRIVE] + 24.0 * work[_W_MOD + _M_DRIVE], 0.0, 24.0)
        out[C_DRIVE] = _gain(drive)
        # A little drive is a little wet, so that 0 dB is exactly the clean path.
        out[C_DRIVE_WET] = min(drive / 6.0, 1.0)
    velocity = work[6]
    sensitivity = p[_VELOCITY]
    out[C_AMP] = work[1] * (1.0 - sensitivity + sensitivity * velocity * velocity)
    if p[_DIST_ON] >= 0.5:
        out[C_DIST] = _gain(_clip(p[_DIST_DRIVE] + 36.0 * work[_W_MOD + _M_DIST], 0.0, 36.0))
    out[C_DIST_MIX] = _clip(p[_DIST_MIX] + work[_W_MOD + _M_DIST_MIX], 0.0, 1.0)
    out[C_CHORUS] = _clip(p[_CHORUS_MIX] + work[_W_MOD + _M_CHORUS], 0.0, 1.0)
    out[C_DELAY] = _clip(p[_DELAY_MIX] + work[_W_MOD + _M_DELAY], 0.0, 1.0)
    out[C_REVERB] = _clip(p[_REVERB_MIX] + work[_W_MOD + _M_REVERB], 0.0, 1.0)
    out[C_OUT] = _gain(p[_VOLUME]) * _clip(1.0 + work[_W_MOD + _M_MASTER], 0.0, 2.0)
