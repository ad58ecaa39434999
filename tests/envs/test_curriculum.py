"""The curriculum draws tasks that can be solved inside their stage, and moves as the held-out targets tell."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from myna.audio.target import Target
from myna.envs.action import ActionConfig, ActionDecoder
from myna.envs.curriculum import Curriculum
from myna.envs.draws import PresetDraws
from myna.envs.oracle import Journey, oracle
from myna.envs.progress import Outcomes, Progress
from myna.envs.stages import Stage, load_stages
from myna.envs.task import TaskBatch
from myna.errors import MynaError, UsageError
from myna.features import TRAINING, Features, analyse
from myna.presets.generator import audible
from myna.seeding import generator
from myna.synth.base import Probe
from myna.synth.renderer import Renderer
from myna.synth.serum_lite.parameters import TABLE

STAGES = load_stages(TABLE).stages
DEFAULTS = TABLE.encode(TABLE.defaults)
TENSORS = ("target_u", "start_u", "open", "bound", "horizon", "stage")
each_stage = pytest.mark.parametrize("number", range(1, 7), ids=[stage.name for stage in STAGES])


def short(notes: Sequence[int] = (60,), **defaults) -> dict:
    """Overrides: sounds of 0.25 s, the same probes in every stage, few held-out targets."""
    probes = [{"notes": list(notes), "velocity": 100, "gate_s": 0.15}]
    stages = {stage.name: {"probe_sets": probes} for stage in STAGES}
    return {"total_s": 0.25, "defaults": {"held_out": 6, **defaults}, "stages": stages}


@pytest.fixture(scope="module")
def make(renderer: Renderer) -> Callable[..., Curriculum]:
    def build(overrides: dict | None = None, **settings) -> Curriculum:
        return Curriculum.from_file(overrides=overrides or short(), renderer=renderer, **settings)

    return build


@pytest.fixture(scope="module")
def samples(make) -> dict[int, TaskBatch]:
    """48 tasks of each stage."""
    curriculum = make()
    return {number: curriculum.sample(48, generator(0, "test", number), number) for number in range(1, 7)}


def assert_same(one: TaskBatch, other: TaskBatch) -> None:
    assert (one.names, one.probes) == (other.names, other.probes)
    for name in TENSORS:
        assert torch.equal(torch.nan_to_num(getattr(one, name)), torch.nan_to_num(getattr(other, name))), name
    for name, tensor in one.target.tensors().items():
        assert torch.equal(tensor, other.target.tensors()[name]), name


# Targets


@each_stage
def test_what_is_closed_sits_at_the_defaults_in_target_and_start(samples, number: int) -> None:
    tasks = samples[number]
    closed = ~torch.from_numpy(STAGES[number - 1].mask(TABLE)).expand(len(tasks), -1)
    assert torch.equal(tasks.open, ~closed)
    wanted = torch.from_numpy(DEFAULTS).expand(len(tasks), -1)[closed]
    assert torch.equal(tasks.target_u[closed], wanted)
    assert torch.equal(tasks.start_u[closed], wanted)


@each_stage
def test_every_open_parameter_varies_from_target_to_target(number: int) -> None:
    draws = PresetDraws(TABLE, STAGES)
    u = draws.targets([STAGES[number - 1]] * 100, generator(0, "vary").spawn(100))
    assert (np.ptp(u, axis=0) > 0.0)[STAGES[number - 1].mask(TABLE)].all()


@each_stage
def test_targets_can_be_heard(samples, renderer: Renderer, number: int) -> None:
    tasks = samples[number]
    audio = renderer.render(tasks.target_u.numpy(), tasks.probes)
    assert audible(audio[:, 0]).all()


def test_silent_draws_do_come_up_and_are_drawn_again(samples, renderer: Renderer) -> None:
    draws = PresetDraws(TABLE, STAGES)
    first = draws.targets([STAGES[2]] * 48, generator(0, "test", 3).spawn(48))
    assert not audible(renderer.render(first, Probe(60, 100, 0.15, 0.25))[:, 0]).all()
    assert audible(renderer.render(samples[3].target_u.numpy(), samples[3].probes)[:, 0]).all()


class Muted(Renderer):
    """A synth whose cable is out."""

    def render(self, *arguments, **settings) -> torch.Tensor:
        return torch.zeros_like(super().render(*arguments, **settings))


def test_a_stage_that_cannot_be_heard_is_told() -> None:
    curriculum = Curriculum.from_file(overrides=short(), renderer=Muted(threads=1))
    with pytest.raises(MynaError, match=r"^2 targets of filter stayed silent after 64 draws: open a sound source\.$"):
        curriculum.sample(2, generator(0, "muted"), 2)


def note(**fields) -> dict:
    return {"notes": [60], "velocity": 1, "gate_s": 0.15, **fields}


@each_stage
def test_targets_are_the_canonical_one_of_twins(samples, number: int) -> None:
    target_u = samples[number].target_u.numpy()
    assert np.abs(TABLE.canonical(target_u) - target_u).max() < 1e-9


def test_targets_are_canonical_where_the_pitch_that_orders_oscillators_is_closed() -> None:
    knobs = [f"osc_{o}.{knob}" for o in "ab" for knob in ("on", "position", "level")]
    stages = load_stages(TABLE, overrides={"stages": {"oscillators": {"opens": knobs}}}).stages
    u = PresetDraws(TABLE, stages).targets(stages[:1] * 200, generator(0, "pairs").spawn(200))
    assert np.abs(TABLE.canonical(u) - u).max() < 1e-9
    assert len(np.unique(u[:, TABLE.index["osc_a.position"]])) > 150


def test_where_one_oscillator_alone_is_open_it_stays_that_one(make) -> None:
    overrides = short()
    overrides["stages"]["oscillators"]["opens"] = ["osc_b", "master.volume_db"]
    tasks = make(overrides).sample(32, generator(0, "one"), 1)
    assert torch.equal(tasks.target_u[~tasks.open], torch.from_numpy(DEFAULTS).expand(32, -1)[~tasks.open])
    position = tasks.target_u[:, TABLE.index["osc_b.position"]]
    assert not (position == DEFAULTS[TABLE.index["osc_a.position"]]).any()  # as the other twin would have it


@each_stage
def test_presets_are_snapped(samples, number: int) -> None:
    for u in (samples[number].target_u.numpy(), samples[number].start_u.numpy()):
        assert np.abs(TABLE.snap(u) - u).max() < 1e-12
        assert u.min() >= 0.0 and u.max() <= 1.0


def test_targets_are_analysed_as_they_sound(samples, renderer: Renderer) -> None:
    tasks = samples[6]
    heard = analyse(renderer.render(tasks.target_u.numpy(), tasks.probes), renderer.sample_rate, TRAINING)
    for name, tensor in heard.tensors().items():
        assert torch.equal(tensor, tasks.target.tensors()[name]), name


@pytest.mark.parametrize(("musical", "least", "most"), [(1.0, 0.0, 0.2), (0.0, 0.9, 1.0)])
def test_the_share_of_musical_targets_is_kept(make, musical: float, least: float, most: float) -> None:
    # Uniform presets wait before the attack; people's do not.
    tasks = make(short(musical=musical)).sample(24, generator(0, "musical"), 3)
    waits = tasks.target_u[:, TABLE.index["env_2.delay_s"]] > 0.0
    assert least <= waits.double().mean() <= most


def test_targets_with_seeds_of_their_own_differ_from_the_renderers(make, renderer: Renderer) -> None:
    tasks = make(short() | {"own_seeds": True}).sample(24, generator(0, "own"), 4)
    rendered = analyse(renderer.render(tasks.target_u.numpy(), tasks.probes), renderer.sample_rate, TRAINING)
    differ = (rendered.mels[0] != tasks.target.mels[0]).flatten(1).any(1)
    assert 0.1 < differ.double().mean() < 1.0  # a plain preset has nothing random in it


# Bits


def test_a_task_depends_on_its_own_generator_alone(make) -> None:
    curriculum = make()
    roots = [generator(7, "env", index, 0) for index in range(12)]
    together = curriculum.sample_each(roots, 5)
    for index in (0, 4, 11):
        assert_same(curriculum.sample_each([generator(7, "env", index, 0)], 5), together[index])


def test_the_same_generator_gives_the_same_tasks_and_then_others(make) -> None:
    curriculum, rng = make(), generator(3, "train")
    first, second = curriculum.sample(6, rng), curriculum.sample(6, rng)
    assert_same(first, make().sample(6, generator(3, "train")))
    assert not torch.equal(first.target_u, second.target_u)


def test_more_tasks_begin_with_the_same_ones(make) -> None:
    curriculum = make()
    few, many = (curriculum.sample(n, generator(4, "more")) for n in (3, 9))
    assert_same(few, many[:3])


def test_global_random_state_is_left_alone(make) -> None:
    numpy_before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    make().sample(4, generator(0, "global"))
    assert np.array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_before)


# Probes, bounds and horizons


def test_probe_sets_are_all_played(make) -> None:
    overrides = short()
    overrides["stages"]["oscillators"]["probe_sets"] = [note(notes=[n], velocity=100) for n in (48, 60, 72)]
    tasks = make(overrides).sample(30, generator(0, "sets"), 1)
    assert {own[0].note_midi for own in tasks.probes} == {48.0, 60.0, 72.0}


def test_four_notes_are_four_sounds_of_one_task(make, renderer: Renderer) -> None:
    tasks = make(short(notes=(36, 48, 60, 72))).sample(3, generator(0, "chord"), 6)
    assert tasks.target.shape == (3, 4)
    audio = renderer.render(tasks.target_u.numpy(), [list(own) for own in tasks.probes])
    assert torch.equal(analyse(audio, renderer.sample_rate, TRAINING).mels[0], tasks.target.mels[0])
    assert audible(audio.reshape(12, 2, -1)).all()


@pytest.mark.parametrize("mode", ["all", "module"])
def test_bound_and_horizon_are_the_stages_own(make, mode: str) -> None:
    tasks = make(mode=mode).sample(2, generator(0, "mode"), 6)
    assert tasks.horizon.tolist() == [STAGES[5].horizon[mode]] * 2
    assert tasks.bound.tolist() == [STAGES[5].bound] * 2


@each_stage
@pytest.mark.parametrize("mode", ["all", "module"])
def test_the_oracle_arrives_within_the_horizon_in_95_of_100_tasks(number: int, mode: str) -> None:
    stage, count = STAGES[number - 1], 500
    draws, rngs = PresetDraws(TABLE, STAGES), generator(0, "oracle", number).spawn(count)
    target = draws.targets([stage] * count, rngs)
    start = draws.near(target, [stage] * count, np.full(count, stage.distance[1]), rngs)
    start[: count // 2] = DEFAULTS
    open = torch.from_numpy(draws.open([stage] * count))
    bound = torch.full((count,), stage.bound, dtype=torch.float64)
    decoder = ActionDecoder(TABLE, ActionConfig(mode))
    raw_u = u = torch.from_numpy(start)
    goal = torch.from_numpy(target)
    for _ in range(stage.horizon[mode]):
        raw_u, u, _ = decoder.apply(raw_u, u, oracle(decoder, Journey(raw_u, u, goal, open, bound)), open, bound)
    there = (u - goal).abs().amax(1) < 1e-6
    assert there.double().mean() >= 0.95


# Starts


def starts(default: float = 0.0, near: float = 0.0, retrieved: float = 0.0) -> dict:
    return {"default": default, "near": near, "retrieved": retrieved}


def test_default_starts_are_the_default_preset(make) -> None:
    tasks = make(short(starts=starts(default=1.0))).sample(4, generator(0, "start"), 6)
    assert torch.equal(tasks.start_u, torch.from_numpy(DEFAULTS).expand(4, -1))


def test_near_starts_lie_as_far_as_the_distance_says() -> None:
    draws, stages, rngs = PresetDraws(TABLE, STAGES), [STAGES[5]] * 200, generator(0, "near").spawn(200)
    target = draws.targets(stages, rngs)
    way = []
    for distance in (0.0, 0.1, 0.5, 1.0):
        near = draws.near(target, stages, np.full(200, distance), generator(1, "near").spawn(200))
        way.append(float(np.abs(near - target)[:, ~TABLE.discrete].mean()))
        assert np.abs(TABLE.snap(near) - near).max() < 1e-12
    assert way[0] == 0.0
    assert way[1:] == pytest.approx([0.1 * way[3], 0.5 * way[3], way[3]])
    assert way[3] > 0.1


def test_near_starts_change_choices_with_that_chance() -> None:
    draws, stages, rngs = PresetDraws(TABLE, STAGES), [STAGES[5]] * 200, generator(0, "near").spawn(200)
    target = draws.targets(stages, rngs)
    some, all_ = (
        draws.near(target, stages, np.full(200, d), generator(1, "near").spawn(200)) != target for d in (0.25, 1.0)
    )
    assert some[:, TABLE.categorical].sum() / all_[:, TABLE.categorical].sum() == pytest.approx(0.25, abs=0.03)


def test_near_starts_go_farther_while_the_stage_is_learnt(make) -> None:
    curriculum = make(short(starts=starts(near=1.0), ramp_episodes=100, earlier=0.0))
    ends = []
    for _ in range(2):
        tasks = curriculum.sample(16, generator(0, "ramp"))
        ends.append(float((tasks.start_u - tasks.target_u).abs().mean()))
        curriculum.update(Outcomes([1] * 10_000, [0.5] * 10_000))
    assert curriculum.distance == 1.0
    assert ends[1] > 4.0 * ends[0]


def test_a_stage_that_is_asked_for_is_at_its_full_distance(make) -> None:
    tasks = make(short(starts=starts(near=1.0))).sample(3, generator(0, "asked"), 1)
    assert all(name.endswith("from near (1.00)") for name in tasks.names)


def bank(u: np.ndarray, heard: list) -> Callable:
    def retrieve(features: Features, probe: Probe, count: int) -> np.ndarray:
        heard.append((features, probe, count))
        return u[:count]

    return retrieve


def test_retrieved_starts_come_from_the_bank_and_are_put_inside_the_stage(make) -> None:
    heard: list = []
    u = TABLE.sample(20, generator(0, "bank"))
    curriculum = make(short(starts=starts(retrieved=1.0)), retrieve=bank(u, heard))
    tasks = curriculum.sample(12, generator(0, "start"), 2)
    among = PresetDraws(TABLE, STAGES).inside(u[:8], [STAGES[1]] * 8)
    found = [np.flatnonzero((among == start).all(1)) for start in tasks.start_u.numpy()]
    assert all(len(rows) == 1 for rows in found)
    assert len({int(rows[0]) for rows in found}) > 2
    features, probe, count = heard[3]
    assert (probe, count) == (tasks.probes[3][0], 8)
    assert torch.equal(features.mels[0], tasks.target.mels[0][3:4, 0])


def test_without_a_bank_the_other_kinds_share_what_is_meant_for_it(make) -> None:
    tasks = make(short(starts=starts(default=0.1, near=0.1, retrieved=0.8))).sample(40, generator(0, "share"), 1)
    defaults = sum(name.endswith("from default") for name in tasks.names)
    assert sum(" from near " in name for name in tasks.names) == 40 - defaults
    assert 10 <= defaults <= 30


@pytest.mark.parametrize("given", [np.zeros((9, 145)), np.zeros((0, 145)), np.zeros((2, 3)), np.zeros(145)])
def test_a_bank_that_gives_something_else_is_told(make, given: np.ndarray) -> None:
    curriculum = make(short(starts=starts(retrieved=1.0)), retrieve=lambda *_: given)
    with pytest.raises(UsageError, match="`retrieve` must give 1 to 8 presets of 145 values"):
        curriculum.sample(1, generator(0, "bad"), 1)


def test_starts_from_a_bank_alone_need_one(make) -> None:
    with pytest.raises(UsageError, match="give `retrieve` a bank"):
        make(short(starts=starts(retrieved=1.0)))


# Recordings


def recording() -> Target:
    time_s = np.arange(8820) / 44_100
    audio = np.repeat(0.25 * np.sin(2 * np.pi * 220 * time_s)[None].astype(np.float32), 2, axis=0)
    return Target(audio, 44_100, "a3", 57.0, 90, 0.2, 0.2, 0.0, True)


def test_a_share_of_the_tasks_comes_from_recordings(make) -> None:
    overrides = short(recordings=0.5)
    overrides["stages"]["effects"]["recordings"] = 0.5
    tasks = make(overrides, recordings=[recording()]).sample(40, generator(0, "recordings"), 6)
    recorded = ~tasks.known
    assert 10 <= recorded.sum() <= 30
    row = int(recorded.nonzero()[0])
    assert tasks.names[row].startswith("a3, from ")
    assert tasks.probes[row] == (Probe(57.0, 90.0, 0.2, 0.25),)
    assert (tasks.stage == 6).all()
    assert torch.equal(tasks.start_u[recorded], torch.from_numpy(DEFAULTS).expand(int(recorded.sum()), -1))


def test_recordings_and_presets_come_in_the_order_of_their_generators(make) -> None:
    curriculum = make(short(recordings=0.5), recordings=[recording()])
    together = curriculum.sample_each([generator(0, "mixed", i) for i in range(8)], 2)
    assert 0 < together.known.sum() < 8
    for i in range(8):
        assert_same(curriculum.sample_each([generator(0, "mixed", i)], 2), together[i])


def test_presets_take_the_place_of_recordings_that_are_not_there(make) -> None:
    assert make(short(recordings=1.0)).sample(3, generator(0, "none"), 2).known.all()


def test_audio_is_kept_on_request(make, renderer: Renderer) -> None:
    overrides = short(recordings=0.5)
    tasks = make(overrides, recordings=[recording()], keep_audio=True).sample(12, generator(0, "audio"), 2)
    assert tasks.target_audio is not None
    known = tasks.known.numpy()
    assert 0 < known.sum() < 12
    probes = [own for own, is_preset in zip(tasks.probes, known, strict=True) if is_preset]
    assert np.array_equal(tasks.target_audio[known], renderer.render(tasks.target_u[known].numpy(), probes))
    assert np.array_equal(tasks.target_audio[~known][0, 0, :, :8820], recording().audio)
    assert make().sample(1, generator(0, "bare")).target_audio is None


# Stages


def test_earlier_stages_keep_their_share(make) -> None:
    tasks = make(short(earlier=0.4), stage=3).sample(60, generator(0, "earlier"))
    counts = torch.bincount(tasks.stage, minlength=4)[1:].tolist()
    assert counts[0] + counts[1] == pytest.approx(24, abs=9)
    assert counts[0] > 3 and counts[1] > 3


def test_the_first_stage_has_no_earlier_ones(make) -> None:
    assert (make(short(earlier=1.0)).sample(8, generator(0, "first")).stage == 1).all()


@pytest.mark.parametrize("number", [0, 7, -1, True])
def test_a_stage_that_is_not_there_is_told(make, number: int) -> None:
    with pytest.raises(UsageError, match="choose from 1 to 6"):
        make(stage=number)
    with pytest.raises(UsageError, match="choose from 1 to 6"):
        make().held_out(number)


def test_an_unknown_mode_or_no_tasks_are_told(make) -> None:
    with pytest.raises(UsageError, match="must be one of all, module; got 'some'"):
        make(mode="some")
    with pytest.raises(UsageError, match="At least 1 task"):
        make().sample(0, generator(0, "nothing"))


# Held-out targets


def test_held_out_targets_are_fixed_whatever_was_drawn_or_learnt(make) -> None:
    one, other = make(), make(stage=4)
    other.sample(5, generator(0, "before"))
    other.update(Outcomes([4] * 50_000, [0.1] * 50_000))
    assert_same(one.held_out(4), other.held_out(4))
    assert len(one.held_out(4)) == 6


def test_held_out_targets_are_no_training_targets(make, samples) -> None:
    held_out = make().held_out(1).target_u
    assert not torch.equal(make().sample(6, generator(0, "curriculum"), 1).target_u, held_out)
    assert (torch.cdist(held_out, samples[1].target_u) > 0.01).all()


def test_another_held_out_seed_or_stage_gives_other_targets(make) -> None:
    curriculum = make()
    other = make(short() | {"held_out_seed": 1})
    assert not torch.equal(curriculum.held_out(2).target_u, other.held_out(2).target_u)
    assert not torch.equal(curriculum.held_out(2).target_u, curriculum.held_out(1).target_u)


def test_the_stage_before_is_judged_too(make) -> None:
    assert make().held_out().stage.tolist() == [1] * 6
    assert make(stage=3).held_out().stage.tolist() == [2] * 6 + [3] * 6


def test_recordings_do_not_judge(make) -> None:
    curriculum = make(short(recordings=1.0), recordings=[recording()])
    assert curriculum.held_out(2).known.all()


# Promotion and demotion


@pytest.fixture
def progress() -> Progress:
    fields = {"promotion": {"below": 0.2, "after": 2}, "demotion": {"above": 0.4, "after": 2}, "ramp_episodes": 100}
    stages: tuple[Stage, ...] = load_stages(TABLE, overrides={"stages": {s.name: fields for s in STAGES}}).stages
    return Progress(stages, 2)


def evaluate(progress: Progress, before: float | None, current: float | None) -> int:
    """One evaluation with these medians of the stage before and the current one; the stage after it."""
    losses = [(progress.stage - 1, before), (progress.stage, current)]
    rows = [(stage, loss + jitter) for stage, loss in losses if loss is not None for jitter in (-0.05, 0.0, 0.05)]
    progress.update(Outcomes([stage for stage, _ in rows], [loss for _, loss in rows], held_out=True))
    return progress.stage


def test_it_moves_on_after_as_many_good_evaluations_in_a_row_as_it_takes(progress: Progress) -> None:
    assert [evaluate(progress, 0.1, loss) for loss in (0.15, 0.25, 0.2, 0.19)] == [2, 2, 2, 3]


def test_after_a_move_the_count_begins_anew(progress: Progress) -> None:
    assert [evaluate(progress, 0.1, 0.1) for _ in range(4)] == [2, 3, 3, 4]


def test_it_goes_back_when_the_stage_before_is_unlearnt(progress: Progress) -> None:
    assert [evaluate(progress, loss, 0.9) for loss in (0.5, 0.3, 0.5, 0.5)] == [2, 2, 2, 1]


def test_between_the_thresholds_it_stays_for_ever(progress: Progress) -> None:
    assert {evaluate(progress, 0.3, 0.3) for _ in range(20)} == {2}


def test_a_loss_that_wavers_about_a_threshold_does_not_make_it_flicker(progress: Progress) -> None:
    assert {evaluate(progress, 0.35 + 0.1 * (i % 2), 0.15 + 0.1 * (i % 2)) for i in range(20)} == {2}


def test_what_is_unlearnt_counts_more_than_what_is_learnt(progress: Progress) -> None:
    assert [evaluate(progress, 0.9, 0.1) for _ in range(2)] == [2, 1]


def test_a_stage_that_was_not_played_neither_passes_nor_fails(progress: Progress) -> None:
    assert evaluate(progress, None, 0.1) == 2
    assert evaluate(progress, 0.1, None) == 2
    assert evaluate(progress, None, 0.1) == 3


def test_the_first_stage_has_none_to_go_back_to_and_the_last_none_to_go_on_to(progress: Progress) -> None:
    progress.stage = 1
    assert {evaluate(progress, 0.9, 0.9) for _ in range(5)} == {1}
    progress.stage = 6
    assert {evaluate(progress, 0.1, 0.1) for _ in range(5)} == {6}


def test_the_median_decides_so_that_a_few_failures_are_forgiven(progress: Progress) -> None:
    losses = [0.1] * 5 + [9.0, np.nan, np.inf, 9.0]
    for _ in range(2):
        progress.update(Outcomes([2] * 9, losses, held_out=True))
    assert progress.stage == 3


def test_broken_episodes_count_as_the_worst(progress: Progress) -> None:
    for _ in range(2):
        progress.update(Outcomes(torch.full((6,), 1), torch.tensor([0.1, 0.1, 0.1, *[torch.nan] * 3]), held_out=True))
    assert progress.stage == 1


def test_training_episodes_move_nothing_but_the_ramp(progress: Progress) -> None:
    for _ in range(5):
        progress.update(Outcomes(np.array([1, 2, 2]), np.array([0.0, 0.0, 0.0])))
    assert (progress.stage, progress.episodes) == (2, 10)
    assert evaluate(progress, 0.1, 0.1) == 2


def test_a_new_stage_ramps_from_the_beginning(progress: Progress) -> None:
    progress.update(Outcomes([2] * 10, [0.1] * 10))
    assert [evaluate(progress, 0.1, 0.1) for _ in range(2)] == [2, 3]
    assert progress.episodes == 0


@pytest.mark.parametrize("losses", [[0.1], [[0.1, 0.2]]])
def test_outcomes_that_do_not_fit_are_told(progress: Progress, losses: list) -> None:
    with pytest.raises(UsageError, match="one loss per stage"):
        progress.update(Outcomes([2, 2], losses))


# State


def test_the_state_survives_json_and_goes_on_as_before(make) -> None:
    curriculum, other = make(stage=2), make()
    curriculum.update(Outcomes([2] * 500, [0.3] * 500))
    curriculum.update(Outcomes([1, 2], [0.3, 0.1], held_out=True))
    state = json.loads(json.dumps(curriculum.state_dict(), allow_nan=False))
    assert state["median"] == {"oscillators": 0.3, "filter": 0.1}
    other.load_state_dict(state)
    assert other.state_dict() == curriculum.state_dict()
    assert_same(other.sample(4, generator(0, "go on")), curriculum.sample(4, generator(0, "go on")))
    for one in (curriculum, other):
        for _ in range(2):
            one.update(Outcomes([2], [0.1], held_out=True))
    assert (curriculum.stage, other.stage) == (3, 3)


def test_a_median_that_is_infinite_does_not_get_into_the_state(progress: Progress) -> None:
    evaluate(progress, 0.1, np.inf)
    assert json.loads(json.dumps(progress.state_dict(), allow_nan=False))["median"] == {"oscillators": 0.1}


@pytest.mark.parametrize(
    ("change", "mend"),
    [
        ({"stages": ["one"]}, "use the config it had"),
        ({"stage": 9}, "there are stages 1 to 6"),
        ({"stage": 0}, "there are stages 1 to 6"),
        ({"episodes": -1}, "damaged"),
        ({"below": 1.5}, "damaged"),
        ({"above": True}, "damaged"),
        ({"median": {"nowhere": 1.0}}, "damaged"),
        ({"median": {"filter": "low"}}, "damaged"),
        ({"median": 3}, "damaged"),
    ],
)
def test_a_state_that_does_not_fit_is_told_and_changes_nothing(progress: Progress, change: dict, mend: str) -> None:
    before = progress.state_dict()
    with pytest.raises(UsageError, match=mend):
        progress.load_state_dict({**before, **change})
    assert progress.state_dict() == before
