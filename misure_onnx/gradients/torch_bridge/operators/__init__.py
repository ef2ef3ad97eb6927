"""One torch function an ONNX operator, for all opsets from 7 on; a group of operators a file."""

from misure_onnx.gradients.torch_bridge.node import Key, Operator
from misure_onnx.gradients.torch_bridge.operators import (
    activations,
    attention,
    control_flow,
    convolution,
    elementwise,
    indexing,
    linear_algebra,
    microsoft,
    microsoft_quantised,
    normalisation,
    padding,
    pooling,
    quantisation,
    reductions,
    resize,
    sampling,
    shapes,
)

OPERATORS: dict[Key, Operator] = {
    **activations.OPERATORS,
    **attention.OPERATORS,
    **control_flow.OPERATORS,
    **convolution.OPERATORS,
    **elementwise.OPERATORS,
    **indexing.OPERATORS,
    **linear_algebra.OPERATORS,
    **microsoft.OPERATORS,
    **microsoft_quantised.OPERATORS,
    **normalisation.OPERATORS,
    **padding.OPERATORS,
    **pooling.OPERATORS,
    **quantisation.OPERATORS,
    **reductions.OPERATORS,
    **resize.OPERATORS,
    **sampling.OPERATORS,
    **shapes.OPERATORS,
}
"""(domain, operator) -> its function."""

HOST_INPUTS: dict[Key, tuple[int, ...]] = {
    **control_flow.HOST_INPUTS,
    **convolution.HOST_INPUTS,
    **elementwise.HOST_INPUTS,
    **indexing.HOST_INPUTS,
    **linear_algebra.HOST_INPUTS,
    **padding.HOST_INPUTS,
    **pooling.HOST_INPUTS,
    **reductions.HOST_INPUTS,
    **resize.HOST_INPUTS,
    **sampling.HOST_INPUTS,
    **shapes.HOST_INPUTS,
}
"""Positions of the inputs that are read as plain numbers: sizes, axes, bounds."""

DATA_DEPENDENT_SHAPE = indexing.DATA_DEPENDENT_SHAPE
"""Operators whose result's shape depends on the values they are fed."""
