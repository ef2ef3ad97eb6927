"""Docstrings are plain text with backticks; Sphinx reads reStructuredText. Formulas stay as they are written."""

import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Yields):$")
_QUOTED = re.compile(r"(`[^`]+`)")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Before napoleon (priority 500) reads the sections."""
    app.connect("autodoc-process-docstring", _as_restructured_text, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _as_restructured_text(_app: Sphinx, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    lines[:] = restructured(lines)


def restructured(lines: list[str]) -> list[str]:
    """Indented paragraphs outside the sections become literal blocks; everywhere else marks are escaped."""
    written: list[str] = []
    in_section = literal = False
    for line in lines:
        if line and not line.startswith(" "):
            in_section, literal = bool(_SECTION.match(line)), False
        elif line and not in_section and not literal and _opens_block(written):
            written += ["::", ""]
            literal = True
        written.append(line if literal else _escaped(line))
    return written


def _opens_block(before: list[str]) -> bool:
    return bool(before) and not before[-1]


def _escaped(line: str) -> str:
    """`code` stays code; a bar, a star and an underscore at a word's end mean themselves."""
    parts = _QUOTED.split(line)
    return "".join(
        f"`{part}`" if part.startswith("`") else re.sub(r"([|*\\]|_(?!\w))", r"\\\1", part) for part in parts
    )
