"""The table of public names."""

import inspect
from typing import Any

import misure_onnx
from docs.building.markdown import table


def names(_: str = "") -> str:
    """Every name of the package and the first sentence that its docstring says."""
    return table(
        ("name", "is"), [(f"`{name}`", _said(name, getattr(misure_onnx, name))) for name in misure_onnx.__all__]
    )


def _said(name: str, named: Any) -> str:
    if name in ("METHODS", "METRICS"):
        return f"every {name[:-1].lower().removesuffix('s')}'s class by its name"
    return " ".join((inspect.getdoc(named) or "").split("\n\n")[0].split())
