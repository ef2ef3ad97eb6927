"""What a metric takes and gives: four kinds, by what they look at.

A metric is a frozen dataclass whose fields are its parameters. Every kind is measured on what a method found and, the
same way, on two yardsticks: the predicted object itself, and the method's own region or map with its pixels at random
places.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt

from misure_onnx.perturbation import blend, make_baseline
from misure_onnx.segmenter import Predict, Segmenter
from misure_onnx.target import ResolvedTarget
from misure_onnx.types import FloatArray, Images, Mask, Region, SaliencyMap

Need = Literal["region", "map", "map and ground truth", "the method again"]


@dataclass(frozen=True)
class Measured:
    """A number, and what it was made from.

    Attributes:
        value: None where the metric is not defined; `details["reason"]` then says why.
        details: curves and single values, as JSON has them.
    """

    value: float | None
    details: Mapping[str, Any] = field(default_factory=dict)


class Metric(ABC):
    """Base of the four kinds.

    Class attributes: `summary` in a line, `higher_is_better`, `unit` of the value, `source` of the definition, and
    `needs`, which the kind sets.
    """

    summary: ClassVar[str]
    higher_is_better: ClassVar[bool]
    unit: ClassVar[str] = "1"
    source: ClassVar[str]
    needs: ClassVar[Need]

    def parameters(self) -> dict[str, Any]:
        """Every parameter and its value."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Candidate:
    """A region to be judged: the image, the target, and what is kept of the image.

    Attributes:
        segmenter: the deployed model.
        image: (1, C, H, W) network input.
        baseline: (1, C, H, W), what replaces the rest.
        target: resolved on `image`.
        region: (H, W) bool, the binary region.
        soft_mask: (H, W) in [0, 1].
        predict: what asks the model, where several candidates are judged at the same time; None: the segmenter does.
    """

    segmenter: Segmenter
    image: Images
    baseline: Images
    target: ResolvedTarget
    region: Region
    soft_mask: Mask
    predict: Predict | None = None

    def dice(self, masks: FloatArray) -> float:
        """Hard Dice of the target when the deployed model sees the image through one mask (H, W)."""
        predict = self.predict or self.segmenter.predict
        scores = predict(blend(self.image, np.asarray(masks, np.float32)[None], self.baseline))
        return float(self.target.dice(self.target.predicted(scores, self.segmenter.spec.head))[0])


class Judge(Protocol):
    """Masks go in one by one, and come out in order with what the deployed model makes of the image through them."""

    def __call__(
        self,
        masks: Iterable[Mask],
        baseline: Images,
        *,
        many: bool = False,
        value: Literal["dice", "mean_score"] = "dice",
    ) -> Iterator[tuple[Mask, float]]:
        """Dice of the target, or mean score of its class over its region; as `methods.base.Task.judged`."""


@dataclass(frozen=True, eq=False)
class MapCandidate:
    """A map to be judged, at the network's size.

    Attributes:
        saliency: (H, W) float32, larger = more important.
        segmenter: the deployed model.
        image: (1, C, H, W) network input.
        target: resolved on `image`.
        judge: see there.
        baseline: name of what the method puts in place of removed pixels.
        seed: of every random choice.
    """

    saliency: SaliencyMap
    segmenter: Segmenter
    image: Images
    target: ResolvedTarget
    judge: Judge
    baseline: str
    seed: int

    @property
    def pixels(self) -> int:
        """Area of the object."""
        return int(np.count_nonzero(self.target.region))

    def baseline_image(self, name: str | None = None) -> Images:
        """(1, C, H, W) the named baseline, or the method's own."""
        return make_baseline(name or self.baseline, self.image, np.random.default_rng(self.seed))


@dataclass(frozen=True, eq=False)
class TruthCandidate:
    """A map and where the object really is, both at the image's size.

    Attributes:
        saliency: (H, W) float32.
        truth: (H, W) bool; for one object among several, without the pixels predicted as the others.
    """

    saliency: SaliencyMap
    truth: Region


class Explain(Protocol):
    """The method, run again on the same target; everything that is not given stays as it was."""

    def __call__(
        self, *, image: Images | None = None, seed: int | None = None, segmenter: Segmenter | None = None
    ) -> SaliencyMap:
        """(H, W) the map."""


@dataclass(frozen=True, eq=False)
class Rerun:
    """A method that can be run again.

    Attributes:
        explain: see there.
        saliency: (H, W), what it gave.
        segmenter: the deployed model.
        image: (1, C, H, W) network input.
        dice_in: (N,) Dice of the target that the deployed model finds in other images (N, C, H, W).
        seed: of every random choice.
    """

    explain: Explain
    saliency: SaliencyMap
    segmenter: Segmenter
    image: Images
    dice_in: Callable[[Images], npt.NDArray[np.float64]]
    seed: int


class RegionMetric(Metric):
    """A number about a binary region or its soft mask; cheap, measured for every explanation."""

    needs: ClassVar[Need] = "region"

    @abstractmethod
    def measure(self, candidate: Candidate) -> Measured:
        """The number."""


class MapMetric(Metric):
    """A number about a saliency map, from forwards of the deployed model."""

    needs: ClassVar[Need] = "map"

    @abstractmethod
    def measure(self, candidate: MapCandidate) -> Measured:
        """The number."""


class TruthMetric(Metric):
    """A number about a saliency map and the ground truth; no forwards."""

    needs: ClassVar[Need] = "map and ground truth"

    @abstractmethod
    def measure(self, candidate: TruthCandidate) -> Measured:
        """The number."""


class RerunMetric(Metric):
    """A number about the method: it is run again, several times."""

    needs: ClassVar[Need] = "the method again"

    @abstractmethod
    def measure(self, rerun: Rerun) -> Measured:
        """The number."""
