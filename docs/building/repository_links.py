"""The repository's own pages (README, SECURITY, ...) are linked from docs/ as files; on the site they are pages."""

import re

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

PAGES = {"README": "index", "CHANGELOG": "changelog", "CONTRIBUTING": "contributing", "SECURITY": "security"}
_LINK = re.compile(r"\]\((?:\.\./)+(" + "|".join(PAGES) + r")\.md")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Before a page is parsed."""
    app.connect("source-read", _with_pages_for_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _with_pages_for_files(_app: Sphinx, name: str, source: list[str]) -> None:
    up = "../" * name.count("/")
    source[0] = _LINK.sub(lambda found: f"]({up}{PAGES[found[1]]}.md", source[0])
