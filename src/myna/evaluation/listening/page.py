"""A listening test as one HTML file that needs nothing else, and that does not know who is A and who is B.

Only sounds, trial numbers and the test's number go into it: no names of agents or targets, no losses, no gains, no
seed, and no pictures of the sounds. Votes are told by trial and side; the key that resolves them is another file.
"""

from __future__ import annotations

import base64
import io

import numpy as np
import soundfile

from myna import __version__
from myna.evaluation.listening.formats import QUESTIONS, VOTES_FORMAT, VOTES_VERSION
from myna.evaluation.listening.trials import ListeningTest, samples_16
from myna.evaluation.report.page import asset, policy, template

__all__ = ["render_test_page"]

HERE = "myna.evaluation.listening"


def render_test_page(test: ListeningTest, title: str = "Listening test") -> str:
    """Write the page.

    Args:
        test: what is heard.
        title: shown at the top; say nothing in it that a listener should not know.

    Returns:
        One self-contained HTML document; each second of sound takes about 0.1 MB, three sounds a trial.
    """
    style, script = asset("style.css") + asset("listening.css", HERE), asset("listening.js", HERE)
    return template("listening.html.j2", HERE).render(
        policy=policy(style, script),
        style=style,
        script=script,
        version=__version__,
        title=title,
        questions=QUESTIONS,
        count=len(test.trials),
        minutes=max(1, round(len(test.trials) * 0.75)),
        test={
            "format": VOTES_FORMAT,
            "version": VOTES_VERSION,
            "id": test.id,
            "questions": list(QUESTIONS),
            "trials": [
                {"id": trial.id, "sounds": [_flac(sound, test.sample_rate) for sound in trial.sounds]}
                for trial in test.trials
            ],
        },
    )


def _flac(sound: np.ndarray, sample_rate: int) -> str:
    """A sound (C, T) as 16-bit FLAC in base64: half of a WAV, and every browser decodes it to the same samples."""
    file = io.BytesIO()
    soundfile.write(file, samples_16(sound).T, sample_rate, format="FLAC", subtype="PCM_16")
    return base64.b64encode(file.getvalue()).decode("ascii")
