"""One rule an ONNX operator, for opsets from 17 on; a group of operators a file."""

from misure_onnx.gradients.onnx_gradient.rules import (
    activations,
    convolution,
    elementwise,
    linear_algebra,
    movement,
    normalisation,
    pooling,
    quantisation,
    reductions,
    resize,
    sampling,
)
from misure_onnx.gradients.onnx_gradient.rules.rule import Rule

RULES: dict[str, Rule] = {
    **activations.RULES,
    **convolution.RULES,
    **elementwise.RULES,
    **linear_algebra.RULES,
    **movement.RULES,
    **normalisation.RULES,
    **pooling.RULES,
    **quantisation.RULES,
    **reductions.RULES,
    **resize.RULES,
    **sampling.RULES,
}
"""Operator -> its rule. Those that ONNX defines by simpler ones (HardSwish, Mish, GroupNormalization) need none."""

WITHOUT_GRADIENT = frozenset(
    {
        "And", "ArgMax", "ArgMin", "Ceil", "Equal", "Floor", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less",
        "LessOrEqual", "NonZero", "Not", "OneHot", "Or", "Round", "Shape", "Sign", "Size", "Xor",
    }
)  # fmt: skip
"""Operators whose result does not change, or jumps, when their input changes a little."""
