"""What counts as right: the bounds, and a row's verdict."""

from typing import Any, Literal

Verdict = Literal["right", "refused", "wrong"]

FORWARD_BOUND = {"fp32": 2e-4, "fp16": 2e-2}
"""Largest difference from ONNX Runtime, as a share of the largest score."""

AGREEMENT_BOUND, RUNTIME_FACTOR = 0.999, 1.5
"""Of quantised files: share of pixels with the same class, since a step of rounding may differ anywhere. Where ONNX
Runtime with its optimisations disagrees with itself without them on more, 1.5 times as many pixels may disagree."""

GRADIENT_BOUND = {"fp32": 2e-2, "fp16": 0.25}
"""Relative L2 from the source network in float64. Half precision: exporters fold normalisation into weights that are
then rounded once more, which flips kinks of ReLU and max-pooling; the routes are held to each other instead."""

BETWEEN_ROUTES_BOUND = 2e-2
"""Relative L2 between the two routes' gradients: of half precision and trained files. Those of quantised files are
compared with each other on small graphs (tests/gradients/onnx_gradient/test_quantised.py): where a rounding differs
in an early layer, everything after it does."""

DIRECTIONAL_BOUND = 0.1
"""Of trained files: gradient against a central difference through ONNX Runtime, as in the library's own check."""


def verdict(row: dict[str, Any], route: str) -> Verdict:
    """Right, refused with an error, or wrong: converted, but beyond a bound."""
    found = row["routes"][route]
    if "error" in found:
        return "refused"
    return "right" if _forward_right(row, found) and _gradient_right(row, found) else "wrong"


def _forward_right(row: dict[str, Any], found: dict[str, Any]) -> bool:
    if row["precision"] == "int8":
        accepted = max(1 - AGREEMENT_BOUND, RUNTIME_FACTOR * (1 - row["runtime_agreement"]))
        return bool(1 - found["agreement"] <= accepted)
    return bool(found["forward"] <= FORWARD_BOUND[row["precision"]])


def _gradient_right(row: dict[str, Any], found: dict[str, Any]) -> bool:
    precision, between = row["precision"], row["between_routes"]
    same = between is None or between <= BETWEEN_ROUTES_BOUND
    if "directional" in found:
        return bool(found["directional"] <= DIRECTIONAL_BOUND and same)
    if precision == "int8":
        return True
    return bool(found["gradient"] <= GRADIENT_BOUND[precision]) and (same or precision == "fp32")
