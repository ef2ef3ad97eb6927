"""d(weighted scores)/d(image or layer) by the torch bridge."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention

from misure_onnx.errors import GradientError
from misure_onnx.gradients.base import ScoreProblem, Sensitivity
from misure_onnx.gradients.score_fidelity import checked_score_fidelity
from misure_onnx.gradients.score_subject import ScoreSubject
from misure_onnx.gradients.torch_bridge.interpreter import TorchGraph
from misure_onnx.graph.graph_backed import GraphBacked
from misure_onnx.segmenter import Segmenter
from misure_onnx.types import FloatArray, Images, Scores


class TorchScoreGradient:
    """The graph as torch functions, from the image (or the probe of a layer) to a weighted sum of one class's scores.

    Raises:
        GradientError: an operator has no translation, or the scores do not depend on the tensor.
        FidelityError: the bridge deviates from the deployed model.
    """

    route = "torch"

    def __init__(self, deployed: GraphBacked, segmenter: Segmenter, problem: ScoreProblem) -> None:
        self._subject = ScoreSubject(deployed, problem)
        self._class, self._rival = problem.target.class_index, problem.target.rival
        layer = [self._subject.layer] if self._subject.layer else []
        self._graph = TorchGraph(self._subject.model, outputs=[self._subject.output.name, *layer])
        self.unit = self._subject.unit
        self.notes = (self._subject.note,) if self._subject.note else ()
        self.fidelity = checked_score_fidelity(self._predict, self.evaluate, self._subject, segmenter, problem)

    def evaluate(self, image: Images, weights: FloatArray) -> Sensitivity:
        """One forward and backward for an image (1, C, H, W) and weights v (H, W)."""
        probe = self._probe()
        pixels = torch.from_numpy(np.ascontiguousarray(image))
        leaf = (probe if probe is not None else pixels).requires_grad_()
        scores, values = self._scores(pixels, probe)
        own = scores[0, self._class] if self._rival is None else scores[0, self._class] - scores[0, self._rival]
        asked = (own * torch.from_numpy(np.ascontiguousarray(weights, np.float32))).sum()
        if not asked.requires_grad:
            what = self._subject.layer or self._subject.input.name
            raise GradientError(f"{self._subject.output.name!r} does not depend on {what!r}")
        (gradient,) = torch.autograd.grad(asked, leaf)
        known = image if values is None else np.asarray(values.detach().float())
        return Sensitivity(float(asked.detach()), known, np.asarray(gradient, np.float32))

    def _probe(self) -> torch.Tensor | None:
        return torch.zeros(self._subject.layer_shape) if self._subject.probe else None

    def _scores(self, images: torch.Tensor, probe: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(1, C, H, W) -> scores (1, L, H, W), and the layer."""
        size = images.shape[2:]
        scores, values = self._own_scores(images, probe)
        if tuple(scores.shape[2:]) != size:
            mode = "bilinear" if len(size) == 2 else "trilinear"
            scores = F.interpolate(scores, size, mode=mode, align_corners=False)
        return scores, values

    def _own_scores(self, images: torch.Tensor, probe: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
        signature, output = self._subject.input, self._subject.output
        own = images if signature.layout.startswith("NC") else images.movedim(1, -1)
        if signature.dtype == np.uint8:  # what the deployed model gets, with the gradient of what it is made from
            own = own + (own.detach().round().clamp(0, 255) - own.detach())
        feeds = {signature.name: own, **({} if probe is None else {self._subject.probe: probe})}
        found, *values = self._graph(feeds)
        own_size = output.size_of(tuple(found.shape), images.shape[2:])
        if output.classes_first:
            scores = found.reshape(1, -1, *own_size)
        else:
            scores = found.reshape(1, *own_size, -1).movedim(-1, 1)
        return scores.float(), values[0] if values else None

    def _predict(self, images: Images) -> Scores:
        with torch.no_grad():
            return np.asarray(self._own_scores(torch.from_numpy(images), self._probe())[0], np.float32)
