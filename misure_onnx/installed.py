"""Which versions are installed, as pip's records say."""

import importlib.metadata
from collections.abc import Iterable
from functools import cache

NUMERICAL = (
    "misure-onnx",
    "onnxruntime-gpu",
    "onnxruntime",
    "openvino",
    "onnx",
    "numpy",
    "opencv-python-headless",
    "torch",
)
"""Distributions that an explanation's numbers may depend on."""


def version_of(package: str) -> str | None:
    """The version of a distribution, None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def _numerical_versions() -> tuple[tuple[str, str], ...]:
    return tuple(versions_of(NUMERICAL).items())


def numerical_versions() -> dict[str, str]:
    """Of `NUMERICAL`, those that are installed, as they were when this process first asked: it runs what it loaded."""
    return dict(_numerical_versions())


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """The version of each distribution that is installed."""
    return {package: version for package in packages if (version := version_of(package)) is not None}
