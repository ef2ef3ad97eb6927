"""Is a gradient route faithful to the deployed model? Measured before the route is used."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from misure_onnx.errors import FidelityError, GradientError
from misure_onnx.gradients.base import Fidelity, MaskProblem
from misure_onnx.gradients.onnx_gradient.exposed import ExposedScores
from misure_onnx.gradients.score_tensor import scores_of
from misure_onnx.graph.graph_backed import GraphBacked
from misure_onnx.mask import resize_map
from misure_onnx.perturbation import blend
from misure_onnx.scores import Head
from misure_onnx.segmenter import CountingSegmenter, Segmenter
from misure_onnx.types import FloatArray, Images, Mask, Scores, Size

SCORE_BOUND, HALF_PRECISION_BOUND = 1e-3, 2e-2
AGREEMENT_BOUND = 0.999
DIRECTIONAL_BOUND = 0.1
_DIRECTION_CELLS = 14
_STEP, _HALF_PRECISION_STEP = 1e-3, 3e-2
"""The second, where a file computes with 11 bits: a smaller step drowns in their rounding."""


ScoresOfEach = Callable[[list[Images]], list[Scores]]
"""Scores (1, L, H, W) of each of several images (1, C, H, W)."""


def checked_fidelity(
    predict: Callable[[Mask], Scores],
    look: Callable[[Mask], tuple[Scores, FloatArray]],
    deployed: GraphBacked,
    segmenter: Segmenter,
    problem: MaskProblem,
    *,
    at_once: int,
) -> Fidelity:
    """Measures a route and refuses it beyond the bounds.

    Args:
        predict: the route's own scores (1, L, H, W) of the image through a mask (H, W), under the first baseline.
        look: the same, and the gradient (H, W) of the mean score of the target's class over its region.
        deployed: the file, whose input type sets the bound.
        segmenter: the deployed model.
        problem: what is compared on.
        at_once: how many calls of the route may run at the same time.

    Raises:
        FidelityError: a number is beyond its bound.
    """
    size = problem.image.shape[2:]
    blocks = random_blocks(size)
    with ThreadPoolExecutor(at_once) as pool:
        looked, predicted = pool.submit(look, np.ones(size, np.float32)), pool.submit(predict, blocks)
    whole, gradient = looked.result()
    label_map, half = deployed.output.head.kind == "labels", deployed.input.dtype == np.float16
    inside = _scores_inside(deployed, problem) if label_map else None
    images, reference = compared_images(problem, blocks), partial(deployed_scores, segmenter)
    largest, mean, agreement = compare_scores(
        [whole, predicted.result()], reference(images), inside(images) if inside else None, segmenter.spec.head
    )
    smooth = inside if label_map else reference
    if deployed.input.dtype == np.uint8:
        smooth = _unrounded_scores(deployed, problem)
    fidelity = Fidelity(
        max_difference=largest,
        mean_difference=mean,
        label_agreement=agreement,
        directional_error=directional_error(gradient, smooth, problem, half=half) if smooth else None,
    )
    refuse_unfaithful(fidelity, score_bound=HALF_PRECISION_BOUND if half else SCORE_BOUND)
    return fidelity


def deployed_scores(segmenter: Segmenter, images: list[Images]) -> list[Scores]:
    """Of each image, as many at the same time as the deployed model runs best."""
    return list(CountingSegmenter(segmenter).concurrently(lambda predict, image: predict(image), images))


def _scores_inside(deployed: GraphBacked, problem: MaskProblem) -> ScoresOfEach | None:
    """The scores before a label map, as the deployed graph computes them.

    None where those have another size than the image: what they would be at its size is not the model's to say.
    """
    return _of_image_size(ExposedScores(deployed, scores_of(deployed)), problem)


def _unrounded_scores(deployed: GraphBacked, problem: MaskProblem) -> ScoresOfEach | None:
    """The deployed graph for pixels between grey levels: rounded ones would make a staircase of every difference.

    None where the graph computes with the bytes themselves.
    """
    try:
        return _of_image_size(ExposedScores(deployed, scores_of(deployed), unrounded=True), problem)
    except GradientError:
        return None


def _of_image_size(inside: ExposedScores, problem: MaskProblem) -> ScoresOfEach | None:
    if inside.predict(problem.image).shape[2:] != problem.image.shape[2:]:
        return None
    return lambda images: [inside.predict(image) for image in images]


def random_blocks(size: Size) -> Mask:
    """(H, W): a random half of 8x8 blocks."""
    blocks = np.random.default_rng(0).integers(0, 2, (8,) * len(size)).astype(np.float32)
    mask = np.kron(blocks, np.ones([-(-extent // 8) for extent in size], np.float32))
    return np.asarray(mask[tuple(slice(extent) for extent in size)], np.float32)


def compared_images(problem: MaskProblem, blocks: Mask) -> list[Images]:
    """What routes are compared on: the image, and the image through a mask (H, W) under the first baseline."""
    return [problem.image, blend(problem.image, blocks[None], problem.baselines[0])]


def compare_scores(
    own: Sequence[Scores], deployed: Sequence[Scores], inside: Sequence[Scores] | None, head: Head
) -> tuple[float | None, float | None, float]:
    """Largest and mean score difference (shares of the largest score) and label agreement, the worst of all images.

    Args:
        own: the route's, of `compared_images`.
        deployed: the deployed model's.
        inside: the scores before its label map; None where it gives scores itself, or where there are none to
            compare, and then no difference is told.
        head: of the deployed model.
    """
    agreement = min(
        float(np.mean(head.labels(mine) == head.labels(its))) for mine, its in zip(own, deployed, strict=True)
    )
    reference = deployed if head.kind != "labels" else inside
    if reference is None:
        return None, None, agreement
    differences = [_difference(mine, its) for mine, its in zip(own, reference, strict=True)]
    largest, mean = (max(values) for values in zip(*differences, strict=True))
    return largest, mean, agreement


def _difference(own: Scores, reference: Scores) -> tuple[float, float]:
    """Largest and mean, as shares of the largest score."""
    scale = float(np.abs(reference[np.isfinite(reference)]).max()) or 1.0
    with np.errstate(invalid="ignore"):
        difference = np.abs(own - reference) / scale
    difference[own == reference] = 0  # both minus infinity: a class that is ruled out
    difference[np.isnan(difference)] = np.inf  # beyond every bound, which NaN itself would not be
    return float(difference.max()), float(difference.mean())


def directional_error(
    gradient: FloatArray, deployed: ScoresOfEach, problem: MaskProblem, *, half: bool = False
) -> float:
    """Central difference through the deployed model against the route's gradient, along a smooth direction.

    The function is the mean score of the target's class over its region; the direction is the route's own gradient
    averaged to a 14x14 grid, since a smooth direction averages the kinks of ReLU and max-pooling out.

    Args:
        gradient: the route's d(mean score)/d(mask) at a mask of ones, (H, W).
        deployed: the deployed model's scores.
        problem: image, first baseline and target.
        half: whether the deployed model computes in half precision.
    """
    step, size = _HALF_PRECISION_STEP if half else _STEP, problem.image.shape[2:]
    if not np.isfinite(gradient).all():
        return float("inf")
    cells = tuple(min(_DIRECTION_CELLS, extent) for extent in size)
    direction = resize_map(_block_means(gradient, cells), size)
    direction = np.asarray(direction / (np.abs(direction).max() + 1e-30), np.float32)
    ones = np.ones(size, np.float32)
    moved = [
        blend(problem.image, mask[None], problem.baselines[0])
        for mask in (ones + step * direction, ones - step * direction)
    ]
    plus, minus = (
        float(problem.target.score(scores)[0][problem.target.region].mean(dtype=np.float64))
        for scores in deployed(moved)
    )
    return slope_error((plus - minus) / (2 * step), gradient, direction)


def slope_error(through_model: float, gradient: FloatArray, direction: FloatArray) -> float:
    """|fd - g| / mean(|fd|, |g|), g the gradient's slope along the direction; 0 where both slopes are."""
    through_route = float(np.sum(gradient * direction, dtype=np.float64))
    scale = (abs(through_model) + abs(through_route)) / 2
    return abs(through_model - through_route) / scale if scale > 0 else 0.0


