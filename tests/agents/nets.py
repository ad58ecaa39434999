"""Weights of small networks that know nothing, for tests of what is done with weights."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from myna.agents.ear import row_view
from myna.agents.foresight import foresight_of
from myna.agents.heads import ActionHeads
from myna.agents.networks import Actor, NetworkConfig, torch_generator
from myna.agents.proxy_net import ProxyConfig, ProxyNet
from myna.agents.regression import READS, RegressionConfig, RegressionNet
from myna.agents.rows import layout_of
from myna.agents.weights import fits, parts_of, save_weights
from myna.params import ParameterTable

HEADS = {"entropy_per_delta": -1.0, "choice_rate": 0.2, "module_rate": 0.5}


def save_regression(table: ParameterTable, folder: Path) -> Path:
    """A regression of 16 hidden units; its path."""
    config = RegressionConfig(16, 2)
    net = RegressionNet(table, config, torch_generator(5, "regression"))
    save_weights(
        folder / "regression", net.state_dict(), {**fits("regression", table, READS), "networks": asdict(config)}
    )
    return folder / "regression"


def save_actor(
    table: ParameterTable, folder: Path, kind: str = "sac", mode: str = "all", horizon: int = 5, foresight: str = ""
) -> Path:
    """An actor of 16 hidden units, as SAC and cloning write it; its path."""
    view, config = row_view(table, mode), NetworkConfig((16,))
    layout, heads = layout_of(view.layout), ActionHeads.of(view.decoder.layout, **HEADS)
    sees = foresight_of(table, layout, heads, foresight)
    actor = Actor(layout, heads, config, torch_generator(6, "actor"), sees)
    card = {
        **fits(kind, table, parts_of(view.layout.parts)),
        "networks": asdict(config),
        "heads": HEADS,
        "mode": mode,
        "bound": 0.2,
        "horizon": horizon,
        "foresight": foresight,
    }
    save_weights(folder / kind, actor.state_dict(), card)
    return folder / kind


def save_proxy(table: ParameterTable, folder: Path) -> Path:
    """A proxy of 16 hidden units; its path."""
    config = ProxyConfig(16, 1)
    net = ProxyNet(table, config, torch_generator(7, "proxy"))
    save_weights(folder / "proxy", net.state_dict(), {**fits("proxy", table, READS), "networks": asdict(config)})
    return folder / "proxy"
