"""Cases of `operators/linear_algebra.py`."""

import numpy as np

from tests.gradients.torch_bridge.cases.case import Case, Draws

_draw = Draws(7)
_a, _b, _c = _draw.real(3, 4), _draw.real(4, 5), _draw.real(5)
_signal = _draw.real(2, 6, 1)
_complex = _draw.real(2, 6, 2)

CASES = [
    Case("DFT", [_signal], opset=17, attributes={"axis": 1}),
    Case("DFT", [_signal, None, np.array(1)], opset=20, constants=(2,), attributes={"onesided": 1}),
    Case("DFT", [_complex, np.array(4), np.array(1)], opset=20, constants=(1, 2)),
    Case("DFT", [_complex], opset=20, attributes={"inverse": 1}),
    Case("Det", [_draw.real(2, 3, 3)]),
    Case("Einsum", [_draw.real(2, 3, 4), _draw.real(2, 5, 4)], attributes={"equation": "bij, bkj -> bik"}),
    Case("Einsum", [_draw.real(2, 3, 4), _draw.real(4, 5)], attributes={"equation": "...j,jk->...k"}),
    Case("Gemm", [_a, _b, _c]),
    Case("Gemm", [_a, _b], attributes={"alpha": 0.5}),
    Case("Gemm", [_a, _b]),
    Case(
        "Gemm",
        [_a.T.copy(), _b.T.copy(), _draw.real(3, 1)],
        attributes={"transA": 1, "transB": 1, "alpha": 0.5, "beta": 2.0},
    ),
    Case("Gemm", [_draw.whole(2, 3), _draw.whole(3, 2), _draw.whole(2)], differentiable=False),
    Case("MatMul", [_a, _b]),
    Case("MatMul", [_draw.real(2, 1, 3, 4), _draw.real(5, 4, 2)]),
    Case("MatMul", [_draw.real(4), _b]),
    Case("Trilu", [_draw.real(2, 3, 4)]),
    Case("Trilu", [_draw.real(2, 4, 4), np.array(-1)], constants=(1,), attributes={"upper": 0}),
]
