"""The scores inside a deployed file, as ONNX Runtime computes them: before a label map, or for unrounded pixels."""

import dataclasses

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper

from misure_onnx.errors import GradientError
from misure_onnx.graph.graph_backed import GraphBacked
from misure_onnx.graph.load import load_with_weights
from misure_onnx.graph.output_signature import OutputSignature
from misure_onnx.processors import usable_cores
from misure_onnx.types import Images, Scores

_SILENT = 4


class ExposedScores:
    """The deployed graph with the differentiated tensor as its output; nothing else is changed.

    Args:
        deployed: the file.
        scores: that tensor, as `score_tensor` found it.
        unrounded: feed a model that takes bytes with float32 pixels, between two grey levels too.

    Raises:
        GradientError: ONNX Runtime cannot run the graph like this.
    """

    def __init__(self, deployed: GraphBacked, scores: OutputSignature, *, unrounded: bool = False) -> None:
        self._input, self._scores = deployed.input, scores
        model = load_with_weights(deployed.path)
        if unrounded:
            self._input = dataclasses.replace(deployed.input, dtype=np.dtype(np.float32))
            own = next(value for value in model.graph.input if value.name == deployed.input.name)
            own.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
            del model.graph.value_info[:]
        del model.graph.output[:]
        model.graph.output.append(helper.make_empty_tensor_value_info(scores.name))
        options = ort.SessionOptions()
        options.log_severity_level = _SILENT
        options.intra_op_num_threads = usable_cores()
        try:
            self._session = ort.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"], enable_fallback=0
            )
        except Exception as error:
            raise GradientError(f"the scores {scores.name!r} cannot be exposed: {error}") from error

    def predict(self, images: Images) -> Scores:
        """(1, C, H, W) -> scores (1, L, h, w), at the tensor's own size."""
        own = self._input.to_network(np.repeat(images, self._input.batch or 1, axis=0))
        (output,) = self._session.run([self._scores.name], {self._input.name: own})
        return self._scores.to_scores(output[:1], images.shape[2:])
