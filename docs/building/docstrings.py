"""Docstrings are plain text with backticks; Sphinx reads reStructuredText. Formulas stay as they are written."""

import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Yields):$")
_ARRAYS = {
    "float32": "FloatArray",
    "float64": "Float64Array",
    "bool": "BoolArray",
    "uint8": "UInt8Array",
    "int64": "Int64Array",
    "Any": "AnyArray",
}
_ARRAY = re.compile(r"~numpy\.ndarray\[tuple\[~typing\.Any, \.\.\.\], ~numpy\.dtype\[~(?:numpy|typing)\.(\w+)\]\]")
_NAMES = re.compile(r"^( {4})(\w+(?:, \w+)+): (.*)$")
_QUOTED = re.compile(r"(`[^`]+`)")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Before napoleon (priority 500) reads the sections."""
    app.connect("autodoc-process-docstring", _as_restructured_text, priority=400)
    app.connect("autodoc-process-signature", _with_names_for_arrays)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _as_restructured_text(_app: Sphinx, what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    lines[:] = restructured(one_name_an_entry(lines))
    if what in ("attribute", "data", "property") and lines:
        lines[:1] = lines[0].replace(": ", ":\n", 1).split("\n")  # napoleon takes what stands before a colon for a type


def _with_names_for_arrays(
    _app: Sphinx, _what: str, _name: str, _object: Any, _options: Any, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    return signature and named_arrays(signature), returned and named_arrays(returned)


def named_arrays(signature: str) -> str:
    """Arrays by the names that `misure_onnx.types` has for them, not as numpy spells them out; factories as dots."""
    return _ARRAY.sub(lambda found: _ARRAYS.get(found[1], found[1]), signature).replace("<factory>", "...")


def one_name_an_entry(lines: list[str]) -> list[str]:
    """`a, b: text` becomes `a: text` and `b: text`: napoleon takes a second name for a type."""
    written: list[str] = []
    rest = list(lines)
    while rest:
        several = _NAMES.match(rest[0])
        if not several:
            written.append(rest.pop(0))
            continue
        rest.pop(0)
        more: list[str] = []
        while rest and rest[0].startswith(several[1] + "    "):
            more.append(rest.pop(0))
        for name in several[2].split(", "):
            written += [f"{several[1]}{name}: {several[3]}", *more]
    return written


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
        written.append(line if literal else _escaped(line if in_section else line.lstrip()))
    return written


def _opens_block(before: list[str]) -> bool:
    return bool(before) and not before[-1]


def _escaped(line: str) -> str:
    """`code` stays code; a bar, a star and an underscore at a word's end mean themselves."""
    parts = _QUOTED.split(line)
    return "".join(
        f"`{part}`" if part.startswith("`") else re.sub(r"([|*\\]|_(?!\w))", r"\\\1", part) for part in parts
    )
