"""Actions move what is open, as far as the bound lets them, and nothing ever gets stuck."""

from __future__ import annotations

import doctest
from collections.abc import Iterator

import gymnasium
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from myna.envs import action, action_layout, snapping
from myna.envs.action import ActionConfig, ActionDecoder, Move
from myna.envs.snapping import TorchTable
from myna.errors import UsageError
from myna.params import Parameter, ParameterTable
from myna.seeding import generator
from myna.synth.serum_lite.parameters import TABLE

P = len(TABLE)
CONFIGS = [ActionConfig(mode, absolute) for mode in ("all", "module") for absolute in (False, True)]
DECODERS = {config: ActionDecoder(TABLE, config) for config in CONFIGS}
STEPS = {config: decoder for config, decoder in DECODERS.items() if not config.absolute}
each_decoder = pytest.mark.parametrize(
    "decoder", DECODERS.values(), ids=lambda d: f"{d.config.mode}-{d.config.absolute}"
)
each_step_decoder = pytest.mark.parametrize("decoder", STEPS.values(), ids=lambda d: d.config.mode)
a_decoder = st.sampled_from(CONFIGS).map(DECODERS.__getitem__)
seeds = st.integers(0, 2**32 - 1)


def presets(count: int, rng: np.random.Generator) -> torch.Tensor:
    return torch.from_numpy(TABLE.sample(count, rng))


def masks(count: int, rng: np.random.Generator) -> torch.Tensor:
    return torch.from_numpy(rng.random((count, P)) < rng.random((count, 1)))


def flat_actions(decoder: ActionDecoder, count: int, rng: np.random.Generator) -> torch.Tensor:
    return torch.from_numpy(rng.uniform(-1.0, 1.0, (count, decoder.layout.size)).astype(np.float32))


def head_actions(decoder: ActionDecoder, count: int, rng: np.random.Generator) -> dict[str, torch.Tensor]:
    layout = decoder.layout
    delta = rng.uniform(-1.0, 1.0, (count, len(layout.ordered))).astype(np.float32)
    heads = {"delta": torch.from_numpy(delta)}
    heads["choice"] = torch.from_numpy(rng.integers(0, layout.options + 1, (count, len(layout.options))))
    if decoder.config.mode == "module":
        heads["module"] = torch.from_numpy(rng.integers(0, len(TABLE.modules), count))
    return heads


def everything(count: int) -> torch.Tensor:
    return torch.ones((count, P), dtype=torch.bool)


def bounds(count: int, value: float = 0.1) -> torch.Tensor:
    return torch.full((count,), value, dtype=torch.float64)


def one_parameter(decoder: ActionDecoder, name: str, delta: float = 0.0, choice: int = 0) -> dict[str, torch.Tensor]:
    """Heads that ask for one change and no other."""
    heads = decoder.hold(torch.zeros((1, P), dtype=torch.float64))
    column = TABLE.index[name]
    if TABLE.categorical[column]:
        heads["choice"][0, decoder.layout.choices.tolist().index(column)] = choice
    else:
        heads["delta"][0, decoder.layout.ordered.tolist().index(column)] = delta
    if "module" in heads:
        heads["module"][0] = TABLE.modules.index(TABLE[name].module)
    return heads


# The twin of the table


@pytest.mark.parametrize("module", [action, action_layout, snapping])
def test_the_worked_examples_hold(module) -> None:
    assert doctest.testmod(module).failed == 0


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_the_torch_twin_has_the_bits_of_the_table(seed: int) -> None:
    rng = generator(seed, "twin")
    twin, u = TorchTable(TABLE), rng.random((20, P)) * rng.choice([1.0, 1.5], (20, 1)) - rng.choice([0.0, 0.2])
    tensor = torch.from_numpy(u)
    values = TABLE.decode(u)
    assert np.array_equal(twin.snap(tensor).numpy(), TABLE.snap(u))
    assert np.array_equal(twin.decode(tensor).numpy(), values)
    assert np.array_equal(twin.encode(torch.from_numpy(values)).numpy(), TABLE.encode(values))


