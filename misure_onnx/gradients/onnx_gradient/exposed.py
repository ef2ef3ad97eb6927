"""The scores inside a deployed file, as ONNX Runtime computes them: before a label map, or for unrounded pixels."""

import dataclasses

import numpy as np

from misure_onnx.errors import GradientError, ModelError
from misure_onnx.graph.exposed import with_float_input, with_outputs
from misure_onnx.graph.graph_backed import GraphBacked
from misure_onnx.graph.load import load_with_weights
from misure_onnx.graph.output_signature import OutputSignature
from misure_onnx.types import Images, Scores


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
        model = with_outputs(load_with_weights(deployed.path), [scores.name])
        if unrounded:
            self._input = dataclasses.replace(deployed.input, dtype=np.dtype(np.float32))
            model = with_float_input(model, deployed.input.name)
        try:
            self._run = deployed.run_edited(model)
        except ModelError as error:
            raise GradientError(f"the scores {scores.name!r} cannot be exposed: {error}") from error

    def predict(self, images: Images) -> Scores:
        """(1, C, H, W) -> scores (1, L, h, w), at the tensor's own size."""
        own = self._input.to_network(np.repeat(images, self._input.batch or 1, axis=0))
        (output,) = self._run([self._scores.name], {self._input.name: own})
        return self._scores.to_scores(output[:1], images.shape[2:])
