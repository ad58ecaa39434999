#!/usr/bin/env bash
# Installs the synths that benchmarks/engine.py measures beside ours into an environment of their own, .venv-peers.
# None of them is a dependency of myna. vita (Vital) is GPL-3; only the benchmark's own process imports it.
#
# torch's plain wheel for Linux brings CUDA along, several GB. A CPU build does as well: put the wheel into a folder,
# name the folder in PIP_FIND_LINKS, and the version in TORCH, say TORCH='torch==2.13.0+cpu'.
set -euo pipefail
cd "$(dirname "$0")/.."
"${PYTHON:-python3}" -m venv .venv-peers
# torchsynth imports pkg_resources, which setuptools no longer has from 81 on.
.venv-peers/bin/python -m pip install 'setuptools<81' "${TORCH:-torch==2.13.0}"
.venv-peers/bin/python -m pip install torchsynth==1.0.2 synthax==0.2.2 vita==0.1.0
