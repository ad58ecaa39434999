"""The engine's two entries: the CUDA path agrees with the CPU's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from tests.synth.measure import normalised, renders, rms

from myna.synth.base import Probe
from myna.synth.serum_lite import engine
from myna.synth.serum_lite.parameters import TABLE

# At 8 kHz a few blocks are long enough for the echoes and the room to answer.
SIMULATED = {"rate": 8_000, "probes": [(60.0, 100.0, 0.03, 0.06), (45.0, 64.0, 0.01, 0.02)]}
SIMULATED_ERROR = 1e-4  # of the peak; measured 4e-5: plain Python floats against fused and reassociated ones
ALL_ON = {
    "osc_a.table": "harmonic_sweep", "osc_a.position": 0.4, "osc_a.unison": 2, "osc_a.random_phase": 1.0,
    "osc_b.on": True, "osc_b.table": "vocal", "osc_b.position": 0.3, "sub.on": True, "noise.on": True,
    "filter.on": True, "filter.cutoff_hz": 1_500.0, "filter.resonance": 0.4, "filter.drive_db": 6.0,
    "lfo_1.rate_hz": 20.0, "lfo_1.retrigger": False, "matrix.source_1": "lfo_1", "matrix.destination_1": "pitch",
    "matrix.amount_1": 0.1, "matrix.source_2": "env_2", "matrix.destination_2": "osc_a.position",
    "matrix.amount_2": 0.5,
    "matrix.source_3": "random", "matrix.destination_3": "filter.cutoff", "matrix.amount_3": 0.2,
    "osc_a.warp_amount": 0.5, "osc_b.warp_amount": 0.5, "noise.color": 0.5,
    "distortion.on": True, "chorus.on": True, "delay.on": True, "delay.time_s": 0.02, "reverb.on": True,
    "reverb.size": 0.0, "eq.on": True, "eq.low_db": 5.0, "eq.high_db": -5.0,
}  # fmt: skip
VARIANTS = [
    {"distortion.type": "fold", "osc_a.warp": "sync", "osc_b.warp": "mirror", "filter.type": "notch"},
    {"distortion.type": "hard", "osc_a.warp": "fm", "lfo_1.shape": "sample_hold", "filter.slope": "12_db"},
    {"distortion.type": "tube", "osc_a.warp": "squeeze", "osc_b.warp": "bend", "delay.ping_pong": True},
]

SIMULATE = """
import sys, warnings
import numpy as np
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
warnings.simplefilter("ignore", RuntimeWarning)  # 32-bit phases wrap, which numpy scalars remark on
u = np.load(sys.argv[1])
probes = [Probe(*row) for row in np.load(sys.argv[2])]
np.save(sys.argv[3], Renderer(device="cuda", sample_rate=int(sys.argv[4])).render(u, probes))
"""


def test_the_cuda_path_agrees_with_the_cpus_under_numbas_simulator(tmp_path: Path) -> None:
    """Everything on; the simulator runs the kernel, its launch and its copies in plain Python, without a GPU."""
    u = normalised({}, *(ALL_ON | v for v in VARIANTS))
    probes = [Probe(*row) for row in SIMULATED["probes"]]
    np.save(tmp_path / "u.npy", u)
    np.save(tmp_path / "probes.npy", np.array(SIMULATED["probes"]))
    files = [str(tmp_path / name) for name in ("u.npy", "probes.npy", "out.npy")]
    # The simulator hands its own array type to the DSP, which compiled functions refuse.
    simulated = os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1"}
    run = subprocess.run(
        [sys.executable, "-c", SIMULATE, *files, str(SIMULATED["rate"])], env=simulated, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-2_000:]
    cuda, cpu = np.load(files[2]), renders(u, probes, sample_rate=SIMULATED["rate"])
    assert cuda.shape == cpu.shape == (4, 2, 2, 480)
    peak = np.abs(cpu).max(axis=(2, 3))
    assert (peak > 1e-3).all()
    assert (np.abs(cuda - cpu).max(axis=(2, 3)) / peak).max() < SIMULATED_ERROR


def test_seeds_use_all_64_bits() -> None:
    u = normalised({"noise.on": True, "osc_a.on": False})
    one, two, three = (renders(u, Probe(60, 100, 0.05, 0.05), seed=s) for s in (7, 7 + 2**32, 7 + 2**63))
    assert rms(one - two).min() > 0.1 * rms(one).min()
    assert rms(one - three).min() > 0.1 * rms(one).min()


def test_the_table_is_the_engines() -> None:
    assert engine.SerumLite.table is TABLE
    assert 110 <= len(TABLE) <= 150
