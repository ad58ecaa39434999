"""The look of the app: one stylesheet over Streamlit's theme. Drawings are dark screens in both themes."""

from __future__ import annotations

import functools
from pathlib import Path

import streamlit as st

__all__ = ["dress", "icon"]


def dress(sheet: str = "style.css") -> None:
    """Put a stylesheet on the page; called once per run, before anything is drawn. A page may have one of its own."""
    st.html(f"<style>{_text(sheet)}</style>")


@functools.cache
def icon() -> str:
    """The picture in the browser's tab: our own, as Streamlit's icons are fetched from outside there."""
    return _text("icon.svg")


@functools.cache
def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
