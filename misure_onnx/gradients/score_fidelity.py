"""Is a score gradient faithful to the deployed model? The rules of `fidelity.py`, for images and layers."""

from collections.abc import Callable

import numpy as np

from misure_onnx.errors import GradientError
from misure_onnx.gradients.base import Fidelity, MaskProblem, PreservationLoss, ScoreProblem, Sensitivity
from misure_onnx.gradients.fidelity import (
    HALF_PRECISION_BOUND,
    SCORE_BOUND,
    compare_scores,
    compared_images,
    deployed_scores,
    directional_error,
    random_blocks,
    refuse_unfaithful,
    slope_error,
)
from misure_onnx.gradients.score_subject import ScoreSubject
from misure_onnx.segmenter import Segmenter
from misure_onnx.types import FloatArray, Images, Scores

_STEP = 1e-2
"""Of the activations' standard deviation."""


def checked_score_fidelity(
    predict: Callable[[Images], Scores],
    evaluate: Callable[[Images, FloatArray], Sensitivity],
    subject: ScoreSubject,
    segmenter: Segmenter,
    problem: ScoreProblem,
) -> Fidelity:
    """Measures a route and refuses it beyond the bounds.

    Scores are compared as the deployed model gives them; of a label map, those before it. The central difference
    goes through the deployed graph, opened where the gradient is taken from and ends: at the logits, and at the layer.

    Args:
        predict: the route's own forward, (1, C, H, W) -> the opened scores at their own size.
        evaluate: the route's own gradient.
        subject: what the route was made from.
        segmenter: the deployed model.
        problem: what is compared on.

    Raises:
        FidelityError: a number is beyond its bound.
    """
    masked = MaskProblem(problem.image, (np.zeros_like(problem.image),), problem.target, PreservationLoss())
    images, head = compared_images(masked, random_blocks(problem.image.shape[2:])), segmenter.spec.head
    largest, mean, agreement = compare_scores(
        [subject.as_deployed(predict(image), image) for image in images],
        deployed_scores(segmenter, images),
        [subject.reference(image) for image in images] if head.kind == "labels" else None,
        head,
    )
    region = problem.target.region
    weights = np.asarray(region / np.float32(region.sum()), np.float32)
    if subject.layer:
        error: float | None = _through_layer(evaluate(problem.image, weights).gradient, subject, problem)
    else:
        error = _through_image(evaluate, subject, masked, weights)
    fidelity = Fidelity(largest, mean, agreement, error)
    half = subject.input.dtype == np.float16
    refuse_unfaithful(fidelity, score_bound=HALF_PRECISION_BOUND if half else SCORE_BOUND)
    return fidelity


def _through_image(
    evaluate: Callable[[Images, FloatArray], Sensitivity],
    subject: ScoreSubject,
    problem: MaskProblem,
    weights: FloatArray,
) -> float | None:
    """By the chain rule the image's gradient is a mask's: x' = x * M. None where a model computes with bytes only."""
    try:
        subject.smooth_reference(problem.image)
    except GradientError:
        return None
    gradient = np.asarray((evaluate(problem.image, weights).gradient * problem.image)[0].sum(axis=0), np.float32)
    half = subject.input.dtype == np.float16
    return directional_error(
        gradient, lambda images: [subject.smooth_reference(image) for image in images], problem, half=half
    )


def _through_layer(gradient: FloatArray, subject: ScoreSubject, problem: ScoreProblem) -> float:
    """A central difference of the mean score along the gradient itself, scaled to a hundredth of the activations."""
    if not np.isfinite(gradient).all():
        return float("inf")
    largest = float(np.abs(gradient).max())
    direction = gradient / largest if largest > 0 else np.ones_like(gradient)
    step = _STEP * (float(subject.activations.std(dtype=np.float64)) or 1.0)
    target = problem.target
    plus, minus = (
        float(target.score(subject.reference_with(sign * step * direction))[0][target.region].mean(dtype=np.float64))
        for sign in (1, -1)
    )
    return slope_error((plus - minus) / (2 * step), gradient, direction)
