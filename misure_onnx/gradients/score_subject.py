"""What is differentiated for a `ScoreProblem`, and the deployed model's own answer to compare a route with."""

from functools import cached_property

import numpy as np
import onnx

from misure_onnx.errors import GradientError, ModelError
from misure_onnx.gradients.base import ScoreProblem
from misure_onnx.gradients.score_tensor import score_tensor
from misure_onnx.graph.exposed import with_float_input, with_outputs
from misure_onnx.graph.graph_backed import GraphBacked, Run
from misure_onnx.graph.load import load_with_weights
from misure_onnx.graph.logits import logit_graph
from misure_onnx.graph.probe import probed
from misure_onnx.mask import resize_map
from misure_onnx.types import AnyArray, Images, Scores


class ScoreSubject:
    """The file's graph, its scores opened at the end and, for a layer, its activations in the middle.

    Args:
        deployed: the file.
        problem: image, target and layer.

    Attributes:
        model: gives logits where the file shows them; a layer is read as layer + probe.
        input, output: its image input, and the tensor that holds the scores.
        probe: name of the input that is added to the layer; empty without one.
        layer, layer_shape: as the file computes it for one image; of the image: empty and its own shape.
        unit: of the scores: `logit` or `probability`.
        note: which scores these are, where not the file's output; else empty.

    Raises:
        GradientError: nothing differentiable precedes a label map, or there is no such layer.
    """

    def __init__(self, deployed: GraphBacked, problem: ScoreProblem) -> None:
        self._deployed, self._problem = deployed, problem
        file = load_with_weights(deployed.path)
        found = logit_graph(file, score_tensor(file, deployed.output))
        self.input, self.output, self.note = deployed.input, found.output, found.note
        self._removed = found.removed
        self.unit = "logit" if found.output.head.kind in ("logits", "sigmoid_logits") else "probability"
        self.layer, self.probe, self.model = problem.layer, "", found.model
        self.layer_shape: tuple[int, ...] = tuple(problem.image.shape)
        if self.layer == self.output.name:
            raise GradientError(f"{self.layer!r} holds the scores themselves: name a layer before them")
        if self.layer:
            self.activations = self._activations(found.model)
            self.layer_shape = (1, *self.activations.shape[1:])
            free = (None, *self.layer_shape[1:])
            self.model, self.probe = probed(found.model, self.layer, free, self.activations.dtype)

    def reference(self, images: Images) -> Scores:
        """The opened scores (1, L, H, W) as ONNX Runtime computes them.

        Raises:
            GradientError: it cannot.
        """
        return self.at_image_size(self._own_size(self._run, self._no_probe(), images), images)

    def smooth_reference(self, images: Images) -> Scores:
        """The same; what a file takes as bytes is not rounded, since a central difference of steps is no slope.

        Raises:
            GradientError: the file computes with the bytes themselves.
        """
        if self.input.dtype != np.uint8:
            return self.reference(images)
        own = np.ascontiguousarray(self.input.in_layout(images))
        return self.at_image_size(self._own_size(self._run_unrounded, self._no_probe(), images, own), images)

    def reference_with(self, added: AnyArray) -> Scores:
        """The same for the problem's image, with an array of the layer's shape added to the layer."""
        n = self.activations.shape[0]
        feed = np.repeat(added, n, axis=0).astype(self.activations.dtype)
        return self.at_image_size(
            self._own_size(self._run, {self.probe: feed}, self._problem.image), self._problem.image
        )

    def as_deployed(self, scores: Scores, images: Images) -> Scores:
        """Opened scores at their own size -> what the deployed segmenter's `predict` gives for them."""
        if self._removed is not None and self._deployed.output.head.kind != "labels":
            scores = self.output.head.probabilities(scores)
        return self.at_image_size(scores, images)

    def at_image_size(self, scores: Scores, images: Images) -> Scores:
        """(1, L, h, w) -> (1, L, H, W), bilinear."""
        size = images.shape[2:]
        return np.stack([resize_map(np.ascontiguousarray(plane), size) for plane in scores[0]])[None]

    def _activations(self, model: onnx.ModelProto) -> AnyArray:
        if not any(self.layer in node.output for node in model.graph.node):
            raise GradientError(f"no node of the graph makes a tensor {self.layer!r}")
        run = self._runner(with_outputs(model, [self.layer]))
        (values,) = self._answer(run, [self.layer], {self.input.name: self._fed(self._problem.image)})
        if not isinstance(values, np.ndarray) or values.dtype.kind != "f":
            raise GradientError(f"tensor {self.layer!r} holds no floating-point numbers, so it has no gradient")
        return values

    @cached_property
    def _run(self) -> Run:
        return self._runner(with_outputs(self.model, [self.output.name]))

    @cached_property
    def _run_unrounded(self) -> Run:
        return self._runner(with_float_input(with_outputs(self.model, [self.output.name]), self.input.name))

    def _no_probe(self) -> dict[str, AnyArray]:
        return {self.probe: np.zeros_like(self.activations)} if self.probe else {}

    def _own_size(self, run: Run, more: dict[str, AnyArray], images: Images, own: AnyArray | None = None) -> Scores:
        fed = self._fed(images) if own is None else np.repeat(own, self.input.batch or 1, axis=0)
        (output,) = self._answer(run, [self.output.name], {self.input.name: fed, **more})
        return self.output.to_scores(output[:1], images.shape[2:])

    def _fed(self, images: Images) -> AnyArray:
        return self.input.to_network(np.repeat(images, self.input.batch or 1, axis=0))

    def _runner(self, model: onnx.ModelProto) -> Run:
        try:
            return self._deployed.run_edited(model)
        except ModelError as error:
            raise GradientError(f"the graph cannot be opened: {error}") from error

    def _answer(self, run: Run, names: list[str], feeds: dict[str, AnyArray]) -> list[AnyArray]:
        try:
            return run(names, feeds)
        except ModelError as error:
            raise GradientError(str(error)) from error
