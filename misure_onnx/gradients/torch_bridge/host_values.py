"""Shapes, axes and other small arguments that steer an operator, read out of tensors."""

from collections.abc import Sequence

from torch import Tensor


def integers(values: Tensor | Sequence[int]) -> list[int]:
    """The integers of a tensor of any rank, in order."""
    if isinstance(values, Tensor):
        return [int(value) for value in values.reshape(-1).tolist()]
    return [int(value) for value in values]


def optional_integers(values: Tensor | Sequence[int] | None) -> list[int] | None:
    """The integers of a tensor, or None for an input that is left out."""
    return None if values is None else integers(values)


def scalar(value: Tensor) -> float | int:
    """The only element, an int for an integer tensor."""
    element: float | int = value.reshape(()).item()
    return element