def test_the_torch_twin_snaps_the_edges_of_every_bin_as_the_table_does() -> None:
    edges = np.concatenate([np.arange(n + 1) / n for n in sorted(set(TABLE.steps) - {0})])
    near = np.concatenate([edges, np.nextafter(edges, -1.0), np.nextafter(edges, 2.0)])
    u = np.repeat(near[:, None], P, axis=1)
    assert np.array_equal(TorchTable(TABLE).snap(torch.from_numpy(u)).numpy(), TABLE.snap(u))


def test_the_torch_twin_names_a_wrong_width() -> None:
    with pytest.raises(UsageError, match="has 145 parameters"):
        TorchTable(TABLE).snap(torch.zeros(2, 7))


# What an action does, against a slow reference that knows one parameter at a time


def reference(decoder: ActionDecoder, raw: np.ndarray, u: np.ndarray, heads, open: np.ndarray, bound: float) -> Move:
    """One environment, parameter by parameter, in plain Python."""
    raw, u, moved = raw.copy(), u.copy(), np.zeros(P)
    for p, knob in enumerate(TABLE.parameters):
        if not open[p] or ("module" in heads and TABLE.modules[int(heads["module"])] != knob.module):
            continue
        if knob.kind in ("continuous", "integer"):
            delta = float(heads["delta"][decoder.layout.ordered.tolist().index(p)])
            wanted = (delta + 1.0) / 2.0 if decoder.config.absolute else raw[p] + delta * bound
            wanted = min(max(wanted, 0.0), 1.0)
            moved[p], raw[p], u[p] = wanted - raw[p], wanted, float(knob.snap(wanted))
            continue
        pick = int(heads["choice"][decoder.layout.choices.tolist().index(p)])
        chosen = float(knob.encode(knob.low + pick - 1)) if pick else u[p]
        moved[p], raw[p], u[p] = bound * (chosen != u[p]), chosen, chosen
    return Move(*map(torch.from_numpy, (raw, u, moved)))


@given(a_decoder, seeds, st.booleans())
@settings(max_examples=25, deadline=None)
def test_random_sequences_do_what_the_slow_reference_does_and_break_no_rule(decoder, seed: int, flat: bool) -> None:
    rng = generator(seed, "sequence")
    raw, open = presets(3, rng), masks(3, rng)
    u = raw.clone()
    bound = torch.from_numpy(rng.uniform(0.001, 1.0, 3))
    for _ in range(8):
        asked = flat_actions(decoder, 3, rng) if flat else head_actions(decoder, 3, rng)
        heads = decoder.to_heads(asked, open)
        move = decoder.apply(raw, u, asked, open, bound)
        for b in range(3):
            own = {head: value[b].numpy() for head, value in heads.items()}
            slow = reference(decoder, raw[b].numpy(), u[b].numpy(), own, open[b].numpy(), float(bound[b]))
            assert all(torch.equal(x[b], y) for x, y in zip(move, slow, strict=True))
        assert ((move.raw_u >= 0.0) & (move.raw_u <= 1.0)).all()
        assert torch.equal(move.u, torch.from_numpy(TABLE.snap(move.u.numpy())))
        assert torch.equal(move.u, decoder.twin.snap(move.raw_u))
        assert torch.equal(move.u[~open], u[~open])
        if not decoder.config.absolute:
            assert (move.moved.abs() <= bound[:, None] + 1e-12).all()
        if "module" in heads:
            others = decoder.module_of != heads["module"][:, None]
            assert torch.equal(move.u[others], u[others])
        raw, u = move.raw_u, move.u


