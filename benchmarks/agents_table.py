"""The claims about agents: what each compares, the number to reach, and what the rows on disk say of it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from myna.errors import UsageError
from myna.evaluation.cells import best_at, paired_losses, read
from myna.evaluation.statistics import Ratio, holm, paired_ratio
from myna.seeding import generator

__all__ = ["CLAIMS", "OTHERS", "Claim", "claims_found", "medians_found", "medians_text", "others_found", "text"]


@dataclass(frozen=True)
class Claim:
    """A row of the table.

    Attributes:
        key: in the JSON object, before `_SET`.
        one: contender and renders.
        against: contenders and renders; of several the one that did best, that is, with the largest ratio.
        at_most: set → the ratio to reach.
        stretch: whether it is hoped for rather than asked.
    """

    key: str
    one: tuple[str, int]
    against: Sequence[tuple[str, int]]
    at_most: Mapping[str, float]
    stretch: bool = False


def _starts(renders: int, at_most: float) -> Claim:
    against = (("regression+cma-es", renders), ("cloning+cma-es", renders))
    key = f"policy_cma_es_{renders}_over_better_start_{renders}"
    return Claim(key, ("policy+cma-es", renders), against, {"in": at_most, "rec": at_most})


def _auto(renders: int, other: str) -> Claim:
    """What `myna match` does by default, over the same after what was not taught by reward."""
    key = f"auto_{renders}_over_{other}_descent_{renders}"
    return Claim(key, ("auto", renders), [(f"{other}+descent", renders)], _BOTH_1, stretch=other == "proxy")


_BOTH_1 = {"in": 1.0, "rec": 1.0}

CLAIMS = (
    Claim("sac_16_over_cma_es_500", ("sac", 16), [("cma-es", 500)], {"in": 0.85, "rec": 1.0}),
    Claim("sac_16_over_cma_es_1000", ("sac", 16), [("cma-es", 1000)], {"in": 1.0}, stretch=True),
    Claim("policy_cma_es_50_over_cma_es_1000", ("policy+cma-es", 50), [("cma-es", 1000)], {"in": 0.95, "rec": 1.0}),
    Claim("policy_cma_es_200_over_cma_es_1000", ("policy+cma-es", 200), [("cma-es", 1000)], {"in": 0.80, "rec": 0.90}),
    Claim(
        "policy_cma_es_200_over_cma_es_2000",
        ("policy+cma-es", 200),
        [("cma-es", 2000)],
        {"in": 0.95, "rec": 0.95},
        stretch=True,
    ),
    _starts(50, 0.92),
    _starts(200, 0.95),
    _starts(1000, 1.0),
    Claim("sac_16_over_cloning_16", ("sac", 16), [("cloning", 16)], {"in": 0.85, "rec": 0.90}),
    # From several starts; of the clone, from the same ones.
    Claim("sac_bank_16_over_cma_es_500", ("sac+bank", 16), [("cma-es", 500)], {"in": 0.85, "rec": 1.0}),
    Claim("sac_bank_16_over_cma_es_1000", ("sac+bank", 16), [("cma-es", 1000)], {"in": 1.0}, stretch=True),
    Claim("sac_bank_16_over_cloning_16", ("sac+bank", 16), [("cloning", 16)], {"in": 0.85, "rec": 0.90}),
    Claim("sac_bank_16_over_cloning_40", ("sac+bank", 16), [("cloning", 40)], {"in": 0.85, "rec": 0.90}),
    Claim("sac_bank_16_over_cloning_bank_16", ("sac+bank", 16), [("cloning+bank", 16)], {"in": 0.85, "rec": 0.90}),
    Claim("sac_bank_16_over_proxy_16", ("sac+bank", 16), [("proxy", 16)], _BOTH_1, stretch=True),
    # The one training that ran for as long as `laptop` allows; the seeds of `sac` ran for half of that and less.
    Claim("sac_two_hours_16_over_cloning_16", ("sac-two-hours", 16), [("cloning", 16)], {"in": 0.85, "rec": 0.90}),
    Claim("sac_two_hours_16_over_sac_16", ("sac-two-hours", 16), [("sac", 16)], _BOTH_1, stretch=True),
    # Of equal time: 40 renders of the clone cost as much as 16 of an agent with foresight, which is slower.
    Claim("sac_16_over_cloning_40", ("sac", 16), [("cloning", 40)], {"in": 0.85, "rec": 0.90}),
    Claim("sac_proxy_16_over_cloning_16", ("sac+proxy", 16), [("cloning", 16)], {"in": 0.85, "rec": 0.90}),
    Claim("sac_proxy_16_over_cloning_40", ("sac+proxy", 16), [("cloning", 40)], {"in": 0.85, "rec": 0.90}),
    Claim("sac_proxy_16_over_proxy_16", ("sac+proxy", 16), [("proxy", 16)], _BOTH_1, stretch=True),
    Claim("sac_16_over_sac_no_recordings_16", ("sac", 16), [("sac-no-recordings", 16)], {"rec": 0.92}),
    # Nor had the regression and the proxy that it begins with any rows of searches towards recordings.
    Claim("sac_16_over_sac_none_anywhere_16", ("sac", 16), [("sac-none-anywhere", 16)], {"rec": 0.92}),
    *(_auto(renders, other) for other in ("regression", "proxy") for renders in (50, 200, 1000)),
)
MARKS = (1, 16, 50, 64, 200, 256, 500, 1000, 2000)
TRAINING_SEEDS = (2, 3)
"""After the first: contenders of these are labelled `sac@2`, `policy+cma-es@2`, …."""
# Key, file below out/, the number to reach, and what makes the file.
OTHERS = (
    ("success_rate_stage_1", "bench/agents/stages.json", 0.80, "python benchmarks/agents.py --stages"),
    ("training_steps_per_s", "train/laptop/log.jsonl", 150.0, "myna train --config laptop --out out/train/laptop"),
    ("updates_over_sb3", "bench/sac.json", 1.25, "python benchmarks/sac.py --out out/bench/sac.json"),
)


def claims_found(folder: Path, sets: Sequence[str], seed: int = 0) -> dict[str, dict[str, Any]]:
    """What the rows in a folder say of each claim, by `KEY_SET`.

    Of a contender that was trained several times, and each time run on as many targets, over all trainings; and by
    `KEY_SET_seed_N` of each one that was run. `missing` says why where they say nothing.
    """
    found: dict[str, dict[str, Any]] = {}
    for claim in CLAIMS:
        for name in (name for name in sets if name in claim.at_most):
            key, alone = f"{claim.key}_{name}", {}
            for training in (1, *TRAINING_SEEDS):
                told = _judged(folder, claim, name, seed, [training])
                if "ratio" in told:
                    alone[training] = told
            counts = {training: told["targets"] for training, told in alone.items()}
            whole = [training for training, count in counts.items() if count == counts.get(1)]
            found[key] = _judged(folder, claim, name, seed, whole or [1]) if whole != [1] else dict(alone[1])
            if alone.keys() - {1}:
                found |= {f"{key}_seed_{training}": told for training, told in alone.items()}
    told = [entry for entry in found.values() if "ratio" in entry]
    for entry, p in zip(told, holm([entry["p"] for entry in told]), strict=True):
        entry |= {"p_holm": float(f"{p:.3g}"), "reached": entry["ratio"] <= entry["at_most"]}
    return found


def _judged(folder: Path, claim: Claim, name: str, seed: int, trainings: Sequence[int]) -> dict[str, Any]:
    entry: dict[str, Any] = {"at_most": claim.at_most[name], **({"stretch": True} if claim.stretch else {})}
    try:
        return {**_compared(folder, claim, name, seed, trainings), **entry}
    except UsageError as error:
        return {"missing": str(error), **entry}


def _compared(folder: Path, claim: Claim, name: str, seed: int, trainings: Sequence[int]) -> dict[str, Any]:
    label, renders = claim.one
    ours = [(_trained(label, training), renders) for training in trainings]
    ratios: list[tuple[Ratio, str]] = []
    for other, at in claim.against:
        # Without recordings it was trained as often.
        theirs = trainings if other == "sac-no-recordings" else [1]
        losses = paired_losses(folder, [*ours, *((_trained(other, training), at) for training in theirs)], name, seed)
        a, b = np.stack(losses[: len(ours)]), np.stack(losses[len(ours) :])
        ratios.append((paired_ratio(a, b, generator(0, "benchmark", "agents", claim.key, name)), other))
    ratio, against = max(ratios, key=lambda pair: pair[0].median)
    return {
        "ratio": round(ratio.median, 4),
        "interval": [round(ratio.low, 4), round(ratio.high, 4)],
        "against": against,
        "wins": round(ratio.wins, 3),
        "targets": ratio.count,
        "trainings": len(ours),
        "p": float(f"{ratio.p:.3g}"),
    }


def _trained(label: str, training: int) -> str:
    """The label of a contender after a training seed."""
    return label if training == 1 else f"{label}@{training}"


def medians_found(folder: Path, sets: Sequence[str], seed: int = 0) -> dict[str, dict[str, dict[int, float]]]:
    """Median best losses by set, contender and renders: an anytime agent's at all MARKS up to its budget."""
    found: dict[str, dict[str, dict[int, float]]] = {name: {} for name in sets}
    for path in sorted(folder.glob("*.jsonl")):
        kept = read(path)
        if kept is None or kept[0]["set"] not in sets or kept[0]["seed"] != seed or not kept[1]:
            continue
        header, rows = kept
        marks = {mark for mark in MARKS if mark < header["budget"] and header["anytime"]} | {header["budget"]}
        own = found[header["set"]].setdefault(header["label"], {})
        own |= {mark: round(statistics.median(best_at(row, mark) for row in rows), 4) for mark in sorted(marks)}
    return found