def refuse_unfaithful(fidelity: Fidelity, *, score_bound: float) -> None:
    """Raises.

    Raises:
        FidelityError: a number is beyond its bound; the message gives number and bound.
    """
    if fidelity.max_difference is not None and fidelity.max_difference > score_bound:
        raise FidelityError(
            f"its scores deviate from the deployed model's by {fidelity.max_difference:.2g} of the largest score "
            f"(accepted: {score_bound:.2g})"
        )
    if fidelity.label_agreement < AGREEMENT_BOUND:
        raise FidelityError(
            f"its label map agrees with the deployed model's on {fidelity.label_agreement:.4%} of the pixels "
            f"(accepted: {AGREEMENT_BOUND:.1%})"
        )
    if fidelity.directional_error is not None and fidelity.directional_error > DIRECTIONAL_BOUND:
        raise FidelityError(
            f"its gradient deviates from a central difference through the deployed model by "
            f"{fidelity.directional_error:.2g} (accepted: {DIRECTIONAL_BOUND:.2g}): the true function may jump "
            "where autograd sees a constant"
        )


def _block_means(values: FloatArray, cells: Size) -> FloatArray:
    for axis, count in enumerate(cells):
        blocks = np.array_split(values, count, axis=axis)
        values = np.stack([block.mean(axis=axis, dtype=np.float32) for block in blocks], axis=axis)
    return np.asarray(values, np.float32)
