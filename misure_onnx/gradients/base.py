"""What every gradient route takes and gives.

A route answers two questions. For a mask at image size: how well is the target preserved, and how does
that change with every mask value? How the mask is parametrised (grid, binarisation, regularisers) is
the method's business, so that every route serves every method alike. And for an image: how does a weighted
sum of one class's scores change with every value of the image, or of a tensor inside the model?
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from misure_onnx.segmenter import Segmenter
from misure_onnx.target import ResolvedTarget
from misure_onnx.types import FloatArray, Images, Mask

SMALLEST_PROBABILITY = 1e-7
"""Added to both probabilities of a contrast before they are divided."""


@dataclass(frozen=True)
class PreservationLoss:
    """How well a masked image preserves the target: less is better.

    dice:              1 - alpha_target * D(p_l, y) - alpha_background * D(p_0, 1 - y), D the soft Dice: the data
                       term of MiSuRe's eq. 1
    cross_entropy:     the mean over pixels of -(alpha_target * y log p_l + alpha_background * (1 - y) log p_0): its
                       alternative (footnote 4)
    mean_probability:  1 - the mean of p_l over y; blind to what is predicted elsewhere
    score_drop:        the mean over y of max(p_l(x) - p_l, 0), p_l(x) on the unperturbed image, as the route computes
                       it: grid saliency's data term, which does not reward a class that grows likelier

    p_l is the probability of the target's class (of a contrast its share of both classes'), y the target's region
    (other classes count as background, as in the author's code), p_0 the background's probability. Logarithms are
    taken of probabilities of at least 1e-7. The last two have no alphas and no background.

    Attributes:
        kind: which of them.
        alpha_target, alpha_background: the paper's alpha_l = 2 and alpha_0 = 1.
        background_class: index whose probability is p_0; None, and of a contrast: p_0 = 1 - p_l.
    """

    kind: Literal["dice", "cross_entropy", "mean_probability", "score_drop"] = "dice"
    alpha_target: float = 2.0
    alpha_background: float = 1.0
    background_class: int | None = None


@dataclass(frozen=True, eq=False)
class MaskProblem:
    """One image, one target, and what a mask must preserve of it.

    Attributes:
        image: (1, C, H, W) network input.
        baselines: one (1, C, H, W) a baseline that removed pixels are replaced with.
        target: resolved on `image`.
        loss: how preservation is measured.
    """

    image: Images
    baselines: tuple[Images, ...]
    target: ResolvedTarget
    loss: PreservationLoss


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One forward and backward.

    Attributes:
        loss: the preservation loss of the masked image.
        dice: hard Dice of the target in the same forward, as the route sees it.
        gradient: (H, W) d(loss)/d(mask).
    """

    loss: float
    dice: float
    gradient: FloatArray


@dataclass(frozen=True)
class Fidelity:
    """How far a route is from the deployed model, measured on the image itself and masked versions of it.

    Attributes:
        max_difference: largest score difference, as a share of the largest score; of a label map the scores before
            it count, as ONNX Runtime computes them in the deployed graph (None where they have another size).
        mean_difference: mean score difference, as a share of the largest score.
        label_agreement: share of pixels with the same label, the worst of the images.
        directional_error: |fd - g| / mean(|fd|, |g|) between a central difference through the deployed
            model and the route's gradient along a smooth direction; of a model that takes bytes through its graph
            for unrounded pixels (None where it computes with the bytes themselves).
    """

    max_difference: float | None
    mean_difference: float | None
    label_agreement: float
    directional_error: float | None


class MaskGradient(Protocol):
    """A gradient route built for one problem."""

    @property
    def route(self) -> str:
        """Its name in `ROUTES`."""

    @property
    def fidelity(self) -> Fidelity:
        """Measured when it was built."""

    @property
    def at_once(self) -> int:
        """Calls of `evaluate` that run best at the same time, of those that it was built for."""

    def evaluate(self, mask: Mask, baseline: int = 0, image: Images | None = None) -> Evaluation:
        """One forward and backward for a mask (H, W) in [0, 1] and one of the problem's baselines.

        Args:
            mask: see there.
            baseline: its index.
            image: (1, C, H, W) in the place of the problem's image, a noisy copy of it for instance.
        """


@dataclass(frozen=True, eq=False)
class ScoreProblem:
    """One image, one target, and the tensor with respect to which its scores are differentiated.

    Attributes:
        image: (1, C, H, W) network input, on which a route is compared with the deployed model.
        target: resolved on `image`.
        layer: name of a tensor in the file; empty: the image itself.
    """

    image: Images
    target: ResolvedTarget
    layer: str = ""


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """One forward and backward.

    Attributes:
        score: S = sum over pixels of v * s_l: v the weights asked with, s_l the scores of the target's class (logits
            where the file shows them; of a contrast the difference of both classes') at the image's size.
        values: of the tensor: the image (1, C, H, W), or the layer's activations as the file has them, batch 1.
        gradient: dS/d(values), of the same shape.
    """

    score: float
    values: FloatArray
    gradient: FloatArray


class ScoreGradient(Protocol):
    """A gradient route built for one image size, target class and tensor."""

    @property
    def route(self) -> str:
        """Its name in `SCORE_ROUTES`."""

    @property
    def fidelity(self) -> Fidelity:
        """Measured when it was built."""

    @property
    def unit(self) -> str:
        """What a score is: `logit`, or `probability` where the file shows no logits."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Which scores were differentiated, where that are not the file's output."""

    def evaluate(self, image: Images, weights: FloatArray) -> Sensitivity:
        """One forward and backward for an image (1, C, H, W) and weights v (H, W)."""


Route = Callable[[Segmenter, MaskProblem, int], MaskGradient]
"""Segmenter, problem, and how many masks will be evaluated at the same time."""
ScoreRoute = Callable[[Segmenter, ScoreProblem], ScoreGradient]