def others_found(folder: Path) -> dict[str, dict[str, Any]]:
    """The rows that are no comparison, from the files below out/ that hold them."""
    found: dict[str, dict[str, Any]] = {}
    for key, file, at_least, maker in OTHERS:
        try:
            lines = (folder / file).read_text(encoding="utf-8")
            value, told = _READERS[key](lines)
            found[key] = {"value": value, "at_least": at_least, "reached": value >= at_least, **told}
        except (OSError, ValueError, KeyError):
            found[key] = {"missing": f"`{maker}` makes it.", "at_least": at_least}
    return found


def _success(text: str) -> tuple[float, dict[str, Any]]:
    told = json.loads(text)
    return told["stage_1"]["success"], {key: told[key] for key in told if key.startswith("stage_")}


def _steps_per_s(text: str) -> tuple[float, dict[str, Any]]:
    """Of the lines of a log that tell of learning, the median; and the shares of the time, their means."""
    rows = [_renamed(json.loads(line).get("scalars", {})) for line in text.splitlines()]
    rates = [row for row in rows if row.get("time/steps_per_s") is not None]
    shares = sorted({key for row in rates for key in row if key.startswith("time/share_")})
    value = round(statistics.median(row["time/steps_per_s"] for row in rates), 1)
    return value, {key: round(statistics.fmean(row.get(key, 0.0) for row in rates), 3) for key in shares}


