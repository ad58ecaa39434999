"""Takes pages that lie elsewhere in the repository into the site, and leads the links to them there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

__all__ = ["PAGES", "on_files", "on_page_markdown"]

ROOT = Path(__file__).parents[1]
PAGES = {"benchmarks/README.md": "benchmarks.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""File in the repository → page of the site."""
_LINK = re.compile(r"\[([^\]]+)\]\(\.\./([^)#]+)(#[^)]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Mend links that leave their folder: to pages, or to files of the repository, which are named instead."""
    return _LINK.sub(_mended, markdown)


def _mended(link: re.Match[str]) -> str:
    text, path, anchor = link[1], link[2], link[3] or ""
    page = PAGES.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else "")
    if page:
        return f"[{text}]({page}{anchor})"
    return f"{text} (`{path}`)" if (ROOT / path).exists() else link[0]
