"""Build the CUDA kernel to PTX without a GPU, as a check that the device path compiles.

Needs `pip install numba-cuda nvidia-nvvm nvidia-cuda-nvrtc`, apart from the project's own environment (numba-cuda takes
the place of numba's own CUDA target). Prints the architecture, the PTX's size and how long it took.

    python benchmarks/cuda_build.py [--cc 9.0]
"""

from __future__ import annotations

import argparse
import sys
import time
from types import SimpleNamespace

from numba import types

# Kernel arguments in order: element type and number of dimensions, 0 for a number.
F4, F8, U4 = types.float32, types.float64, types.uint32
ARGUMENTS = (
    (F8, 2), (F8, 2), (U4, 1), (F8, 0), (F4, 1), (F4, 3), (F4, 4),  # values … out
    (F4, 3), (F4, 2), (F8, 3), (F8, 2), (U4, 2), (F8, 4), (F4, 3), (F4, 4),  # blocks … shapers
    (F4, 3), (F4, 3), (F4, 3), (F4, 3), (F4, 3),  # chorus … eq
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cc", default="9.0", help="compute capability to build for (default 9.0)")
    capability = tuple(int(part) for part in parser.parse_args().cc.split("."))
    try:
        import numba_cuda  # noqa: F401 - it takes numba.cuda's place when imported
        from numba.cuda import compile_ptx, dispatcher
    except ImportError:
        print("numba-cuda is not installed: see the first lines of this file.", file=sys.stderr)
        return 5
    from myna.synth.serum_lite import cuda_kernel

    # Device functions ask the current device what to build for; there is none.
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=capability)
    signature = tuple(types.Array(kind, dims, "C") if dims else kind for kind, dims in ARGUMENTS)
    began = time.perf_counter()
    ptx, _ = compile_ptx(cuda_kernel.kernel.py_func, signature, cc=capability)
    target = next(line for line in ptx.splitlines() if line.startswith(".target"))
    print(f"{target[1:]}, {len(ptx) / 1e6:.2f} MB of PTX in {time.perf_counter() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
