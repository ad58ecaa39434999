"""The entry that Streamlit runs: the look of the app and its pages. Start it with `myna app`."""

from __future__ import annotations

import streamlit as st

from myna.app.state import PAGES, remember_pages
from myna.app.style import dress, icon

st.set_page_config("myna", icon(), layout="wide")
dress()
shown = [
    st.Page(page.path, title=page.title, icon=page.icon, url_path=page.name, default=not place)
    for place, page in enumerate(PAGES)
]
remember_pages(shown)
st.navigation(shown, position="top").run()
