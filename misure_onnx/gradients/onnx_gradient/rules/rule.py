"""What a rule is."""

from collections.abc import Callable
from typing import TypeAlias

from misure_onnx.gradients.onnx_gradient.site import Site

Gradients: TypeAlias = list[str | None]
"""d(loss)/d(input) an input, names of tensors; None (or a shorter list) where none is asked for or exists."""

Rule = Callable[[Site], Gradients]
"""Writes the nodes of a node's backward pass; below, x is an input, y the result, dx and dy d(loss)/d of these."""
