"""Cases of `operators/activations.py`."""

from tests.gradients.torch_bridge.cases.case import Case, Draws

_draw = Draws(2)
_x = _draw.real(2, 3, 4, low=-3.0, high=3.0)

CASES = [
    Case("Celu", [_x], by_runtime=True, attributes={"alpha": 0.7}),
    Case("Elu", [_x], attributes={"alpha": 0.7}),
    Case("Elu", [_x], opset=7),
    Case("Gelu", [_x], by_runtime=True),
    Case("Gelu", [_x], by_runtime=True, attributes={"approximate": "tanh"}),
    Case("HardSigmoid", [_x], attributes={"alpha": 0.3, "beta": 0.4}),
    Case("HardSigmoid", [_x]),
    Case("HardSwish", [_x], by_runtime=True),
    Case("Hardmax", [_x], differentiable=False),
    Case("Hardmax", [_x], opset=11, by_runtime=True, differentiable=False),
    Case("LeakyRelu", [_x], attributes={"alpha": 0.2}),
    Case("LeakyRelu", [_x]),
    Case("LogSoftmax", [_x], attributes={"axis": 1}),
    Case("LogSoftmax", [_x], opset=11, by_runtime=True),
    Case("Mish", [_x], by_runtime=True),
    Case("PRelu", [_x, _draw.real(3, 1)]),
    Case("PRelu", [_x, _draw.real(1)]),
    Case("PRelu", [_x, _draw.real(4)], opset=7, by_runtime=True),
    Case("Relu", [_x]),
    Case("Relu", [_draw.whole(2, 3)], opset=14, differentiable=False),
    Case("Selu", [_x]),
    Case("Selu", [_x], attributes={"alpha": 1.2, "gamma": 0.8}),
    Case("Shrink", [_x], attributes={"lambd": 0.6, "bias": 0.2}),
    Case("Shrink", [_x]),
    Case("Sigmoid", [_x]),
    Case("Softmax", [_x]),
    Case("Softmax", [_x], attributes={"axis": 0}),
    Case("Softmax", [_x], opset=7, by_runtime=True),
    Case("Softmax", [_x], opset=11, by_runtime=True, attributes={"axis": -1}),
    Case("Softmax", [_x], opset=12, by_runtime=True, attributes={"axis": 0}),
    Case("Softplus", [_x * 8]),
    Case("Softsign", [_x]),
    Case("Swish", [_x], opset=24, attributes={"alpha": 1.5}),
    Case("ThresholdedRelu", [_x], attributes={"alpha": 0.7}),
    Case("ThresholdedRelu", [_x], opset=10),
]