@each_decoder
def test_a_closed_module_is_untouched_in_a_thousand_random_steps(decoder: ActionDecoder) -> None:
    rng = generator(0, "closed")
    open = torch.from_numpy(np.tile(TABLE.mask(["osc_a", "filter", "matrix"]), (4, 1)))
    raw = u = start = presets(4, rng)
    for _ in range(1000):
        raw, u, _ = decoder.apply(raw, u, flat_actions(decoder, 4, rng), open, bounds(4))
    assert torch.equal(u[~open], start[~open])
    assert torch.equal(raw[~open], start[~open])
    assert not torch.equal(u[open], start[open])


@each_decoder
def test_the_inputs_are_left_as_they_were(decoder: ActionDecoder) -> None:
    rng = generator(0, "pure")
    given = [presets(2, rng), presets(2, rng), flat_actions(decoder, 2, rng), masks(2, rng), bounds(2)]
    before = [tensor.clone() for tensor in given]
    decoder.apply(*given)
    assert all(torch.equal(a, b) for a, b in zip(given, before, strict=True))


@each_decoder
def test_an_environment_moves_the_same_way_alone_and_among_others(decoder: ActionDecoder) -> None:
    rng = generator(0, "alone")
    parts = [presets(16, rng), presets(16, rng), flat_actions(decoder, 16, rng), masks(16, rng), bounds(16)]
    together = decoder.apply(*parts)
    alone = decoder.apply(*(part[5:6] for part in parts))
    assert all(torch.equal(a[5:6], b) for a, b in zip(together, alone, strict=True))


# Never stuck


@each_step_decoder
@pytest.mark.parametrize("name", [p.name for p in TABLE.parameters if p.kind == "integer"])
def test_an_integer_reaches_every_value_in_steps_of_a_hundredth(decoder: ActionDecoder, name: str) -> None:
    column, knob = TABLE.index[name], TABLE[name]
    raw = u = torch.from_numpy(TABLE.snap(np.zeros((1, P))))
    seen = set()
    for _ in range(110):
        seen.add(round(float(knob.decode(u[0, column]))))
        heads = one_parameter(decoder, name, delta=0.1)
        raw, u, moved = decoder.apply(raw, u, heads, everything(1), bounds(1, 0.1))
        assert float(moved[0, column]) <= 0.01 + 1e-9
    assert seen == set(range(round(knob.low), round(knob.high) + 1))


@each_step_decoder
@pytest.mark.parametrize("name", [p.name for p in TABLE.parameters if p.kind == "boolean"])
def test_a_switch_goes_on_and_off_again(decoder: ActionDecoder, name: str) -> None:
    column = TABLE.index[name]
    raw = u = torch.from_numpy(TABLE.snap(np.zeros((1, P))))
    for pick, value in ((2, 1.0), (0, 1.0), (1, 0.0), (1, 0.0), (2, 1.0)):
        heads = one_parameter(decoder, name, choice=pick)
        raw, u, _ = decoder.apply(raw, u, heads, everything(1), bounds(1))
        assert float(TABLE[name].decode(u[0, column])) == value


@each_step_decoder
def test_every_option_of_every_choice_can_be_taken_at_once(decoder: ActionDecoder) -> None:
    raw = u = torch.from_numpy(TABLE.snap(np.zeros((1, P))))
    for column in decoder.layout.choices:
        for option in range(TABLE.steps[column]):
            heads = one_parameter(decoder, TABLE.names[column], choice=option + 1)
            after = decoder.apply(raw, u, heads, everything(1), bounds(1)).u
            assert float(TABLE.parameters[column].decode(after[0, column])) == option


def test_a_knob_at_its_end_stays_there_and_comes_back_at_once() -> None:
    decoder = STEPS[ActionConfig("all")]
    column = TABLE.index["filter.resonance"]
    raw = u = torch.from_numpy(TABLE.snap(np.ones((1, P))))
    up, down = (one_parameter(decoder, "filter.resonance", delta=sign) for sign in (1.0, -1.0))
    for _ in range(5):
        raw, u, moved = decoder.apply(raw, u, up, everything(1), bounds(1))
        assert not moved.any()
    assert float(decoder.apply(raw, u, down, everything(1), bounds(1)).u[0, column]) == pytest.approx(0.9)


