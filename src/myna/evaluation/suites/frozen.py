"""Presets as frozen targets: a JSON file that says of each sound what made it and how it was played.

    {"format": "myna-suite", "version": 1, "name": …, "synth": …, "about": …, "stage": …,
     "targets": [{"name": …, "prior": …, "note_midi": …, "velocity": …, "gate_s": …, "total_s": …, "values": {…}}]}

`values` are those that differ from the synth's defaults. Nothing is drawn when a suite is used.

Shapes: P parameters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from myna.audio.target import Target
from myna.errors import MynaError, printable
from myna.params import ParameterTable
from myna.presets.preset import Preset
from myna.synth.base import Probe
from myna.synth.renderer import Renderer

__all__ = ["FrozenSet", "FrozenTarget", "dump", "parse"]

FORMAT, VERSION = "myna-suite", 1


@dataclass(frozen=True)
class FrozenTarget:
    """One sound.

    Attributes:
        name: of the sound.
        prior: that it was drawn from, `musical` or `uniform`; or `factory`, where it was designed by hand.
        probe: how it is played.
        values: parameter name → physical value, of those that differ from the defaults.
    """

    name: str
    prior: str
    probe: Probe
    values: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True)
class FrozenSet:
    """A `TargetSet` of presets.

    Attributes:
        name: of the suite.
        synth: that plays it.
        about: what it is, for people.
        stage: of the curriculum whose modules are open, from 1.
        targets: in order.
    """

    name: str
    synth: str
    about: str
    stage: int
    targets: tuple[FrozenTarget, ...]

    def __len__(self) -> int:
        """How many targets there are."""
        return len(self.targets)

    def preset(self, index: int) -> Preset:
        """The preset of a target."""
        found = self.targets[index]
        return Preset(self.synth, found.values, found.name, description=self.about)

    def u(self, table: ParameterTable) -> np.ndarray:
        """All presets, (n, P), discrete knobs at bin centres."""
        return table.snap(np.array([self.preset(index).u(table) for index in range(len(self))]))

    def target(self, index: int, renderer: Renderer) -> Target:
        """See `TargetSet.target`; the renderer's own seed, so that the very sound can be reached."""
        probe, u = self.targets[index].probe, renderer.table.snap(self.preset(index).u(renderer.table)[None])
        audio: np.ndarray = renderer.render(u, probe)[0, 0]
        name, velocity = self.targets[index].name, round(probe.velocity)
        return Target(
            audio, renderer.sample_rate, name, probe.note_midi, velocity, probe.gate_s, probe.total_s, 0.0, True
        )


def dump(suite: FrozenSet) -> str:
    """As it is stored, one target a line."""
    head = {"format": FORMAT, "version": VERSION, "name": suite.name, "synth": suite.synth, "about": suite.about}
    lines = [
        json.dumps({"name": one.name, "prior": one.prior, **asdict(one.probe), "values": dict(one.values)})
        for one in suite.targets
    ]
    opening = json.dumps({**head, "stage": suite.stage}, indent=0).removesuffix("\n}")
    return f'{opening},\n"targets": [\n' + ",\n".join(lines) + "\n]\n}\n"


def parse(text: str, path: Path) -> FrozenSet:
    """A suite as it was stored.

    Raises:
        MynaError: it is damaged, or was written by a newer myna.
    """
    try:
        said = json.loads(text)
        if said["format"] != FORMAT or said["version"] != VERSION:
            raise MynaError(f"The suite {printable(path.name)} is of another version of myna: update this one.")
        return FrozenSet(said["name"], said["synth"], said["about"], said["stage"], _targets(said["targets"]))
    except (ValueError, KeyError, TypeError):
        raise MynaError(f"The suite {printable(path.name)} is damaged: install myna again.") from None


def _targets(rows: Sequence[Mapping[str, Any]]) -> tuple[FrozenTarget, ...]:
    return tuple(
        FrozenTarget(
            row["name"],
            row["prior"],
            Probe(row["note_midi"], row["velocity"], row["gate_s"], row["total_s"]),
            row["values"],
        )
        for row in rows
    )
