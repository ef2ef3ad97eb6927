"""SmoothGrad: the mean gradient of noisy copies of the image; for one object, in numbers that can be compared.

Smilkov et al. 2017 (arXiv 1706.03825); for single objects of a segmentation, signed and in units: Spagnolo et al.
(*Instance-level quantitative saliency in multiple sclerosis lesion segmentation*).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from misure_onnx.errors import require
from misure_onnx.gradients.base import ScoreGradient
from misure_onnx.methods.base import Attribution, ChannelMaps, Method
from misure_onnx.methods.channel_maps import Reduction, reduced, require_reduction
from misure_onnx.methods.convergence import split_half_correlation
from misure_onnx.methods.map_region import of_map, require_threshold
from misure_onnx.methods.score_question import ROUTES, image_gradient, require_route
from misure_onnx.methods.task import Task
from misure_onnx.records import SamplingError
from misure_onnx.types import FloatArray, Images

Aggregation = Literal["mean", "sum", "absmax"]

NO_SIGNAL = "the scores of the target do not change with any pixel of any noisy copy: the gradient is zero everywhere"
_AGGREGATIONS = get_args(Aggregation)


@dataclass(frozen=True)
class SmoothGrad(Method):
    """map_c = mean over noisy copies x' = x + N(0, sigma_c) of dS/dx'_c, one map for every channel c of the input.

    Scores are logits where the file shows them (before a final softmax, sigmoid or argmax), so that a map of the preset
    `quantitative` is in logits per unit of the network's input: neither scaled nor made positive, and comparable
    between objects and images of one model. Which object is the target's business: its pixels alone are R below.

    mean:    S = the mean of the class's scores over R.
    sum:     S = their sum.
    absmax:  every pixel of R for itself (at most `pixels` of them, drawn at random); at each value of the image the
             gradient of the largest magnitude is kept, with its sign, and the mean over the copies taken. So many
             backward passes a copy. This is the paper's published aggregation, exactly.

    Attributes:
        samples: noisy copies.
        noise: sigma_c as a share of the range (max - min) of the values.
        range_of: of each channel's own values (`each`), or of the first channel's for all (`first`, the paper's code).
        aggregation: `mean`, `sum` or `absmax`.
        pixels: of R, for `absmax`; 0: all.
        squared: gradients are squared before the mean over the copies (PAIR's SmoothGrad-squared).
        reduction: of the channels' maps to the one saliency map: `sum` (signed), `absmax` (signed), `max_abs`.
        ring: width in pixels of the surroundings whose share of the map is reported.
        threshold: the binary region is the map, scaled to [0, 1], above this value. A signed map's zero lies near 0.5.
        route: of the gradient.
    """

    name: ClassVar[str] = "smooth_grad"
    summary: ClassVar[str] = "mean gradient of noisy copies, one signed map a channel (SmoothGrad, instance saliency)"
    gradient_required: ClassVar[bool] = True
    ROUTES: ClassVar[tuple[str, ...]] = ROUTES
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "quantitative": {
            "samples": 50, "noise": 0.05, "range_of": "each", "aggregation": "mean", "squared": False,
            "reduction": "sum", "threshold": 0.6,
        },
        "lesions": {
            "samples": 50, "noise": 0.05, "range_of": "first", "aggregation": "absmax", "pixels": 0, "squared": False,
            "reduction": "sum", "threshold": 0.6,
        },
        "pair": {
            "samples": 25, "noise": 0.15, "range_of": "each", "aggregation": "sum", "squared": True,
            "reduction": "sum", "threshold": 0.2,
        },
    }  # fmt: skip
    DEFAULT_PRESET: ClassVar[str] = "quantitative"

    samples: int = 50
    noise: float = 0.05
    range_of: Literal["each", "first"] = "each"
    aggregation: Aggregation = "mean"
    pixels: int = 64
    squared: bool = False
    reduction: Reduction = "sum"
    ring: int = 10
    threshold: float = 0.6
    route: str = "auto"

    def __post_init__(self) -> None:
        require(self.samples >= 1, f"samples must be at least 1, got {self.samples}")
        require(self.noise >= 0, f"noise must not be negative, got {self.noise}")
        require(self.range_of in ("each", "first"), f"range_of must be each or first, got {self.range_of!r}")
        require(
            self.aggregation in _AGGREGATIONS,
            f"aggregation must be {', '.join(_AGGREGATIONS)}, got {self.aggregation!r}",
        )
        require(self.pixels >= 0, f"pixels must not be negative, got {self.pixels}")
        require(self.ring >= 1, f"ring must be at least 1, got {self.ring}")
        require_reduction(self.reduction)
        require_threshold(self.threshold)
        require_route(self.route)

    def attribute(self, task: Task) -> Attribution:
        """`samples` forwards and backwards; with `absmax`, as many times the pixels of R."""
        gradient, facts = image_gradient(task, self.route)
        rng = task.rng()
        questions = self._questions(task, rng)
        halves = np.zeros((2, *task.image.shape[1:]))
        for k, copy in enumerate(self._noisy_copies(task.image, rng)):
            maps = _aggregated(gradient, copy, questions)
            halves[k % 2] += maps.astype(np.float64) ** 2 if self.squared else maps
            task.progress("smooth_grad", k + 1, self.samples)
        maps = np.asarray(halves.sum(axis=0) / self.samples, np.float32)
        attribution = of_map(reduced(maps, self.reduction), self.threshold, NO_SIGNAL)
        agreement = split_half_correlation(*halves)
        return replace(
            attribution,
            **{**facts, "notes": (*facts["notes"], *attribution.notes)},
            backwards=self.samples * len(questions),
            channels=ChannelMaps(maps, self._units(gradient.unit), self.ring),
            trace={"split_half_correlation": [agreement]},
            sampling_error=SamplingError("split_half_correlation", agreement, self.samples),
        )

    def _units(self, score: str) -> str:
        units = f"{'summed ' if self.aggregation == 'sum' else ''}{score} per input unit"
        return f"({units})^2" if self.squared else units

    def _questions(self, task: Task, rng: np.random.Generator) -> list[FloatArray]:
        """The weights of the scores: one set, or one pixel a time."""
        region = task.target.region
        if self.aggregation != "absmax":
            count = np.float32(region.sum() if self.aggregation == "mean" else 1)
            return [np.asarray(region / count, np.float32)]
        places = np.flatnonzero(region)
        if 0 < self.pixels < len(places):
            places = np.sort(rng.choice(places, self.pixels, replace=False))
        return [_one_pixel(region.shape, int(place)) for place in places]

    def _noisy_copies(self, image: Images, rng: np.random.Generator) -> Iterator[Images]:
        """(1, C, H, W) each, with independent Gaussian noise."""
        spread = np.ptp(image.reshape(image.shape[1], -1), axis=1)
        sigma = self.noise * (spread if self.range_of == "each" else np.full_like(spread, spread[0]))
        sigma = sigma.reshape(1, -1, *[1] * (image.ndim - 2))
        for _ in range(self.samples):
            yield np.asarray(image + sigma * rng.standard_normal(image.shape), np.float32)


def _aggregated(gradient: ScoreGradient, copy: Images, questions: list[FloatArray]) -> FloatArray:
    """The gradient (C, ...) of one question, or at each value the one of the largest magnitude."""
    strongest = np.array(gradient.evaluate(copy, questions[0]).gradient[0], np.float32)
    for weights in questions[1:]:
        other = gradient.evaluate(copy, weights).gradient[0]
        stronger = np.abs(other) > np.abs(strongest)
        strongest[stronger] = other[stronger]
    return strongest


def _one_pixel(shape: tuple[int, ...], place: int) -> FloatArray:
    weights = np.zeros(shape, np.float32)
    weights.flat[place] = 1
    return weights
