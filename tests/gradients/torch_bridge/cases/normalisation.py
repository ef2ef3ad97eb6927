"""Cases of `operators/normalisation.py`."""

from tests.gradients.torch_bridge.cases.case import Case, Draws

_draw = Draws(6)
_x = _draw.real(2, 4, 5, 3)
_scale, _bias = _draw.real(4), _draw.real(4)
_mean, _variance = _draw.real(4), _draw.real(4, low=0.5, high=2.0)
_statistics = (_scale, _bias, _mean, _variance)
_tokens = _draw.real(2, 3, 6)

CASES = [
    Case("BatchNormalization", [_x, *_statistics], constants=(1, 2, 3, 4), attributes={"epsilon": 1e-3}),
    Case("BatchNormalization", [_x, *_statistics], opset=7, constants=(1, 2, 3, 4), by_runtime=True),
    Case("BatchNormalization", [_draw.real(5, 4), *_statistics], opset=9, constants=(1, 2, 3, 4), by_runtime=True),
    Case("GroupNormalization", [_x, _scale, _bias], opset=21, by_runtime=True, attributes={"num_groups": 2}),
    Case("GroupNormalization", [_x, _scale[:2], _bias[:2]], opset=18, by_runtime=True, attributes={"num_groups": 2}),
    Case("InstanceNormalization", [_x, _scale, _bias], attributes={"epsilon": 1e-2}),
    Case("InstanceNormalization", [_draw.real(1, 4, 1, 1), _scale, _bias]),
    Case("LRN", [_x], by_runtime=True, attributes={"size": 3, "alpha": 0.5, "beta": 0.6, "bias": 1.5}),
    Case("LRN", [_x], by_runtime=True, attributes={"size": 5}),
    Case("LayerNormalization", [_tokens, _draw.real(6), _draw.real(6)], attributes={"epsilon": 1e-2}),
    Case("LayerNormalization", [_tokens, _draw.real(3, 6)], attributes={"axis": 1}),
    Case("LayerNormalization", [_tokens, _draw.real(1, 6), _draw.real(6)], attributes={"axis": 1}, outputs=3),
    Case("LpNormalization", [_x], attributes={"axis": 1}),
    Case("LpNormalization", [_x], by_runtime=True, attributes={"p": 1}),
    Case("MeanVarianceNormalization", [_x], by_runtime=True),
    Case("MeanVarianceNormalization", [_x], by_runtime=True, attributes={"axes": [1, 2]}),
    Case("RMSNormalization", [_tokens, _draw.real(6)], opset=23),
]