# What moving costs


def test_a_changed_choice_costs_a_whole_step_and_the_same_choice_again_nothing() -> None:
    decoder = STEPS[ActionConfig("all")]
    raw = u = torch.from_numpy(TABLE.snap(np.zeros((1, P))))
    heads = one_parameter(decoder, "osc_a.table", choice=7)
    first = decoder.apply(raw, u, heads, everything(1), bounds(1, 0.1))
    assert float(first.effort()) == pytest.approx(0.01)
    assert float(decoder.apply(first.raw_u, first.u, heads, everything(1), bounds(1, 0.1)).effort()) == 0.0


@each_step_decoder
def test_effort_counts_integers_that_gather_and_nothing_that_is_closed(decoder: ActionDecoder) -> None:
    raw = u = torch.from_numpy(TABLE.snap(np.full((1, P), 0.5)))
    heads = one_parameter(decoder, "osc_a.semitone", delta=0.1)
    assert float(decoder.apply(raw, u, heads, everything(1), bounds(1)).effort()) == pytest.approx(1e-4, rel=1e-6)
    assert float(decoder.apply(raw, u, heads, ~everything(1), bounds(1)).effort()) == 0.0


@each_decoder
def test_holding_moves_nothing(decoder: ActionDecoder) -> None:
    u = presets(3, generator(0, "hold"))
    move = decoder.apply(u, u, decoder.hold(u), everything(3), bounds(3))
    assert torch.allclose(move.u, u, atol=1e-7, rtol=0.0)
    assert torch.equal(move.u, u) or decoder.config.absolute


@each_step_decoder
def test_small_numbers_keep_every_choice(decoder: ActionDecoder) -> None:
    rng = generator(0, "small")
    action = 0.4 * flat_actions(decoder, 8, rng)
    assert not decoder.to_heads(action)["choice"].any()
    plain = ActionDecoder(TABLE, ActionConfig(decoder.config.mode, keep_margin=0.0))
    assert plain.to_heads(action)["choice"].any()
    assert not plain.to_heads(torch.zeros_like(action))["choice"].any()


# The two forms


@given(a_decoder, seeds, st.sampled_from([0.0, 0.5, 1.0, 1.99]))
@settings(max_examples=30, deadline=None)
def test_heads_survive_the_flat_form_exactly(decoder: ActionDecoder, seed: int, margin: float) -> None:
    decoder = ActionDecoder(TABLE, ActionConfig(decoder.config.mode, decoder.config.absolute, margin))
    heads = head_actions(decoder, 5, generator(seed, "forms"))
    flat = decoder.to_flat(heads)
    assert flat.dtype == torch.float32 and bool((flat.abs() <= 1.0).all())
    back = decoder.to_heads(flat)
    assert back.keys() == heads.keys()
    assert all(torch.equal(back[head], heads[head]) for head in heads)


@given(a_decoder, seeds)
@settings(max_examples=20, deadline=None)
def test_both_forms_of_an_action_do_the_same(decoder: ActionDecoder, seed: int) -> None:
    rng = generator(seed, "same")
    raw, open, action = presets(4, rng), masks(4, rng), flat_actions(decoder, 4, rng)
    as_flat = decoder.apply(raw, raw, action, open, bounds(4))
    heads = decoder.to_heads(action, open)
    for form in (heads, decoder.to_flat(heads)):
        assert all(
            torch.equal(a, b) for a, b in zip(as_flat, decoder.apply(raw, raw, form, open, bounds(4)), strict=True)
        )


