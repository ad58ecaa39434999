"""The environment: an agent edits presets towards a target sound.

Importing this makes it known to Gymnasium as `myna/PresetMatch-v0`; the modules behind it load when one is made.
"""

from __future__ import annotations

import gymnasium

__all__ = ["ENV_ID"]

ENV_ID = "myna/PresetMatch-v0"

if ENV_ID not in gymnasium.registry:  # an import that was repeated must not warn
    gymnasium.register(
        ENV_ID, entry_point="myna.envs.single:MynaEnv", vector_entry_point="myna.envs.vector:MynaVectorEnv"
    )
