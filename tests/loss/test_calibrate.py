"""The scales are what the recorded command makes: medians over random pairs, the whole loss at 1."""

from __future__ import annotations

import json
from importlib import resources

import numpy as np
import pytest

from myna.features import CONFIGS as EARS
from myna.features import analyse
from myna.loss import CONFIGS, PerceptualLoss
from myna.loss.calibrate import PROBE, _factor, measure
from myna.loss.config import scales
from myna.synth.renderer import Renderer

from .conftest import RATE, audible


@pytest.mark.parametrize("name", list(CONFIGS))
def test_the_median_pair_of_random_presets_costs_about_1(name: str) -> None:
    renderer = Renderer(threads=1)
    features = analyse(renderer.render(audible(renderer, 256, "pairs"), PROBE)[:, 0], RATE, EARS[name])
    found = PerceptualLoss(CONFIGS[name])(features[:128], features[128:])
    assert float(found.total.median()) == pytest.approx(1.0, abs=0.25)
    for term, weight in CONFIGS[name].weights.items():
        assert float(found.terms[term].median()) == pytest.approx(weight, rel=0.6), term


def test_the_factor_brings_the_median_of_terms_and_penalties_to_1() -> None:
    terms, penalties = np.linspace(0.2, 3.0, 101), np.linspace(0.0, 0.3, 101)
    assert np.median(terms / _factor(terms, penalties) + penalties) == pytest.approx(1.0)


def test_the_command_and_the_seed_are_recorded_beside_the_scales() -> None:
    document = json.loads((resources.files("myna.loss") / "scales.json").read_text())
    assert document["command"] == "python -m myna.loss.calibrate --seed 0 --pairs 1024"
    assert set(document["sets"]) == set(CONFIGS)


@pytest.mark.soak
@pytest.mark.parametrize("name", list(CONFIGS))
def test_the_recorded_command_makes_the_recorded_scales(name: str) -> None:
    again = measure(seed=0, pairs=1024)[name]
    assert again == pytest.approx(dict(scales(CONFIGS[name].scale_set)), rel=1e-3)
