"""What distributions ask for, as pip's records say."""

import importlib.metadata
import re
from collections.abc import Iterable

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def requirement(package: str) -> str:
    """A package as this project asks for it, with its bounds, for a command line; the bare name where it does not."""
    try:
        asked = importlib.metadata.requires("misure-onnx") or []
    except importlib.metadata.PackageNotFoundError:
        asked = []  # a checkout on the path that nobody installed
    without_markers = (text.partition(";")[0].strip() for text in asked if "extra ==" not in text)
    return next((f"'{text}'" for text in without_markers if _name(text) == package), package)


def wanted_by(packages: Iterable[str]) -> list[str]:
    """Other distributions that ask for one of these, as `name (package)`; they bring it back when they are updated."""
    looked_for = set(packages)
    found = {
        f"{distribution.name} ({_name(text)})"
        for distribution in importlib.metadata.distributions()
        for text in distribution.requires or ()
        if _name(text) in looked_for and "extra ==" not in text and _name(distribution.name) != "misure-onnx"
    }
    return sorted(found)


def _name(requirement: str) -> str:
    """In the normal form of PyPA's name normalisation."""
    match = _NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", match.group()).lower() if match else ""