@each_decoder
def test_the_spaces_sample_valid_actions_in_both_forms(decoder: ActionDecoder) -> None:
    layout, raw = decoder.layout, presets(3, generator(0, "spaces"))
    for space in (layout.dict_space, layout.flat_space):
        batched = gymnasium.vector.utils.batch_space(space, 3)
        batched.seed(0)
        decoder.apply(raw, raw, batched.sample(), everything(3), bounds(3))
    heads = {head: value[0].numpy() for head, value in head_actions(decoder, 1, generator(0, "spaces")).items()}
    heads |= {"module": np.int64(heads["module"])} if "module" in heads else {}
    assert layout.dict_space.contains(heads)
    assert layout.flat_space.contains(decoder.to_flat({head: np.asarray([v]) for head, v in heads.items()})[0].numpy())


@each_decoder
def test_labels_name_every_entry_of_the_flat_form(decoder: ActionDecoder) -> None:
    layout = decoder.layout
    assert len(layout.labels) == len(set(layout.labels)) == layout.size
    assert [label.partition(":")[0] for label in layout.labels] == [
        head for head, where in layout.slices.items() for _ in range(where.stop - where.start)
    ]
    flat = -torch.ones((1, layout.size))
    flat[0, layout.labels.index("choice: filter.type notch")] = 1.0
    if decoder.config.mode == "module":
        flat[0, layout.labels.index("module: filter")] = 1.0
    raw = torch.from_numpy(TABLE.encode(TABLE.defaults)[None])
    after = decoder.apply(raw, raw, flat, everything(1), bounds(1)).u
    assert TABLE.to_dict(TABLE.decode(after[0].numpy()))["filter.type"] == "notch"


def test_a_flat_action_selects_only_modules_with_something_open() -> None:
    decoder = STEPS[ActionConfig("module")]
    rng = generator(0, "select")
    open = torch.from_numpy(np.tile(TABLE.mask(["sub", "noise"]), (200, 1)))
    picked = decoder.to_heads(flat_actions(decoder, 200, rng), open)["module"]
    assert {TABLE.modules[i] for i in picked.tolist()} == {"sub", "noise"}
    nothing = decoder.to_heads(flat_actions(decoder, 2, rng), ~everything(2))
    assert nothing["module"].tolist() == [0, 0]


# Masks


def changes_something(decoder: ActionDecoder, open: torch.Tensor, entry: int) -> bool:
    """Whether one entry of the flat form, at its lowest or highest, makes a difference to what happens."""
    starts = torch.from_numpy(TABLE.snap(np.stack([np.full(P, 0.3), np.full(P, 0.8)])))
    layout, owner = decoder.layout, int(decoder.layout.owner[entry])
    low = torch.where(torch.from_numpy(layout.owner == owner), -1.0, 0.0).repeat(2, 1)  # its rivals are low too
    if owner < 0:
        low[:, entry] = 1.0
        return bool(decoder.to_heads(low, open)["module"][0] == entry)
    if decoder.config.mode == "module":
        low[:, decoder.module_of[owner]] = 1.0
    if layout.labels[entry].endswith(" keep"):
        low[:, entry + 1] = 1.0  # something to outbid
    high = low.clone()
    high[:, entry] = 1.0
    a, b = (decoder.apply(starts, starts, flat, open, bounds(2)).raw_u for flat in (low, high))
    return not torch.equal(a, b)


@each_step_decoder
def test_exactly_the_live_entries_can_do_something(decoder: ActionDecoder) -> None:
    open = torch.from_numpy(np.tile(TABLE.mask(["sub"]) | (np.arange(P) % 7 == 0) & TABLE.mask(["matrix"]), (2, 1)))
    live = decoder.live(open)[0]
    assert live.shape == (decoder.layout.size,)
    assert [changes_something(decoder, open, entry) for entry in range(decoder.layout.size)] == live.tolist()


@each_step_decoder
def test_live_heads_are_the_live_entries_head_by_head(decoder: ActionDecoder) -> None:
    open = masks(6, generator(0, "live"))
    live, heads = decoder.live(open), decoder.live_heads(open)
    parts = {head: live[:, where] for head, where in decoder.layout.slices.items()}
    assert torch.equal(parts["delta"], heads["delta"])
    repeats = decoder.options + 1
    assert torch.equal(parts["choice"], heads["choice"].repeat_interleave(repeats, 1))
    assert heads.keys() == parts.keys()


