"""The registry of methods as JSON: parameters with types, defaults and what their docstrings say."""

import dataclasses
import inspect
import re
from typing import Any

from misure_onnx.methods import METHODS
from misure_onnx.methods.base import Method

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}
_ATTRIBUTE = re.compile(r"^    (?P<names>\w+(?:, \w+)*): (?P<text>.*(?:\n {8}.*)*)", re.MULTILINE)


def described_methods() -> list[dict[str, Any]]:
    """One entry a method, in the registry's order."""
    return [_described(method) for method in METHODS.values()]


def _described(method: type[Method]) -> dict[str, Any]:
    told = _told(method)
    return {
        "name": method.name,
        "summary": method.summary,
        "needs": method.needs(),
        "parameters": [
            {
                "name": field.name,
                "type": _TYPES[type(field.default)],
                "default": field.default,
                "summary": told.get(field.name),
            }
            for field in dataclasses.fields(method)  # type: ignore[arg-type]
        ],
        "presets": {name: dict(values) for name, values in method.PRESETS.items()},
        "default_preset": method.DEFAULT_PRESET,
        "routes": list(method.ROUTES),
    }


def _told(method: type[Method]) -> dict[str, str]:
    """What the section "Attributes" of the docstring says about each, or that of the class that it comes from."""
    found = {}
    for owner in reversed(method.__mro__):
        _, _, section = inspect.cleandoc(owner.__doc__ or "").partition("Attributes:\n")
        for match in _ATTRIBUTE.finditer(section):
            for name in match["names"].split(", "):
                found[name] = " ".join(match["text"].split())
    return found
