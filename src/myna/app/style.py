"""The look of the app: one stylesheet over Streamlit's theme. Drawings are dark screens in both themes."""

from __future__ import annotations

import functools
from pathlib import Path

import streamlit as st

__all__ = ["dress"]


def dress() -> None:
    """Put the stylesheet on the page; called once per run, before anything is drawn."""
    st.html(f"<style>{_stylesheet()}</style>")


@functools.cache
def _stylesheet() -> str:
    return (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