# What bad input gets


def broken_actions(decoder: ActionDecoder) -> Iterator[tuple[object, str]]:
    size, heads = decoder.layout.size, head_actions(decoder, 2, generator(0, "bad"))
    for value in (torch.nan, torch.inf):
        flat = torch.zeros((2, size))
        flat[1, 3] = value
        yield flat, "must be finite"
        yield heads | {"delta": heads["delta"] * value}, "delta must be finite"
    yield torch.zeros((2, size - 1)), f"must have the shape .2, {size}."
    yield torch.zeros((3, size)), f"must have the shape .2, {size}."
    yield torch.zeros(size), f"must have the shape .2, {size}."
    yield np.array(["a", "b"]), "must be an array of numbers"
    yield None, "must be an array of numbers"
    yield {"delta": heads["delta"]}, "lacks .*choice"
    yield heads | {"choice": heads["choice"] + 100}, "option that does not exist"
    yield heads | {"choice": heads["choice"] - 100}, "option that does not exist"
    yield heads | {"choice": heads["choice"].to(torch.float32)}, "whole numbers"
    yield heads | {"choice": heads["choice"][:1]}, "whole numbers of shape"
    if "module" in heads:
        yield heads | {"module": heads["module"] + 17}, "option that does not exist"


@each_decoder
def test_an_action_that_makes_no_sense_gets_one_sentence(decoder: ActionDecoder) -> None:
    raw = presets(2, generator(0, "bad"))
    for bad, words in broken_actions(decoder):
        with pytest.raises(UsageError, match=words) as caught:
            decoder.apply(raw, raw, bad, everything(2), bounds(2))
        assert str(caught.value).count(".") >= 1 and "\n" not in str(caught.value)


@each_decoder
def test_numbers_out_of_range_are_clipped(decoder: ActionDecoder) -> None:
    rng = generator(0, "clip")
    raw, action = presets(2, rng), 3.0 * flat_actions(decoder, 2, rng)
    a = decoder.apply(raw, raw, action, everything(2), bounds(2))
    b = decoder.apply(raw, raw, action.clamp(-1.0, 1.0), everything(2), bounds(2))
    assert torch.equal(a.u, b.u)


def test_read_only_arrays_are_taken() -> None:
    decoder = STEPS[ActionConfig("all")]
    raw, action = presets(1, generator(0, "read")), np.zeros((1, decoder.layout.size), np.float32)
    action.flags.writeable = False
    assert torch.equal(decoder.apply(raw, raw, action, everything(1), bounds(1)).u, raw)


@pytest.mark.parametrize(
    ("change", "words"), [({"mode": "some"}, "one of all, module"), ({"keep_margin": 2.0}, "lie in")]
)
def test_a_config_that_makes_no_sense_gets_one_sentence(change, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ActionConfig(**change)


def test_a_table_without_choices_works() -> None:
    decoder = ActionDecoder(ParameterTable("toy", 1, [Parameter("osc.level", "continuous", 0, 1, 1)]))
    u = torch.tensor([[0.5]], dtype=torch.float64)
    heads = decoder.to_heads(decoder.to_flat(decoder.hold(u)))
    assert torch.equal(decoder.apply(u, u, heads, u > 0, bounds(1)).u, u)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@each_decoder
def test_a_graphics_card_moves_presets_as_the_processor_does(decoder: ActionDecoder) -> None:
    rng = generator(0, "cuda")
    parts = [presets(32, rng), presets(32, rng), flat_actions(decoder, 32, rng), masks(32, rng), bounds(32)]
    there = ActionDecoder(TABLE, decoder.config, "cuda")
    moves = there.apply(*(part.cuda() for part in parts))
    assert all(torch.equal(a.cpu(), b) for a, b in zip(moves, decoder.apply(*parts), strict=True))
