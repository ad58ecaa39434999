"""One episode of the environment as one HTML file: hear every step, see what each was worth, read what it did.

Shapes: S steps, C channels, T samples, P parameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from myna import __version__
from myna.evaluation.report.charts import term_bars, term_words
from myna.evaluation.report.clips import Clip, embed_wavs, equal_gains_db, wave_path
from myna.evaluation.report.episode import PlayedEpisode
from myna.evaluation.report.episode_charts import loss_chart, reward_chart
from myna.evaluation.report.episode_knobs import knob_ways
from myna.evaluation.report.page import asset, data_uri, policy, template
from myna.features.spectrogram import draw_spectrograms
from myna.params import ParameterTable
from myna.units import db_to_gain, note_name

__all__ = ["render_episode_report"]

MOST_SOUNDS = 33
"""Steps that can be heard; a longer episode is heard at as many, spread evenly."""
AUDIO_BYTES = 3_500_000
REWARD_PARTS = {
    "improvement": "nearer or farther",
    "effort": "price of moving",
    "new_best": "new best",
    "success": "target reached",
    "broken": "broken sound",
}


@dataclass(frozen=True)
class _Step:
    """One line of the story: `key` names its sound, empty where none is on the page."""

    number: int
    key: str
    wave: str
    says: str
    loss: float
    width: float
    reward: str
    best: bool


def render_episode_report(episode: PlayedEpisode, table: ParameterTable, preset_json: str) -> str:
    """Write the page.

    Args:
        episode: what was played.
        table: the synth's parameters.
        preset_json: the best preset's file, offered for download.

    Returns:
        One self-contained HTML document, under 5 MB.
    """
    heard = _heard_steps(episode)
    clips = _clips(episode, heard)
    gains = equal_gains_db([clip.audio for clip in clips], episode.sample_rate)
    played = [clip.audio * float(db_to_gain(gain)) for clip, gain in zip(clips, gains, strict=True)]
    style = asset("style.css") + asset("episode.css")
    script = asset("player.js") + asset("episode.js")
    players = _players(clips, played, gains, episode.sample_rate)
    target_u = episode.target_u
    return template("episode_report.html.j2").render(
        policy=policy(style, script),
        style=style,
        script=script,
        version=__version__,
        episode=episode,
        notes=", ".join(dict.fromkeys(note_name(probe.note_midi) for probe in episode.probes)),
        verdict=episode.verdict(),
        total_reward=_signed(episode.total_reward),
        players=players,
        heard={player["clip"].key for player in players},
        known=target_u is not None,
        apart=episode.best_step != episode.steps,
        steps=_story(episode, table, dict(zip(heard, played[2:], strict=True))),
        pictures=_pictures(played, episode),
        loss=loss_chart(episode.losses, episode.success_loss),
        reward=reward_chart(episode.rewards),
        reward_words=lambda name: REWARD_PARTS.get(name, name.replace("_", " ")),
        bars=term_bars(episode.terms[episode.best_step]),
        term_words=term_words,
        modules=knob_ways(table, episode.u[0], episode.u[episode.best_step], episode.u[-1], target_u),
        preset_uri=data_uri("application/json", preset_json.encode("utf-8")),
    )


def _heard_steps(episode: PlayedEpisode) -> list[int]:
    """Steps to hear: all, or some spread evenly with the start, the best and the last among them."""
    if episode.steps < MOST_SOUNDS:
        return list(range(episode.steps + 1))
    spread = np.linspace(0, episode.steps, MOST_SOUNDS - 1).round().astype(int).tolist()
    return sorted({*spread, episode.best_step})


def _clips(episode: PlayedEpisode, heard: Sequence[int]) -> list[Clip]:
    best = episode.best_step
    clips = [
        Clip("A", "Target", episode.target_audio),
        Clip("B", "Best", episode.sounds[best], f"step {best}, loss {episode.losses[best]:.3f}"),
    ]
    for step in heard:
        label = "Start" if step == 0 else f"Step {step}"
        clips.append(Clip(str(step), label, episode.sounds[step], f"loss {episode.losses[step]:.3f}"))
    return clips


def _players(
    clips: Sequence[Clip], played: Sequence[np.ndarray], gains: Sequence[float], sample_rate: int
) -> list[dict[str, Any]]:
    uris = embed_wavs(played, sample_rate, AUDIO_BYTES)
    total, peak = played[0].shape[1], max(float(np.abs(audio).max(initial=0.0)) for audio in played[:2])
    return [
        {"clip": clip, "uri": uri, "gain": f"{gain:+.1f} dB", "wave": wave_path(audio, total, peak)}
        for clip, uri, gain, audio in zip(clips, uris, gains, played, strict=True)
        if uri
    ]


def _story(episode: PlayedEpisode, table: ParameterTable, played: Mapping[int, np.ndarray]) -> list[_Step]:
    """The episode line by line: a small outline of the sound, what was done, what it did to the loss."""
    says = episode.story(table)
    longest = max([loss for loss in episode.losses if math.isfinite(loss)], default=1.0)
    peak = max(float(np.abs(audio).max(initial=0.0)) for audio in played.values())
    story = []
    for step, loss in enumerate(episode.losses):
        audio = played.get(step)
        wave = "" if audio is None else wave_path(audio, audio.shape[1], peak, 60, 16.0)
        reward = f"reward {_signed(sum(episode.rewards[step - 1].values()))}" if step else "loss"
        width = 100.0 * min(1.0, loss / max(longest, 1e-9)) if math.isfinite(loss) else 100.0
        key = "" if audio is None else str(step)
        story.append(_Step(step, key, wave, says[step], loss, width, reward, step == episode.best_step))
    return story


def _signed(value: float) -> str:
    """Two digits with a sign; 0 has none."""
    rounded = round(value, 2)
    return f"{rounded:+.2f}".replace("-", "−") if rounded else "0"


def _pictures(played: Sequence[np.ndarray], episode: PlayedEpisode) -> list[tuple[str, str, str]]:
    captions = (
        ("A Target", "the sound to imitate"),
        ("B Best", f"step {episode.best_step}" if episode.best_step else "the start"),
        ("± Difference", "orange: too loud in the best, blue: missing"),
    )
    drawn = draw_spectrograms(played[0], played[1], episode.sample_rate)
    return [
        (data_uri("image/png", picture), title, text) for picture, (title, text) in zip(drawn, captions, strict=True)
    ]
