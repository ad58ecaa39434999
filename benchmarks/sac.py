"""Gradient updates per second of our SAC beside Stable-Baselines3's: `python benchmarks/sac.py [--json]`.

One thread on one CPU, in CPU time, sampling from the replay included; both take turns, and the ratios are of a turn's
two figures, so that a busy machine does to both what it does. Equal sizes: 512 numbers in, 40 out, 2 × 256 hidden,
batches of 256, one update of the actor per update of the critics.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import stable_baselines3
import torch
from stable_baselines3.common.logger import Logger
from timing import machine, pinned

from myna.agents.heads import ActionHeads
from myna.agents.networks import NetworkConfig, torch_generator
from myna.agents.replay import Batch, Episodes, Observed, Replay, ReplayConfig
from myna.agents.sac import SAC, SACConfig
from myna.envs.action_layout import ActionLayout
from myna.files import make_folder, write_atomic
from myna.seeding import generator
from myna.synth.serum_lite.parameters import TABLE

OBSERVED, ACTIONS, STORED, BATCH = 512, 40, 2000, 256
OURS = {
    "equal": SACConfig(networks=NetworkConfig(critic_norm=False)),
    "layer norm": SACConfig(),
    "hl-gauss": SACConfig(critic="hl-gauss"),
    "bf16": SACConfig(bf16=True),
}


class Nothing(gymnasium.Env):
    """Gives Stable-Baselines3 the spaces that it asks for."""

    observation_space = gymnasium.spaces.Box(-5.0, 5.0, (OBSERVED,), np.float32)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (ACTIONS,), np.float32)


def transitions() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Observations, actions, rewards and observations after them."""
    rng = generator(0, "benchmark", "sac")
    before, after = rng.standard_normal((2, STORED, OBSERVED), dtype=np.float32)
    actions = rng.uniform(-1.0, 1.0, (STORED, ACTIONS)).astype(np.float32)
    return before, actions, rng.standard_normal(STORED, dtype=np.float32), after


def theirs() -> Callable[[], Any]:
    """One update by Stable-Baselines3."""
    model = stable_baselines3.SAC("MlpPolicy", Nothing(), batch_size=BATCH, buffer_size=STORED, device="cpu", seed=0)
    model.set_logger(Logger(None, []))
    for before, action, reward, after in zip(*transitions(), strict=True):
        model.replay_buffer.add(
            before[None], after[None], action[None], np.array([reward]), np.zeros(1), [{"TimeLimit.truncated": False}]
        )
    return lambda: model.train(1, BATCH)


def ours(config: SACConfig) -> Callable[[], Any]:
    """One update by SAC of myna."""
    sac = SAC(config, {"all": (slice(0, OBSERVED), (OBSERVED,))}, ActionHeads(ACTIONS), seed=0)
    replay = Replay(
        ReplayConfig(2 * STORED, goals=0),
        {"observation": (torch.float32, (OBSERVED,))},
        {"delta": (torch.float32, (ACTIONS,))},
        {},
        lambda rows: Observed(rows.state["observation"]),
        torch_generator(0, "replay"),
    )
    before, actions, rewards, after = (torch.from_numpy(part) for part in transitions())
    no = torch.zeros(STORED, 1, dtype=torch.bool)
    ones = torch.ones(STORED, dtype=torch.int64)
    states = {"observation": torch.stack([before, after], 1)}
    replay.add(Episodes(ones, states, {"delta": actions[:, None]}, {}, {}, rewards[:, None, None], no[:, None], no))
    return lambda: sac.update(replay.sample(BATCH))


def whole_synth(encoder: str) -> Callable[[], Any]:
    """One update at the sizes of Serum-lite: three log-mel images and 800 numbers more in, all heads out."""
    images = {f"{i}.mel": (slice(i * 384, (i + 1) * 384), (12, 32)) for i in range(3)}
    layout = {**images, "rest": (slice(1152, 1952), (800,))}
    heads, rng = ActionHeads.of(ActionLayout(TABLE)), torch_generator(0, "synth")
    sac = SAC(SACConfig(networks=NetworkConfig(encoder=encoder)), layout, heads, seed=0)
    now, after = torch.randn(2, BATCH, 1952, generator=rng)
    no = torch.zeros(BATCH, dtype=torch.bool)
    batch = Batch(Observed(now), sac.act(now), torch.randn(BATCH, generator=rng), no, no, Observed(after))
    return lambda: sac.update(batch)


def rate(update: Callable[[], Any], count: int) -> float:
    """Updates per second of CPU time."""
    start = time.process_time()
    for _ in range(count):
        update()
    return count / (time.process_time() - start)


def measure(rounds: int, count: int) -> dict[str, Any]:
    torch.set_num_threads(1)
    updates = {"sb3": theirs(), **{name: ours(config) for name, config in OURS.items()}}
    with pinned():
        for update in updates.values():
            rate(update, 5)
        turns = [{name: rate(update, count) for name, update in updates.items()} for _ in range(rounds)]
        synth = {name: round(rate(whole_synth(name), count), 1) for name in ("mlp", "conv")}
    found: dict[str, Any] = {"machine": machine(), "whole_synth_updates_per_s": synth}
    for name in updates:
        ratios = [turn[name] / turn["sb3"] for turn in turns]
        found[name] = {
            "updates_per_s": round(statistics.median(turn[name] for turn in turns), 1),
            "ratio_to_sb3": round(statistics.median(ratios), 3),
            "least_ratio": round(min(ratios), 3),
            "most_ratio": round(max(ratios), 3),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--rounds", type=int, default=7, help="turns that each takes")
    parser.add_argument("--updates", type=int, default=40, help="updates in a turn")
    parser.add_argument("--out", default="", help="also write the JSON there")
    options = parser.parse_args()
    found = measure(options.rounds, options.updates)
    text = json.dumps(found, indent=2)
    if options.out:
        make_folder(Path(options.out).parent)
        write_atomic(options.out, text)
    if options.json:
        print(text)
    else:
        print(f"{'':12}{'updates/s':>12}{'× SB3':>8}{'least':>8}{'most':>8}")
        for name in ("sb3", *OURS):
            each = found[name]
            print(f"{name:12}{each['updates_per_s']:12}" + "".join(f"{x:8}" for x in list(each.values())[1:]))
        print("at the sizes of Serum-lite, by encoder:", found["whole_synth_updates_per_s"])


if __name__ == "__main__":
    main()
