"""A cheat costs more than an honest poor match, for each cheat, over 12 recordings and 64 presets.

The honest poor match of a target is the median over 15 random presets of the musical prior, audible, played at the
target's note and length and set to its loudness. Cheats are defined in `conftest.cheats`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from myna.features import CONFIGS as EARS
from myna.features import analyse
from myna.loss import CONFIGS, Heard, PerceptualLoss, score

from .conftest import HONEST, PRESETS, RATE, RECORDINGS, Case, cheats, going_on

CHEATS = (
    "silence",
    "near silence",
    "a constant",
    "the target on a constant",
    "clipping",
    "one click",
    "one burst",
    "noise, fine spectrum",
    "noise, coarse spectrum",
    "vibrato",
    "fast vibrato",
    "far too quiet",
    "far too loud",
    "heavy tremolo",
    "0.25 s late",
    "0.5 s late",
    "NaN",
    "a tail",
)

# Where a cheat still costs less, and why. Priors 12, 26, 27, 28 and 29 flutter much like noise themselves (dense high
# partials under chorus or reverb, or noise mixed in), so that noise or a smear with their very spectrum is hardly
# told from them; the slap bass is brighter and noisier than its fast vibrato, one low note with few loud partials.
# The lists are strict: a case that joins or leaves them fails the test.
UNSOLVED: dict[str, dict[str, set[str]]] = {
    "full": {
        "noise, fine spectrum": {"prior 12", "prior 29"},
        "noise, coarse spectrum": {"prior 12", "prior 26", "prior 27", "prior 29"},
        "vibrato": {"prior 12", "prior 26", "prior 29"},
        "fast vibrato": {"slap_bass", "prior 26", "prior 29"},
    },
    "training": {
        "noise, fine spectrum": {"prior 12"},
        "noise, coarse spectrum": {"prior 12", "prior 26", "prior 27", "prior 29"},
        "vibrato": {"prior 12", "prior 26", "prior 28", "prior 29"},
        "fast vibrato": {"prior 12", "prior 26", "prior 29"},
    },
}


@dataclass(frozen=True)
class Verdict:
    """One cheat on one target: its loss, and those of the honest matches (HONEST,)."""

    target: str
    cheat: float
    honest: np.ndarray


# One test for all cheats: split, each worker of xdist would make and hear all the sounds again.
@pytest.mark.parametrize("config", list(CONFIGS))
def test_every_cheat_costs_more_than_an_honest_poor_match_on_every_target(
    cases: list[Case], longer_cases: list[Case], config: str
) -> None:
    judged = verdicts(cases, longer_cases, config)
    assert list(judged) == list(CHEATS)
    cheaper = {}
    for cheat, found in judged.items():
        assert [verdict.honest.shape for verdict in found] == [(HONEST,)] * (len(RECORDINGS) + PRESETS)
        cheaper[cheat] = {verdict.target for verdict in found if verdict.cheat <= np.median(verdict.honest)}
        dearer = np.mean([verdict.cheat > verdict.honest for verdict in found])
        print(f"{cheat:24} costs more on {len(found) - len(cheaper[cheat])} of {len(found)} targets,", end=" ")
        print(f"and more than {dearer:.1%} of single random presets")
    medians = [np.median(verdict.honest) for verdict in judged["silence"]]
    print(f"honest poor matches cost {np.quantile(medians, (0, 0.25, 0.5, 0.75, 1)).round(2)} (quartiles)")
    assert 0.5 < np.median(medians) < 1.0
    assert {cheat: targets for cheat, targets in cheaper.items() if targets} == UNSOLVED[config]


def verdicts(cases: list[Case], longer_cases: list[Case], config: str) -> dict[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = {cheat: [] for cheat in CHEATS}
    for case, longer in zip(cases, longer_cases, strict=True):
        tried = cheats(case)
        honest = losses(config, case.audio, case.honest)
        for cheat, loss in zip(tried, losses(config, case.audio, np.stack(list(tried.values()))), strict=True):
            found[cheat].append(Verdict(case.name, float(loss), honest))
        tail, *honest = losses(config, longer.audio, np.concatenate([going_on(longer.audio)[None], longer.honest]))
        found["a tail"].append(Verdict(case.name, float(tail), np.array(honest)))
    return found


def losses(config: str, target: np.ndarray, sounds: np.ndarray) -> np.ndarray:
    goal = Heard(analyse(target, RATE, EARS[config]))
    return score(sounds, RATE, goal, PerceptualLoss(CONFIGS[config]))[0].total.numpy()
