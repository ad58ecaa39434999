"""Where things lie in a row's scratch memory; `engine` allocates it.

Shapes: blocks (BLOCK_ROWS, BLOCK) float32, state (STATES,) float32, phases (PHASES,) uint32.
"""

from __future__ import annotations

__all__ = ["BLOCK", "BLOCK_ROWS", "PHASES", "STATES", "VOICES"]

BLOCK = 64  # samples per control period: 1.45 ms at 44.1 kHz
VOICES = 7
# Seven voices of each oscillator, the sub, a modulator for each oscillator; then two blocks of bent phases.
SUB_PHASE, MODULATOR_PHASE, MOVED = 14, 15, 18
PHASES = MOVED + 2 * BLOCK

# Rows of the blocks: the buses into the filter and past it, left and right; scratch; the FM source; the dry signal.
FILTER_L, FILTER_R, DIRECT_L, DIRECT_R, SCRATCH, FM_ROW, DRY_L, DRY_R, WORK_ROWS = 0, 1, 2, 3, 4, 7, 8, 9, 10
BLOCK_ROWS = WORK_ROWS + 11

# Places in the state.
S_FILTER, S_DELAY, S_REVERB, S_EQ, S_NOISE, S_DC = 0, 8, 10, 18, 30, 34
S_HELD = 38  # level and position of the frame that each oscillator has blended
S_LEVEL = 42  # the band-limit level that each oscillator read last
S_SOURCE = 44  # the level that each oscillator's FM source was read from last
S_DEPTH = 46  # the warp depth at which each oscillator's last block ended
STATES = 48
