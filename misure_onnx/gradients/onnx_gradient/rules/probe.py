"""Runs one node on numbers of our choice, so that its meaning need not be written a second time."""

from collections.abc import Mapping

import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

from misure_onnx.gradients.onnx_gradient.site import Site
from misure_onnx.gradients.onnx_gradient.values import Array
from misure_onnx.session_options import session_options


def run_node(site: Site, node: onnx.NodeProto, x: Array, constants: Mapping[str, Array]) -> Array:
    """The first result of a node (of the site's opset) for its first input."""
    fed = helper.make_tensor_value_info(node.input[0], helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
    kept = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph([node], "probe", [fed], [helper.make_empty_tensor_value_info(node.output[0])], kept)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", site.opset)], ir_version=9)
    options = session_options(threads=1)
    try:
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        result: Array = session.run([node.output[0]], {node.input[0]: x})[0]
    except Exception as error:
        raise site.refusal(f"it cannot be probed: {error}") from error
    return result
