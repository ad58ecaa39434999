"""The priors draw what they promise: by category, sparse, alive, heard, and each draw on its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from myna.errors import MynaError, UsageError
from myna.presets.generator import SILENT_DB, MusicalPrior, UniformPrior, audible
from myna.presets.preset import CATEGORIES
from myna.presets.styles import ROUTINGS, STYLES
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.synth.serum_lite.parameters import DESTINATIONS, SOURCES, TABLE, WAVETABLES

PRIORS = pytest.mark.parametrize("prior", [MusicalPrior(TABLE), UniformPrior(TABLE)], ids=["musical", "uniform"])
BY_CATEGORY = pytest.mark.parametrize("category", STYLES)


def drawn(category: str | None = None, count: int = 200) -> dict[str, np.ndarray]:
    """Physical values by parameter name, (count,) each."""
    u = MusicalPrior(TABLE, category).sample(count, generator(0, "test", category or "any"))
    return dict(zip(TABLE.names, TABLE.decode(u).T, strict=True))


def settings_of(prior: MusicalPrior, count: int) -> list[dict]:
    u = prior.sample(count, generator(1, "settings"))
    return [TABLE.to_dict(values) for values in TABLE.decode(u)]


@pytest.fixture(scope="module")
def render() -> Callable[[np.ndarray], np.ndarray]:
    renderer = Renderer()
    return lambda u: renderer.render(u, Probe(57, 100, 0.5, 0.8))


# Both priors


@PRIORS
def test_draws_are_snapped_canonical_and_inside_the_cube(prior) -> None:
    u = prior.sample(50, generator(0, "a"))
    assert u.shape == (50, len(TABLE))
    assert u.min() >= 0.0 and u.max() <= 1.0
    assert np.abs(TABLE.snap(u) - u).max() <= 1e-9
    assert np.abs(TABLE.canonical(u) - u).max() <= 1e-9


@PRIORS
def test_a_draw_depends_on_seed_and_index_alone(prior) -> None:
    few, many = (prior.sample(count, generator(0, "a")) for count in (3, 20))
    assert np.array_equal(few, many[:3])
    assert not np.array_equal(prior.sample(3, generator(1, "a")), few)


@PRIORS
def test_no_two_draws_are_alike(prior) -> None:
    assert len(np.unique(prior.sample(300, generator(0, "a")), axis=0)) == 300


@PRIORS
def test_no_draw_at_all_is_an_empty_array(prior, render) -> None:
    assert prior.sample(0, generator(0)).shape == (0, len(TABLE))
    assert prior.sample_audible(0, generator(0), render).shape == (0, len(TABLE))


@PRIORS
def test_every_audible_draw_is_heard_and_finite(prior, render) -> None:
    audio = render(prior.sample_audible(64, generator(0, "heard"), render))
    assert audible(audio).all()
    assert np.isfinite(audio).all()


@PRIORS
def test_an_audible_draw_depends_on_seed_and_index_alone(prior, render) -> None:
    few, many = (prior.sample_audible(count, generator(2, "heard"), render) for count in (5, 24))
    assert np.array_equal(few, many[:5])


@PRIORS
def test_an_audible_draw_that_was_heard_at_once_is_the_plain_draw(prior, render) -> None:
    plain = prior.sample(24, generator(2, "heard"))
    kept = audible(render(plain))
    chosen = prior.sample_audible(24, generator(2, "heard"), render)
    assert np.array_equal(chosen[kept], plain[kept])
    assert not (chosen[~kept] == plain[~kept]).all(axis=1).any()


def test_renders_come_in_batches_and_only_silent_rows_are_drawn_again() -> None:
    sizes = []

    def deaf_at_first(u: np.ndarray) -> np.ndarray:
        sizes.append(len(u))
        heard = np.arange(len(u)) % 2 == 0 if len(sizes) <= 3 else np.ones(len(u), bool)
        return np.where(heard[:, None], 0.5, 0.0) * np.ones((len(u), 100))

    UniformPrior(TABLE).sample_audible(300, generator(0), deaf_at_first)
    assert sizes == [128, 128, 44, 128, 22]


def test_draws_that_stay_silent_are_an_error_and_no_endless_loop() -> None:
    with pytest.raises(MynaError, match=r"^2 of 2 presets stayed silent after 64 draws\.$"):
        UniformPrior(TABLE).sample_audible(2, generator(0), lambda u: np.zeros((len(u), 2, 100)))


# Silence


def tone(level_db: float, samples: int = 4410, of: int = 44_100) -> np.ndarray:
    """A sine of that RMS level for the first samples, then nothing."""
    audio = np.zeros(of)
    audio[:samples] = np.sqrt(2) * 10 ** (level_db / 20) * np.sin(2 * np.pi * 0.01 * np.arange(samples))
    return audio


@pytest.mark.parametrize(
    ("audio", "heard"),
    [
        (np.zeros(44_100), False),
        (tone(SILENT_DB + 0.1), True),
        (tone(SILENT_DB - 0.1), False),
        (tone(SILENT_DB - 0.1, 44_100), False),
        (tone(-20.0, 600), True),
        (np.full(44_100, np.nan), False),
        (np.full(44_100, 1.0), True),
        (np.ones(3), True),
    ],
)
def test_the_loudest_tenth_decides_what_is_silence(audio: np.ndarray, heard: bool) -> None:
    assert audible(audio[None]).tolist() == [heard]
    assert audible(np.stack([audio, audio])[None, None]).tolist() == [heard]


# The uniform prior


def test_the_uniform_prior_covers_every_range_and_every_choice() -> None:
    u = UniformPrior(TABLE).sample(600, generator(0, "cover"))
    values = TABLE.decode(u)
    for i, knob in enumerate(TABLE.parameters):
        if knob.name.startswith(("osc_a.", "osc_b.")):
            continue  # their canonical order is no longer uniform
        if knob.steps:
            assert set(values[:, i]) == set(np.arange(knob.low, knob.high + 1)), knob.name
        else:
            assert np.abs(np.histogram(u[:, i], 5, (0, 1))[0] / 600 - 0.2).max() < 0.08, knob.name


# The musical prior


def test_every_category_but_other_has_habits() -> None:
    assert set(STYLES) == set(CATEGORIES) - {"other"}


@BY_CATEGORY
def test_habits_name_what_the_synth_has(category: str) -> None:
    style = STYLES[category]
    assert set(style.tables) <= set(WAVETABLES)
    for source, destination, low, high in ROUTINGS + style.routings:
        assert source in SOURCES[1:] and destination in DESTINATIONS[1:]
        assert -1.0 <= low < high <= 1.0
    for chance in (style.sub, style.noise, style.noise_only, style.chorus, style.delay, style.reverb, style.eq):
        assert 0.0 <= chance <= 1.0


def test_an_unknown_category_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"no category 'other' to draw from; choose one of bass, lead"):
        MusicalPrior(TABLE, "other")


def test_without_a_category_every_one_is_drawn() -> None:
    tables = {TABLE["osc_a.table"].to_json(value) for value in drawn(None, 600)["osc_a.table"]}
    assert tables == {table for style in STYLES.values() for table in style.tables}


@BY_CATEGORY
def test_a_category_keeps_to_its_habits(category: str) -> None:
    style, values = STYLES[category], drawn(category)
    assert {TABLE["osc_a.table"].to_json(v) for v in values["osc_a.table"]} <= {*style.tables, "basic_shapes"}
    for name, (low, high) in {
        "env_1.attack_s": style.attack_s,
        "env_1.decay_s": style.decay_s,
        "env_1.release_s": style.release_s,
        "env_1.sustain": style.sustain,
    }.items():
        assert low - 1e-9 <= values[name].min() and values[name].max() <= high + 1e-9, name
        assert high == low or np.ptp(values[name]) > 0.5 * (high - low), name
    cutoff = values["filter.cutoff_hz"][values["filter.on"] > 0]
    assert style.cutoff_hz[0] - 1e-6 <= cutoff.min() and cutoff.max() <= style.cutoff_hz[1] + 1e-6


def test_categories_differ_as_their_names_say() -> None:
    median = {category: {name: np.median(v) for name, v in drawn(category).items()} for category in STYLES}
    assert median["pad"]["env_1.attack_s"] > 10 * median["pluck"]["env_1.attack_s"]
    assert median["bell"]["env_1.release_s"] > 5 * median["bass"]["env_1.release_s"]
    assert median["bass"]["osc_a.octave"] < median["lead"]["osc_a.octave"]
    assert median["drum"]["env_1.sustain"] < 0.05 < 0.8 < median["organ"]["env_1.sustain"]
    assert drawn("drum")["noise.on"].mean() > 0.5 > 0.2 > drawn("organ")["noise.on"].mean()
    assert drawn("pad")["reverb.on"].mean() > 0.6 > 0.3 > drawn("bass")["reverb.on"].mean()


@BY_CATEGORY
def test_few_modules_are_on_and_the_matrix_is_sparse(category: str) -> None:
    values = drawn(category)
    switches = np.sum([values[name] for name in TABLE.names if name.endswith(".on")], axis=0)
    slots = np.sum([values[name] > 0 for name in TABLE.names if name.startswith("matrix.source")], axis=0)
    assert 1 <= switches.min() and switches.max() <= 10 and switches.mean() < 6
    assert slots.max() <= 4 and 0.5 < slots.mean() < 2
    away = np.mean(
        [np.abs(values[knob.name] - knob.default) > 1e-9 * (knob.high - knob.low) for knob in TABLE.parameters]
    )
    assert away < 0.35


@BY_CATEGORY
def test_no_routing_is_drawn_twice_or_leads_nowhere(category: str) -> None:
    for settings in settings_of(MusicalPrior(TABLE, category), 100):
        used = [slot for slot in range(1, 9) if settings[f"matrix.source_{slot}"] != "none"]
        routes = [(settings[f"matrix.source_{s}"], settings[f"matrix.destination_{s}"]) for s in used]
        assert len(set(routes)) == len(routes)
        for _, destination in routes:
            module = destination.partition(".")[0]
            assert destination != "none"
            assert settings.get(f"{module}.on", True), (routes, module)
            if destination.endswith("warp_amount"):
                assert settings[f"{module}.warp"] != "none"


@BY_CATEGORY
def test_most_draws_of_a_category_are_heard_and_few_clip(category: str, render) -> None:
    audio = render(MusicalPrior(TABLE, category).sample(40, generator(3, category)))
    assert audible(audio).mean() >= 0.8  # 0.9 for drums over 200 draws, 0.93 and more for all others
    assert (np.abs(audio).max(axis=(1, 2, 3)) > 1.0).mean() <= 0.1  # 0.045 at most over 200 draws


def test_levels_are_those_that_people_leave(render) -> None:
    peaks = np.abs(render(MusicalPrior(TABLE).sample(200, generator(4)))).max(axis=(1, 2, 3))
    assert 0.1 < np.median(peaks) < 0.5