def _renamed(row: Mapping[str, Any]) -> dict[str, Any]:
    """Figures by today's names; logs of before November 28, 2026 have others."""
    former = {"steps_per_s": "time/steps_per_s"}
    return {former.get(name, name.replace("share/", "time/share_")): value for name, value in row.items()}


def _over_sb3(text: str) -> tuple[float, dict[str, Any]]:
    return json.loads(text)["equal"]["ratio_to_sb3"], {}


_READERS = {
    "success_rate_stage_1": _success,
    "training_steps_per_s": _steps_per_s,
    "updates_over_sb3": _over_sb3,
}


def medians_text(medians: Mapping[str, Mapping[str, Mapping[int, float]]]) -> str:
    """A table of median losses for people."""
    lines = []
    for name, contenders in medians.items():
        marks = sorted({mark for row in contenders.values() for mark in row})
        width = max(map(len, [*contenders, "median loss on ", name])) + 15
        lines.append(f"{f'median loss on {name} at':{width}}" + "".join(f"{mark:7}" for mark in marks))
        for label, row in contenders.items():
            lines.append(f"{label:{width}}" + "".join(f"{row[m]:7.3f}" if m in row else f"{'':7}" for m in marks))
        lines.append("")
    return "\n".join(lines)


def text(claims: Mapping[str, Mapping[str, Any]], others: Mapping[str, Mapping[str, Any]]) -> str:
    """A table of claims for people."""
    width = max(map(len, [*claims, *others]))
    lines = [f"{'':{width}} {'ratio':>7} {'95 % interval':>16} {'at most':>8} {'wins':>5} {'n':>4} {'p (Holm)':>9}"]
    for key, entry in claims.items():
        if "missing" in entry:
            lines.append(f"{key:{width}} {'–':>7} {'':16} {entry['at_most']:8.2f}  {entry['missing']}")
            continue
        low, high = entry["interval"]
        lines.append(
            f"{key:{width}} {entry['ratio']:7.3f} {f'[{low:.3f}, {high:.3f}]':>16} {entry['at_most']:8.2f}"
            f" {entry['wins']:5.2f} {entry['targets']:4} {entry['p_holm']:9.2g}  {_verdict(entry)}"
        )
    for key, entry in others.items():
        value = f"{entry['value']:7.2f}" if "value" in entry else f"{'–':>7}"
        said = entry.get("missing") or _verdict(entry)
        lines.append(f"{key:{width}} {value} {'at least':>16} {entry['at_least']:8.2f}  {said}")
    return "\n".join(lines)


def _verdict(entry: Mapping[str, Any]) -> str:
    verdict = "reached" if entry["reached"] else "missed"
    return f"{verdict}{' (stretch)' if entry.get('stretch') else ''}{_against(entry)}"


def _against(entry: Mapping[str, Any]) -> str:
    return f", against {entry['against']}" if "against" in entry else ""
