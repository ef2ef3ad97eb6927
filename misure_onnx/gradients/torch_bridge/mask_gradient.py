"""d(preservation loss)/d(mask) by the torch bridge."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention

from misure_onnx.gradients.base import SMALLEST_PROBABILITY, Evaluation, MaskProblem
from misure_onnx.gradients.fidelity import checked_fidelity
from misure_onnx.gradients.score_tensor import scores_of
from misure_onnx.gradients.torch_bridge.interpreter import TorchGraph
from misure_onnx.graph.graph_backed import GraphBacked
from misure_onnx.graph.load import load_with_weights
from misure_onnx.overlap import SOFT_EPSILON
from misure_onnx.segmenter import Segmenter
from misure_onnx.types import FloatArray, Images, Mask, Scores

_LOG_FLOOR = 1e-7


class TorchMaskGradient:
    """The graph as torch functions, from the masked image to the preservation loss.

    A uint8 input is fed as float, so that a gradient exists; a graph that ends in ArgMax is read at the
    scores before it.

    Raises:
        GradientError: an operator has no translation, or nothing differentiable precedes a label map.
        FidelityError: the bridge deviates from the deployed model.
    """

    route = "torch"
    at_once = 1

    def __init__(self, deployed: GraphBacked, segmenter: Segmenter, problem: MaskProblem) -> None:
        self._problem = problem
        self._input = deployed.input
        self._output = scores_of(deployed)
        self._graph = deployed.derived.once(
            "torch bridge",
            self._output.name,
            lambda: TorchGraph(load_with_weights(deployed.path), outputs=[self._output.name]),
        )
        self._image = torch.from_numpy(problem.image)
        self._baselines = [torch.from_numpy(baseline) for baseline in problem.baselines]
        self._differences = [self._image - baseline for baseline in self._baselines]
        region, domain = problem.target.region, problem.target.domain
        self._region, self._outside, self._domain = (
            torch.from_numpy(part.astype(np.float32).ravel()) for part in (region & domain, ~region & domain, domain)
        )
        if problem.loss.kind == "score_drop":
            with torch.no_grad():
                self._reference = self._probabilities(self._scores(self._image))[0]
        self.fidelity = checked_fidelity(self._predict, self._look, deployed, segmenter, problem, at_once=self.at_once)

    def evaluate(self, mask: Mask, baseline: int = 0, image: Images | None = None) -> Evaluation:
        """One forward and backward for a mask (H, W) and one of the problem's baselines."""
        leaf = torch.from_numpy(np.ascontiguousarray(mask)).requires_grad_()
        scores = self._masked_scores(leaf, baseline, image)
        loss = self._loss(scores)
        loss.backward()  # type: ignore[no-untyped-call]
        return Evaluation(float(loss.detach()), self._hard_dice(scores.detach()), _gradient_of(leaf))

    def _masked_scores(self, mask: torch.Tensor, baseline: int, image: Images | None = None) -> torch.Tensor:
        replaced, difference = self._baselines[baseline], self._differences[baseline]
        if image is not None:
            difference = torch.from_numpy(image) - replaced
        return self._scores(torch.addcmul(replaced, difference, mask))

    def _scores(self, images: torch.Tensor) -> torch.Tensor:
        """(1, C, H, W) -> scores (1, L, H, W), the twin of the deployed segmenter's `predict`."""
        own = images if self._input.layout.startswith("NC") else images.movedim(1, -1)
        if self._input.dtype == np.uint8:  # what the deployed model gets, with the gradient of what it is made from
            own = own + (own.detach().round().clamp(0, 255) - own.detach())
        (output,) = self._graph({self._input.name: own})
        size = tuple(images.shape[2:])
        own_size = self._output.size_of(tuple(output.shape), size)
        if self._output.classes_first:
            scores = output.reshape(1, -1, *own_size)
        else:
            scores = output.reshape(1, *own_size, -1).movedim(-1, 1)
        if own_size != size:
            mode = "bilinear" if len(size) == 2 else "trilinear"
            scores = F.interpolate(scores, size, mode=mode, align_corners=False)
        return scores.float()

    def _probabilities(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(H*W,) probabilities of the target's class and of the background."""
        own, background = self._problem.target.class_index, self._problem.loss.background_class
        if self._problem.target.rival is not None:
            share = self._share(scores[0, own], scores[0, self._problem.target.rival]).flatten()
            return share, 1 - share
        indices = [own] if background is None else [own, background]
        if self._output.head.kind == "logits":
            chosen = _SelectedSoftmax.apply(scores[0], indices)  # type: ignore[no-untyped-call]
        else:
            chosen = scores[0, indices]
            chosen = torch.sigmoid(chosen) if self._output.head.kind == "sigmoid_logits" else chosen
        chosen = chosen.flatten(1)
        return chosen[0], 1 - chosen[0] if background is None else chosen[1]

    def _share(self, own: torch.Tensor, rival: torch.Tensor) -> torch.Tensor:
        """`Head.share`; half where both are (nearly) 0."""
        if self._output.head.kind in ("logits", "sigmoid_logits"):
            return torch.sigmoid(own - rival)
        return (own + SMALLEST_PROBABILITY) / (own + rival + 2 * SMALLEST_PROBABILITY)

    def _loss(self, scores: torch.Tensor) -> torch.Tensor:
        loss, (target, background) = self._problem.loss, self._probabilities(scores)
        if loss.kind == "cross_entropy":
            log_target, log_background = (torch.log(p.clamp_min(_LOG_FLOOR)) for p in (target, background))
            found = loss.alpha_target * torch.dot(log_target, self._region)
            return -(found + loss.alpha_background * torch.dot(log_background, self._outside)) / self._domain.sum()
        if loss.kind == "mean_probability":
            return 1 - torch.dot(target, self._region) / self._region.sum()
        if loss.kind == "score_drop":
            return torch.dot(F.relu(self._reference - target), self._region) / self._region.sum()
        found = loss.alpha_target * self._soft_dice(target, self._region)
        return 1 - found - loss.alpha_background * self._soft_dice(background, self._outside)

    def _soft_dice(self, predicted: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        overlap: torch.Tensor = 2 * torch.dot(predicted, reference) + SOFT_EPSILON
        return overlap / (torch.dot(predicted, self._domain) + reference.sum() + SOFT_EPSILON)

    def _hard_dice(self, scores: torch.Tensor) -> float:
        predicted = self._problem.target.predicted(scores.numpy(), self._output.head)
        return float(self._problem.target.dice(predicted)[0])

    def _predict(self, mask: Mask) -> Scores:
        with torch.no_grad():
            return np.asarray(self._masked_scores(torch.from_numpy(mask), 0), np.float32)

    def _look(self, mask: Mask) -> tuple[Scores, FloatArray]:
        leaf = torch.from_numpy(mask).requires_grad_()
        target, scores = self._problem.target, self._masked_scores(leaf, 0)
        one = scores[0]
        own = one[target.class_index] if target.rival is None else one[target.class_index] - one[target.rival]
        own[torch.from_numpy(target.region)].mean().backward()  # type: ignore[no-untyped-call]
        return np.asarray(scores.detach(), np.float32), _gradient_of(leaf)


class _SelectedSoftmax(torch.autograd.Function):
    """softmax over the classes (L, H, W), of which only some are asked for: (K, H, W).

    Autograd's own way keeps and passes through L channels three times, which is a third of a small
    network's forward; this backward is one product.
    """

    @staticmethod
    def forward(ctx: Any, scores: torch.Tensor, indices: list[int]) -> torch.Tensor:
        probabilities = torch.softmax(scores, dim=0)
        ctx.save_for_backward(probabilities)
        ctx.indices = indices
        return probabilities[indices]

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor, None]:
        (probabilities,) = ctx.saved_tensors
        weighted = upstream[0] * probabilities[ctx.indices]
        gradient = probabilities * -weighted.sum(dim=0)
        for position, index in enumerate(ctx.indices):
            gradient[index] += weighted[position]
        return gradient, None


def _gradient_of(leaf: torch.Tensor) -> FloatArray:
    if leaf.grad is None:  # the graph's output does not depend on the image
        return np.zeros(tuple(leaf.shape), np.float32)
    return np.asarray(leaf.grad, np.float32)
