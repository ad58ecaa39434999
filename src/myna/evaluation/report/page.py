"""What the reports share: their files, their template engine, and a policy that shuts everything else out.

Every text is escaped by the template engine, and a content security policy forbids whatever is not
in the file itself: styles and the script are allowed by their hashes, pictures and sounds as `data:`.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["asset", "data_uri", "policy", "printable", "template"]


def data_uri(kind: str, data: bytes) -> str:
    """A file inside the page: `data:` with its media type."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def policy(style: str, script: str) -> str:
    """The content security policy of a page with this one style and this one script."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"


@cache
def asset(name: str, package: str = "myna.evaluation.report") -> str:
    """The text of a file that lies beside this one, or in another package."""
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


@cache
def template(name: str, package: str = "myna.evaluation.report") -> Any:
    """The page's template, compiled; texts are escaped, and a missing value is an error."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda own: asset(own, package)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = printable
    return environment.get_template(name)


def printable(text: object) -> str:
    r"""Replace what could disturb the page's text flow: control and bidirectional-override characters.

    >>> printable("a\u202eb\x00")
    'a·b·'
    """
    return "".join(c if c.isprintable() else "·" for c in str(text))
