"""Every rule against autograd through the torch bridge, on the bridge's own conformance cases."""

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper

from misure_onnx.errors import GradientError
from misure_onnx.gradients.onnx_gradient.differentiate import GRADIENT, UPSTREAM, gradient_graph
from misure_onnx.gradients.onnx_gradient.rules import RULES, WITHOUT_GRADIENT

torch = pytest.importorskip("torch", reason="torch is not installed: the rules are compared with the torch bridge")

from misure_onnx.gradients.torch_bridge.interpreter import TorchGraph  # noqa: E402 - after the skip
from tests.gradients.torch_bridge.cases import (  # noqa: E402
    activations,
    attention,
    convolution,
    elementwise,
    indexing,
    linear_algebra,
    normalisation,
    padding,
    pooling,
    reductions,
    resize,
    sampling,
    shapes,
)
from tests.gradients.torch_bridge.cases.case import Case, Draws, GraphCase, integers  # noqa: E402

Array = npt.NDArray[np.generic]

NEWEST_OPSET = 26  # of the oldest ONNX Runtime that has been tried
BOUND = 2e-4  # of the largest gradient: float32 against float64
_draw = Draws(11)

OWN_CASES = [
    Case("MaxPool", [_draw.distinct(1, 3, 6, 8)], attributes={"kernel_shape": [2, 2], "strides": [2, 2]}),
    Case("AveragePool", [_draw.real(1, 3, 6, 8)], attributes={"kernel_shape": [2, 2], "strides": [2, 2]}),
    Case("AveragePool", [_draw.real(1, 3, 11, 9)], attributes={"kernel_shape": [11, 9]}),
    *(
        Case(
            "Conv",
            [_draw.real(1, 2, 11, 12), _draw.real(5, 2, kernel, kernel)],
            constants=(1,),
            attributes={"strides": [stride] * 2, "pads": pads},
        )
        for stride in (2, 3, 4)
        for kernel in (1, 2, 3, 5, 7)
        for pads in ([0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 2], [2, 3, 3, 2])
    ),
    *(
        Case(
            "Conv",
            [_draw.real(2, 4, 11, 12), _draw.real(channels, 4 // groups, kernel, kernel)],
            constants=(1,),
            attributes={"strides": strides, "pads": pads, "group": groups, "dilations": [dilation] * 2},
        )
        for strides in ([2, 2], [3, 2])
        for kernel, dilation in ((1, 1), (2, 1), (3, 1), (3, 2), (5, 1))
        for pads in ([0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 2], [2, 3, 3, 2])
        for groups, channels in ((2, 6), (4, 4))
    ),
    Case("Resize", [_draw.real(1, 2, 4, 5), None, None, integers(1, 2, 8, 15)], constants=(3,)),
    Case("Conv", [_draw.real(1, 2, 5, 6), _draw.real(3, 2, 2, 2)], constants=(1,), attributes={"pads": [2, 1, 2, 1]}),
    Case("Einsum", [_draw.real(3, 4), _draw.real(4, 5)], attributes={"equation": "ij,jk->k"}),
    Case("Einsum", [_draw.real(3, 4), _draw.real(4)], attributes={"equation": "ij,k->ik"}),
    Case("Einsum", [_draw.real(3, 3)], attributes={"equation": "ii->i"}),
    Case("Pad", [_draw.real(3, 4), integers(-1, 0, 1, 2), np.array(0.5)], constants=(1, 2)),
    Case("Pow", [_draw.real(3, 4), np.array(2)], constants=(1,)),
    *(
        Case("PRelu", [_draw.real(3, 4), _draw.real(4, low=low, high=high)], constants=(1,))
        for low, high in ((-1, 2), (0, 1), (-1, 1), (1, 2))
    ),
    Case("Cast", [_draw.real(3, 4)], attributes={"to": onnx.TensorProto.FLOAT}),
    Case("Gather", [_draw.real(3, 4, 2), integers(2, 0, 3, 1)], constants=(1,), attributes={"axis": 1}),
    Case("Where", [_draw.truth(3, 4), _draw.real(3, 4), _draw.real(4)], constants=(0,)),
    *(
        Case(
            "GridSample",
            [_draw.real(2, 3, 5, 6), _draw.real(2, 3, 4, 2, low=-1.9, high=1.9)],
            attributes={"mode": mode, "padding_mode": padding, "align_corners": aligned},
        )
        for mode in ("linear", "nearest")
        for padding in ("zeros", "border", "reflection")
        for aligned in (0, 1)
    ),
    Case("GridSample", [_draw.real(2, 3, 4, 5, 6), _draw.real(2, 3, 2, 4, 3, low=-1.5, high=1.5)]),
    Case("GridSample", [_draw.real(2, 3, 5, 6), _draw.real(2, 3, 4, 2)], attributes={"mode": "cubic"}),
]
SEVERAL = {
    "Add",
    "Attention",
    "Sub",
    "Mul",
    "Div",
    "Max",
    "Min",
    "Mean",
    "Sum",
    "Where",
    "MatMul",
    "Gemm",
    "Einsum",
    "Concat",
    "GridSample",
    "Pow",
}
"""Operators of which every input, not the first alone, may depend on the image."""

REFUSALS = {
    ("Einsum", "equation=...j,jk->...k"): "ellipsis",
    ("Einsum", "equation=ii->i"): "repeats",
    ("GridSample", "mode=bicubic"): "mode",
    ("GridSample", "mode=cubic"): "mode",
    ("MaxPool", "storage_order=1"): "storage_order",
    ("Resize", "tf_crop_and_resize"): "tf_crop_and_resize",
    ("Resize", "keep_aspect_ratio_policy"): "keep_aspect_ratio_policy",
    ("ScatterND", "reduction="): "reduction",
}
"""Operator and part of a case's name -> part of the message."""


def refusal(case: Case) -> str | None:
    if case.operator == "MatMul":
        return "vector" if min(np.ndim(array) for array in case.inputs if array is not None) == 1 else None
    found = (text for (operator, part), text in REFUSALS.items() if operator == case.operator and part in case.name)
    return next(found, None)


COMPOUND = {
    "Attention", "Celu", "GroupNormalization", "HardSwish", "MeanVarianceNormalization", "Mish", "RMSNormalization",
    "RotaryEmbedding", "Selu", "Shrink", "Swish",
}  # fmt: skip
"""Operators without a rule that ONNX defines by others."""


def is_usable(case: Case | GraphCase) -> bool:
    """Whether ONNX Runtime has the operator in that opset, and the case has numbers."""
    if not isinstance(case, Case) or case.domain or case.operator not in {*RULES, *COMPOUND} or not case.differentiable:
        return False
    if case.operator == "Attention" and (case.opset > 23 or sees_nothing(case)):
        return False  # ONNX Runtime runs it as of opset 23; a token that sees none has softmax 0/0 inside
    return case.opset <= NEWEST_OPSET and case.inputs[0] is not None and case.inputs[0].size > 0


def sees_nothing(case: Case) -> bool:
    """Whether an attention mask hides all from a token: the gradient is then NaN, which the fidelity check refuses."""
    mask = case.inputs[3] if len(case.inputs) > 3 else None
    return mask is not None and mask.dtype == np.bool_ and not mask.any(axis=-1).all()


def floats(case: Case) -> list[str]:
    names = [name for name, value in case.feeds.items() if value.dtype.kind == "f"]
    return names if case.operator in SEVERAL else names[:1]


CASES: list[Case] = [
    case
    for case in (
        *activations.CASES, *attention.CASES, *convolution.CASES, *elementwise.CASES, *indexing.CASES,
        *linear_algebra.CASES, *normalisation.CASES, *padding.CASES, *pooling.CASES, *reductions.CASES, *resize.CASES,
        *sampling.CASES, *shapes.CASES, *OWN_CASES,
    )
    if is_usable(case)
]  # fmt: skip
PAIRS = [
    pytest.param(case, name, id=f"{case.name}-{number}-{name}")
    for number, case in enumerate(CASES)
    for name in floats(case)
    if refusal(case) is None
]
REFUSED = [pytest.param(case, id=f"{case.name}-{number}") for number, case in enumerate(CASES) if refusal(case)]


def with_one_input(case: Case | GraphCase, wrt: str) -> onnx.ModelProto:
    """The case's model, all inputs but one constants."""
    model = case.model()
    for value in list(model.graph.input):
        if value.name != wrt:
            model.graph.input.remove(value)
            model.graph.initializer.append(numpy_helper.from_array(case.feeds[value.name], value.name))
    return model


def by_gradient_graph(
    model: onnx.ModelProto, wrt: str, x: Array, upstream: Array
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    graph = gradient_graph(model, of=model.graph.output[0].name, wrt=wrt, shape=x.shape)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feeds = {wrt: x.astype(np.float32), UPSTREAM: upstream.astype(np.float32)}
    result, gradient = session.run([model.graph.output[0].name, GRADIENT], feeds)
    return result, gradient


@pytest.mark.parametrize(("case", "wrt"), PAIRS)
def test_a_rule_equals_autograd(case: Case, wrt: str) -> None:
    model = with_one_input(case, wrt)
    x = torch.from_numpy(np.array(case.feeds[wrt])).requires_grad_()
    output = TorchGraph(model)({wrt: x})[0]
    upstream = np.random.default_rng(0).uniform(-1, 1, tuple(output.shape))
    (expected,) = torch.autograd.grad((output * torch.from_numpy(upstream)).sum(), x)
    result, gradient = by_gradient_graph(model, wrt, case.feeds[wrt], upstream)
    assert_near(result, output.detach().numpy())
    assert_near(gradient, expected.numpy())


def assert_near(result: npt.NDArray[np.float32], expected: npt.NDArray[np.float64]) -> None:
    assert result.shape == expected.shape
    assert np.abs(result - expected).max(initial=0) <= BOUND * max(np.abs(expected).max(initial=0), 1e-3)


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_rule_does_not_cover_is_refused_by_name(case: Case) -> None:
    name = floats(case)[0]
    with pytest.raises(GradientError, match=rf"{case.operator}.*has no gradient: .*{refusal(case)}"):
        gradient_graph(with_one_input(case, name), of="y0", wrt=name, shape=case.feeds[name].shape)


def test_every_rule_has_a_case() -> None:
    quantised = {"QuantizeLinear", "DequantizeLinear"}  # in test_quantised.py
    assert set(RULES) - {case.operator for case in CASES} == quantised


def test_no_operator_has_a_rule_and_none() -> None:
    assert set(RULES) & WITHOUT_GRADIENT == set()
