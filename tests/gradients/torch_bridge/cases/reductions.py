"""Cases of `operators/reductions.py`."""

import numpy as np

from tests.gradients.torch_bridge.cases.case import Case, Draws, integers

_draw = Draws(3)
_x = _draw.real(2, 3, 4)
_positive = _draw.real(2, 3, 4, low=0.3, high=2.0)
_integers = _draw.whole(2, 3, 4)
_ties = np.array([[2.0, 1.0, 2.0, 0.0], [1.0, 1.0, 0.0, 0.0]])

_REDUCTIONS = (
    "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax",
    "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare",
)  # fmt: skip

CASES = [
    *(Case(name, [_positive, integers(-1, 0)], constants=(1,), opset=18) for name in _REDUCTIONS),
    *(Case(name, [_positive], opset=18, attributes={"keepdims": 0}) for name in _REDUCTIONS),
    *(Case(name, [_positive], opset=11, attributes={"axes": [1]}) for name in _REDUCTIONS),
    *(Case(name, [_positive], opset=18, attributes={"noop_with_empty_axes": 1}) for name in _REDUCTIONS),
    *(Case(name, [np.array(1.5)], opset=18) for name in ("ReduceSum", "ReduceMean", "ReduceL2")),
    Case("ReduceSum", [_positive, integers(1)], opset=13, attributes={"keepdims": 0}),
    Case("ReduceMean", [_integers], opset=18, differentiable=False),
    Case("ReduceL2", [np.array([[3, 4], [6, 8]])], opset=11, attributes={"axes": [1]}, differentiable=False),
    Case("ReduceMax", [_integers, integers(1)], opset=18, differentiable=False),
    Case("ArgMax", [_x], differentiable=False),
    Case("ArgMax", [_ties], differentiable=False, attributes={"axis": 1, "keepdims": 0}),
    Case("ArgMax", [_ties], differentiable=False, attributes={"axis": 1, "select_last_index": 1}),
    Case("ArgMin", [_ties], differentiable=False, attributes={"axis": -1}),
    Case("ArgMin", [_ties], differentiable=False, attributes={"axis": 1, "select_last_index": 1}),
    Case("CumProd", [_positive, np.array(1)], opset=26, constants=(1,)),
    Case("CumProd", [_positive, np.array(1)], opset=26, constants=(1,), attributes={"exclusive": 1, "reverse": 1}),
    Case("CumSum", [_x, np.array(2)], constants=(1,)),
    Case("CumSum", [_x, np.array(-2)], constants=(1,), attributes={"exclusive": 1}),
    Case("CumSum", [_x, np.array(1)], constants=(1,), attributes={"exclusive": 1, "reverse": 1}),
    Case("CumSum", [_integers, np.array(1)], attributes={"reverse": 1}, differentiable=False),
    Case("TopK", [_x, integers(2)], constants=(1,), outputs=2),
    Case("TopK", [_x, integers(2)], constants=(1,), outputs=2, attributes={"axis": 1, "largest": 0}),
    Case("TopK", [_ties, integers(3)], constants=(1,), outputs=2, differentiable=False),
    Case("TopK", [_x], opset=7, outputs=2, by_runtime=True, attributes={"k": 2, "axis": 0}),
]
