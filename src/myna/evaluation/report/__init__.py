"""The page that shows a match: hear it, see it, read its knobs."""

from myna.evaluation.report.match_report import render_match_report

__all__ = ["render_match_report"]
