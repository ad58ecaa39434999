"""Runs under a folder, for those who look at them: which there are, their curves, what they sound like, their tables.

Everything is read as from a stranger: sizes are bounded, links are not followed, a line that was torn is left out, and
no text becomes a path. A name is looked up among the runs that were found.
"""

from __future__ import annotations

from myna.runs.listing import Run, find_runs, get_run, runs_dir

__all__ = ["Run", "find_runs", "get_run", "runs_dir"]
