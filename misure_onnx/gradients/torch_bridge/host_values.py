"""Shapes, axes and other small arguments that steer an operator, read out of tensors."""

from torch import Tensor


def integers(values: Tensor) -> list[int]:
    """The integers of a tensor of any rank, in order."""
    return [int(value) for value in values.reshape(-1).tolist()]


def optional_integers(values: Tensor | None) -> list[int] | None:
    """The integers of a tensor, or None for an input that is left out."""
    return None if values is None else integers(values)


def scalar(value: Tensor) -> float | int:
    """The only element, an int for an integer tensor.

    Raises:
        NotImplementedError: the number depends on the image in a way that the gradient would miss.
    """
    if value.requires_grad:
        raise NotImplementedError("a number that steers this operator is computed from the image; its gradient is lost")
    element: float | int = value.reshape(()).item()
    return element
