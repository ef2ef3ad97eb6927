"""Cases of `operators/padding.py`."""

import numpy as np

from tests.gradients.torch_bridge.cases.case import Case, Draws, integers

_draw = Draws(11)
_x = _draw.real(1, 2, 5, 4)
_pads = integers(0, 0, 1, 2, 0, 0, 3, 1)

CASES = [
    Case("CenterCropPad", [_x, integers(3, 7)], constants=(1,), attributes={"axes": [2, 3]}),
    Case("CenterCropPad", [_draw.real(4, 5), integers(7, 2)], constants=(1,)),
    Case("CenterCropPad", [_draw.real(3, 4), integers(3, 5)], constants=(1,)),
    Case("Pad", [_x], opset=7, by_runtime=True, attributes={"pads": [0, 0, 1, 2, 0, 0, 0, 1], "value": 0.5}),
    Case("Pad", [_x], opset=10, by_runtime=True, attributes={"pads": [0, 0, 1, 2, 0, 0, 0, 1], "mode": "reflect"}),
    Case("Pad", [_x, _pads], constants=(1,)),
    Case("Pad", [_x, _pads, np.array(1.5)], constants=(1, 2)),
    Case("Pad", [_x, integers(0, 0, 0, 0, 0, 0, 0, 0)], constants=(1,)),
    Case("Pad", [_x, integers(0, 0, -1, 1, 0, 0, 0, -2)], constants=(1,), by_runtime=True),
    Case("Pad", [_x, _pads], constants=(1,), attributes={"mode": "reflect"}),
    Case("Pad", [_x, _pads], constants=(1,), attributes={"mode": "edge"}),
    Case("Pad", [_x, _pads], constants=(1,), attributes={"mode": "wrap"}),
    Case("Pad", [_x, integers(2, 1), None, integers(-1)], constants=(1, 3)),
    Case("Pad", [_x, integers(2, 1), None, integers(2)], constants=(1, 3), attributes={"mode": "edge"}),
]
