"""What docstrings say of a dataclass's fields (Google's section `Attributes`)."""

import dataclasses
import inspect
import re

_ENTRY = re.compile(r"^ {4}(\w+(?:, \w+)*): (.*)$")


def meanings(of: type) -> dict[str, str]:
    """Field -> what its own docstring, or that of the nearest base, says of it, in the fields' order.

    Raises:
        KeyError: a field that no docstring explains.
    """
    found: dict[str, str] = {}
    for known in reversed(of.__mro__):
        found.update(_entries(known.__dict__.get("__doc__") or ""))
    return {field.name: found[field.name] for field in dataclasses.fields(of)}


def lead(of: type) -> str:
    """The docstring's first paragraph, on one line."""
    return " ".join((inspect.getdoc(of) or "").split("\n\n")[0].split())


def _entries(docstring: str) -> dict[str, str]:
    """Name -> text; several names before one colon share it."""
    found: dict[str, str] = {}
    names: list[str] = []
    _, _, section = inspect.cleandoc(docstring).partition("\nAttributes:\n")
    for line in section.splitlines():
        if not line.startswith("    "):
            break
        entry = _ENTRY.match(line)
        if entry:
            names = entry[1].split(", ")
            found.update(dict.fromkeys(names, entry[2]))
        else:
            found.update({name: f"{found[name]} {line.strip()}" for name in names})
    return found
