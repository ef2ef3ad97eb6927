"""The paper's two stages as one would write them in torch from its text: Algorithm 1, then eq. 1."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from misure_onnx.scores import ScoreKind
from misure_onnx.types import Mask, Region

ITERATIONS, LEARNING_RATE, AREA_WEIGHT, ALPHA_TARGET, ALPHA_BACKGROUND = 100, 0.1, 0.01, 2.0, 1.0
TAU, SMALLEST_KEPT, GRID, EPSILON = 0.9, 0.2, 224, 1e-7
_PROBABILITIES: dict[ScoreKind, Callable[[Tensor], Tensor]] = {
    "logits": lambda scores: scores.softmax(dim=1),
    "sigmoid_logits": torch.sigmoid,
    "softmax": lambda scores: scores,
    "sigmoid": lambda scores: scores,
}


@dataclass(frozen=True)
class Question:
    """What is explained.

    Attributes:
        class_index: l.
        kind: what the network's scores are.
        exclusive: whether a pixel has one class: then the likeliest, else every channel above one half.
        domain: (H, W) bool, pixels that count; the other objects of the class do not.
    """

    class_index: int
    kind: ScoreKind
    exclusive: bool
    domain: Region


def transcribed(network: Callable[[Tensor], Tensor], image: Tensor, question: Question) -> Mask:
    """The last soft mask (H, W) times the sufficient region.

    As the paper has it: an element of 7x7, tau 0.9, one channel of 224x224 ones, AdamW with learning rate 0.1, lambda
    0.01, weights 2 (class) and 1 (background), 100 iterations, after each of which values below 0.2 become 0 and
    above 1 become 1. The network's weights are frozen, which the paper does not say: without that, it would be slower.
    gamma, which the paper does not give, is 0, as in its author's code.
    """
    domain = torch.from_numpy(question.domain)
    with torch.no_grad():
        reference = _probabilities(network(image), question)
        region = _predicted(network(image), question) & domain
        sufficient = _grown(network, image, region, question, domain)
    size = tuple(image.shape[2:])
    values = torch.ones(1, 1, GRID, GRID, requires_grad=True)
    optimiser = torch.optim.AdamW([values], lr=LEARNING_RATE)
    for _ in range(ITERATIONS):
        optimiser.zero_grad()
        mask = functional.interpolate(values, size, mode="bilinear", align_corners=False) * sufficient
        found = _probabilities(network(image * sufficient * mask), question)
        loss = AREA_WEIGHT * mask.abs().mean() + 1
        for weight, own, wanted in zip((ALPHA_TARGET, ALPHA_BACKGROUND), found, reference, strict=True):
            loss = loss - weight * _soft_dice(own[:, domain], wanted[:, domain])
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        with torch.no_grad():
            values[values < SMALLEST_KEPT] = 0
            values.clamp_(max=1)
    with torch.no_grad():
        mask = functional.interpolate(values, size, mode="bilinear", align_corners=False) * sufficient
    return np.asarray(mask[0, 0], np.float32)


def _grown(
    network: Callable[[Tensor], Tensor], image: Tensor, region: Tensor, question: Question, domain: Tensor
) -> Tensor:
    """Algorithm 1: (H, W) in {0, 1}."""
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    mask = region.numpy().astype(np.uint8)
    while True:
        kept = torch.from_numpy(mask).float()
        if _dice(_predicted(network(image * kept), question) & domain, region) > TAU:
            return kept
        mask = cv2.dilate(mask, element).astype(np.uint8)


def _probabilities(scores: Tensor, question: Question) -> tuple[Tensor, Tensor]:
    """(1, H, W) of the class and of the background, which is everything else."""
    own = _PROBABILITIES[question.kind](scores)[:, question.class_index]
    return own, 1 - own


def _predicted(scores: Tensor, question: Question) -> Tensor:
    """(H, W) bool."""
    if question.exclusive:
        return scores.argmax(dim=1)[0] == question.class_index
    return _PROBABILITIES[question.kind](scores)[0, question.class_index] > 0.5


def _dice(found: Tensor, wanted: Tensor) -> float:
    return float(2 * (found & wanted).sum() / (found.sum() + wanted.sum()))


def _soft_dice(found: Tensor, wanted: Tensor) -> Tensor:
    return (2 * (found * wanted).sum() + EPSILON) / (found.sum() + wanted.sum() + EPSILON)
