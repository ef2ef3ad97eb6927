"""Comparisons that are written as one node."""

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx import helper

from misure_onnx.graph.writer import MOST_BOUND, GraphWriter

BOUNDS = [0.0, 1.0, 6.0, -3.0, 0.1, 255.0, 1e-6, -MOST_BOUND, *np.random.default_rng(0).normal(0, 50, 12).tolist()]


def compared(values: npt.NDArray[np.float32], bound: float, *, above: bool) -> npt.NDArray[np.float32]:
    write = GraphWriter(17, ())
    result = (write.where_above if above else write.where_below)("x", bound)
    graph = helper.make_graph(
        write.nodes,
        "compared",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, values.shape)],
        [helper.make_tensor_value_info(result, onnx.TensorProto.FLOAT, values.shape)],
        write.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answer: npt.NDArray[np.float32] = session.run(None, {"x": values})[0]
    return answer


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_bound_and_the_next_numbers_beside_it_are_told_apart(bound: float) -> None:
    at = np.float32(bound)
    nearest = np.array([np.nextafter(at, np.float32(sign) * np.inf) for sign in (-1, 1)], np.float32)
    nearest = np.where(np.abs(nearest) < 1e-30, np.sign(nearest) * np.float32(1e-30), nearest)  # a ramp's width
    far = np.array([-3e38, -MOST_BOUND, -1e6, -1, 0, 1, 1e6, MOST_BOUND, 3e38], np.float32)
    values = np.concatenate([far, nearest.astype(np.float32), [at]]).astype(np.float32)
    assert compared(values, float(at), above=True).tolist() == (values > at).tolist()
    assert compared(values, float(at), above=False).tolist() == (values < at).tolist()
