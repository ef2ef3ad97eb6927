"""Cases of `operators/shapes.py`."""

import numpy as np
from onnx import TensorProto, helper

from tests.gradients.torch_bridge.cases.case import Case, Draws, integers

_draw = Draws(9)
_x = _draw.real(2, 3, 4)
_image = _draw.real(2, 8, 4, 6)
_big = np.iinfo(np.int64).max
_ramp = helper.make_tensor("value", TensorProto.FLOAT, [1], [2.5])


def _slice(*numbers: list[int], opset: int = 13) -> Case:
    arrays = [np.array(entry, dtype=np.int64) for entry in numbers]
    return Case("Slice", [_x, *arrays], opset, constants=(1, 2, 3, 4))


CASES = [
    Case("Concat", [_x, _draw.real(2, 1, 4)], attributes={"axis": 1}),
    Case("Concat", [_x, _x], opset=7, attributes={"axis": -1}),
    Case("ConstantOfShape", [integers(2, 3)], differentiable=False),
    Case("ConstantOfShape", [integers(2, 3)], differentiable=False, attributes={"value": _ramp}),
    Case("DepthToSpace", [_image], attributes={"blocksize": 2}),
    Case("DepthToSpace", [_image], attributes={"blocksize": 2, "mode": "CRD"}),
    Case("Expand", [_draw.real(3, 1), integers(2, 1, 4)], constants=(1,)),
    Case("Expand", [_x, integers(1, 1)], opset=8, constants=(1,)),
    Case("EyeLike", [_draw.real(3, 4)], differentiable=False, attributes={"k": 1}),
    Case("EyeLike", [_draw.real(3, 4)], differentiable=False, attributes={"dtype": TensorProto.INT64}),
    Case("Flatten", [_x]),
    Case("Flatten", [_x], attributes={"axis": -1}),
    Case("Flatten", [_x], opset=9, attributes={"axis": 0}),
    Case("Range", [np.array(3), np.array(10), np.array(2)], differentiable=False),
    Case("Range", [np.array(1.0), np.array(-1.0), np.array(-0.3)], constants=(1, 2)),
    Case("Reshape", [_x, integers(0, -1)], constants=(1,)),
    Case("Reshape", [_x, integers(4, 6)], opset=7, constants=(1,)),
    Case("Reshape", [_draw.real(0, 3), integers(3, 0)], opset=14, constants=(1,), attributes={"allowzero": 1}),
    Case("ReverseSequence", [_draw.real(4, 3, 2), integers(4, 2, 1)]),
    Case("ReverseSequence", [_draw.real(3, 4), integers(4, 2, 1)], attributes={"batch_axis": 0, "time_axis": 1}),
    Case("Shape", [_x], differentiable=False),
    Case("Shape", [_x], opset=15, differentiable=False, attributes={"start": -2}),
    Case("Shape", [_x], opset=15, differentiable=False, attributes={"start": 1, "end": 2}),
    Case("Size", [_x], differentiable=False),
    Case("Slice", [_x], opset=9, by_runtime=True, attributes={"starts": [1, 0], "ends": [_big, -1], "axes": [1, 2]}),
    Case("Slice", [_x], opset=7, by_runtime=True, attributes={"starts": [1], "ends": [2]}),
    _slice([1, 0], [2, 3]),
    _slice([-2], [_big], [-1], [1]),
    _slice([-1, 3], [-_big, 0], [1, 2], [-1, -2]),
    _slice([0], [4], [2], [2]),
    _slice([5], [9], [2], [1]),
    _slice([0, 0], [_big, _big], [0, 2], [1, 1], opset=10),
    Case("SpaceToDepth", [_image], attributes={"blocksize": 2}),
    Case("SpaceToDepth", [_image], opset=28, attributes={"blocksize": 2, "mode": "CRD"}),
    Case("Split", [_x, integers(1, 2)], outputs=2, constants=(1,), attributes={"axis": 1}),
    Case("Split", [_draw.real(7, 2)], outputs=3, attributes={"num_outputs": 3}),
    Case("Split", [_x], opset=11, outputs=2, by_runtime=True, attributes={"axis": 2, "split": [3, 1]}),
    Case("Split", [_x], opset=7, outputs=2, by_runtime=True, attributes={"axis": -1}),
    Case("Squeeze", [_draw.real(1, 3, 1), integers(0)], constants=(1,)),
    Case("Squeeze", [_draw.real(1, 3, 1)]),
    Case("Squeeze", [_draw.real(1, 3, 1)], opset=11, attributes={"axes": [-1]}),
    Case("Tile", [_draw.real(2, 3), integers(2, 1)], constants=(1,)),
    Case("Transpose", [_x]),
    Case("Transpose", [_x], attributes={"perm": [1, 2, 0]}),
    Case("Unsqueeze", [_x, integers(-1, 0)], constants=(1,)),
    Case("Unsqueeze", [_x], opset=11, attributes={"axes": [0, 4]}),
]
