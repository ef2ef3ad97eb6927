"""Cases of `operators/indexing.py`."""

import numpy as np

from tests.gradients.torch_bridge.cases.case import Case, Draws, integers

_draw = Draws(10)
_x = _draw.real(3, 4, 2)
_elements = np.array([[[0, 1], [-1, 2]], [[1, -1], [0, -3]]])
_pairs = np.array([[0, 1], [2, -1], [1, 3]])
_updates = _draw.real(2, 2, 2)
_rows = np.array([[2], [0]])
_repeated = np.array([3, 1, 3, 0, 1], dtype=np.int64)
_table = np.array([[1.0, 2.0], [0.0, 1.0], [1.0, 2.0]])
_off_on = np.array([2.0, 5.0])


def _scatter_elements(reduction: str, opset: int = 18) -> Case:
    places = np.array([[[0, 1], [2, 2]], [[1, 3], [-1, 0]]])
    attributes: dict[str, object] = {"axis": 1} if reduction == "none" else {"axis": 1, "reduction": reduction}
    return Case("ScatterElements", [_x, places, _updates], opset, constants=(1,), attributes=attributes)


def _scatter_nd(reduction: str) -> Case:
    attributes = {} if reduction == "none" else {"reduction": reduction}
    return Case("ScatterND", [_x, _pairs, _draw.real(3, 2)], 18, constants=(1,), attributes=attributes)


CASES = [
    Case("Compress", [_x, np.array([True, False, True])], attributes={"axis": 0}),
    Case("Compress", [_x, np.array([True, False, True, True])]),
    Case("Gather", [_x, np.array([[0, -1], [1, 1]])], constants=(1,), attributes={"axis": 1}),
    Case("Gather", [_x, np.array(-1)], opset=7, by_runtime=True),
    Case("GatherElements", [_x, _elements], constants=(1,), by_runtime=True),
    Case("GatherElements", [_x, _elements % 2], by_runtime=True, attributes={"axis": 2}),
    Case("GatherND", [_x, _pairs], constants=(1,)),
    Case("Gather", [_draw.real(5), np.array(2)], constants=(1,)),
    Case("GatherND", [_draw.real(5), integers(-2)], constants=(1,)),
    Case("GatherND", [_x, np.array([[[1]], [[0]], [[-1]]])], attributes={"batch_dims": 1}),
    Case("GatherND", [_x, np.array([[[1, 0]], [[0, 1]], [[3, 1]]])], attributes={"batch_dims": 1}),
    Case("NonZero", [np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 3.0]])], differentiable=False),
    Case("OneHot", [np.array([[0, 2], [-1, 7]]), np.array(3), _off_on], constants=(1,)),
    Case("OneHot", [integers(0, 2), np.array(3), _off_on], constants=(1,), attributes={"axis": 0}),
    Case("Scatter", [_x, _elements, _updates], opset=9, by_runtime=True, constants=(1,)),
    _scatter_elements("none", 11),
    _scatter_elements("add", 16),
    _scatter_elements("mul"),
    _scatter_elements("max"),
    _scatter_elements("min"),
    _scatter_nd("none"),
    _scatter_nd("add"),
    _scatter_nd("mul"),
    _scatter_nd("max"),
    _scatter_nd("min"),
    Case("ScatterND", [_x, _rows, _draw.real(2, 4, 2)], 11),
    Case("TensorScatter", [_draw.real(2, 1, 4, 3), _draw.real(2, 1, 2, 3), integers(1, 2)], 24),
    Case(
        "TensorScatter",
        [_draw.real(2, 1, 4, 3), _draw.real(2, 1, 2, 3), integers(3, 1)],
        24,
        attributes={"mode": "circular"},
    ),
    Case("TensorScatter", [_draw.real(2, 4, 3), _draw.real(2, 2, 3)], 24, attributes={"axis": 1}),
    Case("Unique", [_repeated], outputs=4, differentiable=False),
    Case("Unique", [_repeated], outputs=4, differentiable=False, attributes={"sorted": 0}),
    Case("Unique", [_table], outputs=4, differentiable=False, attributes={"axis": 0}),
]
