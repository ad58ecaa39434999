"""The stages of the curriculum are as the issue wants them, and a mistake in a config is told in one sentence."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest

import myna
from myna.envs import stage_report
from myna.envs.curriculum import Curriculum
from myna.envs.stages import DEFAULT_PATH, ProbeSet, load_stages
from myna.errors import UsageError
from myna.synth.renderer import Renderer
from myna.synth.serum_lite.parameters import TABLE

SHIPPED = load_stages(TABLE)
WHOLE_STAGE = """
[stages.one]
opens = ["osc_a", "master.volume_db"]
musical = 0.5
starts = { default = 0.5, near = 0.5, retrieved = 0.0 }
distance = [0.1, 1.0]
ramp_episodes = 100
probe_sets = [{ notes = [48, 60], velocity = 100, gate_s = 0.2 }]
bound = 0.2
horizon = { all = 5, module = 10 }
earlier = 0.2
recordings = 0.0
held_out = 8
promotion = { below = 0.2, after = 2 }
demotion = { above = 0.3, after = 2 }
"""
TOP = "total_s = 0.3\nheld_out_seed = 1\nown_seeds = false\n"


def in_stage(**fields) -> dict:
    return {"stages": {"filter": fields}}


def test_the_shipped_config_lies_in_the_package() -> None:
    assert Path(myna.__file__).parent in DEFAULT_PATH.parents
    assert DEFAULT_PATH.is_file()


def test_six_stages_each_open_more_than_the_one_before() -> None:
    stages = SHIPPED.stages
    assert [stage.number for stage in stages] == [1, 2, 3, 4, 5, 6]
    assert all(set(a.open) < set(b.open) for a, b in itertools.pairwise(stages))
    assert stages[-1].open == TABLE.names
    assert stages[-1].mask(TABLE).all()


@pytest.mark.parametrize(
    ("number", "modules"),
    [
        (1, {"osc_a", "osc_b", "sub", "noise", "master"}),
        (2, {"filter"}),
        (3, {"env_1", "env_2", "env_3"}),
        (4, set()),
        (5, {"lfo_1", "lfo_2", "matrix"}),
        (6, {"distortion", "chorus", "delay", "reverb", "eq"}),
    ],
)
def test_a_stage_opens_its_modules(number: int, modules: set[str]) -> None:
    before = {name.split(".")[0] for stage in SHIPPED.stages[: number - 1] for name in stage.open}
    assert {name.split(".")[0] for name in SHIPPED.stages[number - 1].open} - before == modules


def test_the_first_stage_opens_level_wave_position_and_pitch_of_an_oscillator() -> None:
    knobs = {name.split(".")[1] for name in SHIPPED.stages[0].open if name.startswith("osc_b.")}
    assert knobs == {"on", "table", "position", "level", "octave", "semitone", "fine_cents"}
    assert {n for n in SHIPPED.stages[0].open if n.startswith("master.")} == {"master.volume_db"}


def test_all_parameters_at_once_a_horizon_is_long_enough_for_the_widest_way() -> None:
    assert all(stage.horizon["all"] >= math.ceil(1.0 / stage.bound) for stage in SHIPPED.stages)


def test_promotion_and_demotion_leave_a_gap() -> None:
    assert all(stage.demotion["above"] > 1.2 * stage.promotion["below"] for stage in SHIPPED.stages)


def test_the_distance_ramps_and_then_stays() -> None:
    stage = load_stages(TABLE, overrides=in_stage(distance=[0.1, 0.9], ramp_episodes=100)).stages[1]
    assert [stage.distance_after(n) for n in (0, 50, 100, 10_000)] == pytest.approx([0.1, 0.5, 0.9, 0.9])


def test_without_a_ramp_the_distance_is_full_at_once() -> None:
    stage = load_stages(TABLE, overrides=in_stage(ramp_episodes=0)).stages[1]
    assert stage.distance_after(0) == 1.0


def test_a_set_with_fewer_notes_than_probes_repeats_them() -> None:
    probes = ProbeSet((48.0, 60.0), 90.0, 0.2).probes(3, 0.5)
    assert [(p.note_midi, p.velocity, p.gate_s, p.total_s) for p in probes] == [
        (48.0, 90.0, 0.2, 0.5),
        (60.0, 90.0, 0.2, 0.5),
        (48.0, 90.0, 0.2, 0.5),
    ]


def test_tasks_have_as_many_probes_as_the_largest_set() -> None:
    chord = [{"notes": [48, 60, 64, 67], "velocity": 100, "gate_s": 0.5}]
    assert SHIPPED.notes == 1
    assert load_stages(TABLE, overrides=in_stage(probe_sets=chord)).notes == 4


def test_overrides_reach_one_field_of_one_stage_and_leave_the_rest() -> None:
    config = load_stages(TABLE, overrides={**in_stage(horizon={"module": 7}, musical=0.25), "total_s": 2})
    assert config.stages[1].horizon == {"all": 16, "module": 7}
    assert config.stages[1].musical == 0.25
    assert config.stages[0] == SHIPPED.stages[0]
    assert config.total_s == 2.0


def test_defaults_reach_every_stage_that_does_not_say_otherwise() -> None:
    stages = load_stages(TABLE, overrides={"defaults": {"bound": 0.125, "musical": 0.4}}).stages
    assert {stage.bound for stage in stages} == {0.125}
    assert stages[0].musical == 0.5
    assert stages[1].musical == 0.4


def test_a_new_stage_comes_last() -> None:
    stages = load_stages(TABLE, overrides={"stages": {"again": {"opens": []}}}).stages
    assert (stages[-1].name, stages[-1].number, stages[-1].open) == ("again", 7, TABLE.names)


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(TOP + WHOLE_STAGE)
    config = load_stages(TABLE, file)
    assert [stage.name for stage in config.stages] == ["one"]
    assert config.stages[0].open == (*(n for n in TABLE.names if n.startswith("osc_a.")), "master.volume_db")
    assert (config.held_out_seed, config.notes) == (1, 2)


MISTAKES = [
    (in_stage(horizonn=3), "horizonn", "horizon"),
    (in_stage(musical=1.5), "musical", "from 0 to 1"),
    (in_stage(musical=-0.1), "musical", "from 0 to 1"),
    (in_stage(musical=True), "musical", "a share"),
    (in_stage(musical="half"), "musical", "a share"),
    (in_stage(musical=math.nan), "musical", "a share"),
    (in_stage(earlier=2), "earlier", "from 0 to 1"),
    (in_stage(recordings=-1), "recordings", "from 0 to 1"),
    (in_stage(horizon={"all": 0}), "horizon", "from 1"),
    (in_stage(horizon={"all": 1.5}), "horizon", "whole number"),
    (in_stage(horizon={"most": 3}), "horizon", "all, module"),
    (in_stage(horizon=3), "horizon", "all, module"),
    (in_stage(bound=0), "bound", "above 0"),
    (in_stage(bound=1.1), "bound", "up to 1"),
    (in_stage(starts={"default": 0.9}), "starts", "add up to 1"),
    (in_stage(starts={"default": -0.2, "near": 1.0, "retrieved": 0.2}), "starts", "from 0 to 1"),
    (in_stage(starts={"far": 1.0}), "starts", "default, near, retrieved"),
    (in_stage(distance=[0.1]), "distance", "two numbers"),
    (in_stage(distance=[0.5, 0.1]), "distance", "not fall"),
    (in_stage(ramp_episodes=-1), "ramp_episodes", "whole number"),
    (in_stage(held_out=0), "held_out", "from 1"),
    (in_stage(opens=["filtr"]), "filtr", "filter"),
    (in_stage(opens=["filter.cutof_hz"]), "filter.cutof_hz", "filter.cutoff_hz"),
    (in_stage(opens="filter"), "opens", "list"),
    (in_stage(opens=[3]), "opens", "names"),
    (in_stage(promotion={"below": 0.0}), "promotion", "above 0"),
    (in_stage(demotion={"above": 0.1}), "demotion.above", "promotion.below"),
    (in_stage(demotion={"after": 0}), "demotion", "from 1"),
    (in_stage(probe_sets=[]), "probe_sets", "1 to 256"),
    (in_stage(probe_sets=[{"notes": [60], "velocity": 100}]), "probe_sets", "gate_s"),
    (in_stage(probe_sets=[{"notes": [], "velocity": 100, "gate_s": 0.1}]), "notes", "1 to 4"),
    (in_stage(probe_sets=[{"notes": [60] * 5, "velocity": 100, "gate_s": 0.1}]), "notes", "1 to 4"),
    (in_stage(probe_sets=[{"notes": [128], "velocity": 100, "gate_s": 0.1}]), "notes", "from 0 to 127"),
    (in_stage(probe_sets=[{"notes": [60], "velocity": 0, "gate_s": 0.1}]), "velocity", "from 1 to 127"),
    (in_stage(probe_sets=[{"notes": [60], "velocity": 100, "gate_s": 1.5}]), "gate_s", "total_s"),
    ({"stages": {"filter": 3}}, "must be", "table"),
]


@pytest.mark.parametrize(("overrides", "named", "mend"), MISTAKES)
def test_a_mistake_in_a_stage_is_told_in_one_sentence(overrides: dict, named: str, mend: str) -> None:
    with pytest.raises(UsageError) as told:
        load_stages(TABLE, overrides=overrides)
    sentence = str(told.value)
    assert sentence.startswith("curriculum.toml with overrides: stage 'filter'")
    assert named in sentence.split("filter'", 1)[1]
    assert mend in sentence
    assert "\n" not in sentence
    assert sentence[-1] in ".?"


@pytest.mark.parametrize(
    ("overrides", "mend"),
    [
        ({"total": 1.0}, "did you mean 'total_s'?"),
        ({"total_s": 0}, "total_s must be seconds from 0.1 to 30; got 0."),
        ({"own_seeds": 1}, "own_seeds must be true or false; got 1."),
        ({"held_out_seed": -1}, "held_out_seed must be a whole number"),
        ({"stages": 3}, "stages must be a table; got 3."),
        ({"defaults": {"musical": 2}}, "[defaults] musical must be a share from 0 to 1; got 2."),
        ({"defaults": {"music": 1}}, "[defaults] there is no field 'music'; did you mean 'musical'?"),
    ],
)
def test_a_mistake_outside_of_the_stages_is_told_in_one_sentence(overrides: dict, mend: str) -> None:
    with pytest.raises(UsageError) as told:
        load_stages(TABLE, overrides=overrides)
    assert str(told.value).startswith("curriculum.toml with overrides: ")
    assert mend in str(told.value)


@pytest.mark.parametrize(
    ("content", "mend"),
    [
        (b"total_s = ", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        (b"# \n" * 500_000, "larger than 1 MiB"),
        (b"[stages]\n", "'total_s' is missing: add it."),
        ((TOP + "[stages]\n").encode(), "describe at least one stage."),
        ((TOP + WHOLE_STAGE.replace("bound = 0.2\n", "")).encode(), "stage 'one': the field 'bound' is missing"),
        ((TOP + WHOLE_STAGE.replace('"osc_a", "master.volume_db"', "")).encode(), "stage 'one': opens nothing"),
    ],
)
def test_a_file_that_is_no_curriculum_is_told_by_its_name(tmp_path: Path, content: bytes, mend: str) -> None:
    file = tmp_path / "own.toml"
    file.write_bytes(content)
    with pytest.raises(UsageError) as told:
        load_stages(TABLE, file)
    assert "own.toml" in str(told.value)
    assert mend in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Cannot read .*gone.toml: No such file"):
        load_stages(TABLE, tmp_path / "gone.toml")


def test_the_report_measures_a_stage(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(TOP + WHOLE_STAGE.replace("musical = 0.5", "musical = 1.0"))
    renderer = Renderer(threads=1)
    curriculum = Curriculum.from_file(file, renderer=renderer)
    numbers = stage_report.measure(curriculum, curriculum.stages[0], 12, seed=0)
    assert numbers.open == 18
    assert numbers.near < numbers.far
    assert 0.0 <= numbers.floor <= numbers.floor_95 < numbers.apart
    assert numbers.solved_all == numbers.solved_module == 1.0
    assert numbers.steps_all <= 5
    text = stage_report.table([numbers]).splitlines()
    assert text[0].split()[0] == "name"
    assert text[1].split()[0] == "one"
    assert len(text[0].split()) == len(text[1].split())
