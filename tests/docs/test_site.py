"""The documentation builds as a site, strictly; all its pages are in the nav; nothing of it comes from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from tests.docs.pages import ROOT

CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
LOADED = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "audio": "src",
    "video": "src",
}
LINKS_ONLY = {"canonical", "next", "prev"}


def pages_of(nav: object) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for child in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from pages_of(child)


class Loads(HTMLParser):
    """Addresses that a browser fetches to show a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag in LOADED and said.get("rel") not in LINKS_ONLY:
            self.found += [value for name in (LOADED[tag], "srcset") if (value := said.get(name))]
        self.found += re.findall(r"url\(([^)]+)\)", said.get("style") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="mkdocs is not installed")
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", out],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_every_page_is_in_the_nav_once() -> None:
    listed = [page for page in pages_of(CONFIG["nav"]) if (ROOT / "docs" / page).exists()]
    assert sorted(listed) == sorted(path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md"))


def test_the_site_builds_strictly_and_has_every_page(site: Path) -> None:
    assert {path.relative_to(site).as_posix() for path in site.rglob("*.html")} >= {
        page.replace(".md", ".html") for page in pages_of(CONFIG["nav"])
    }


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loads = Loads(page.read_text(encoding="utf-8")).found
        assert loads or page.name == "report.html"  # which is whole in itself
        assert not [address for address in loads if re.match(r"(\w+:)?//", address)], page.name
    for style in site.rglob("*.css"):
        assert not re.findall(r"""(?:@import|url\()\s*["']?(?:https?:)?//""", style.read_text(encoding="utf-8")), (
            style.name
        )


def test_nothing_asks_the_theme_to_fetch() -> None:
    assert CONFIG["theme"]["font"] is False
    assert not {"repo_url", "extra_javascript"} & set(CONFIG) and "analytics" not in CONFIG["extra"]
    assert not [page for page in ROOT.glob("docs/**/*.md") if "```mermaid" in page.read_text(encoding="utf-8")]
