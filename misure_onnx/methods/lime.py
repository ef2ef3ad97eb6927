"""LIME for segmentation: a weighted ridge on superpixels (Ribeiro, Singh, Guestrin 2016, arXiv 1602.04938)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from misure_onnx.errors import require
from misure_onnx.mask import scaled_to_unit
from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.coalitions import coalition_values
from misure_onnx.methods.convergence import split_half_correlation
from misure_onnx.methods.map_region import require_threshold
from misure_onnx.methods.one_thread import one_thread
from misure_onnx.methods.superpixels import PARTITIONS, Partition, superpixels
from misure_onnx.methods.task import Task
from misure_onnx.methods.value import VALUES, ValueName
from misure_onnx.records import SamplingError

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Lime(Method):
    """Saliency = a superpixel's coefficient in a linear model of the value, painted on each of its pixels.

    Coalitions z in {0, 1}^n of superpixels are drawn with every superpixel kept with probability `keep`; v(z) is what
    the prediction is worth when the others are replaced. The coefficients solve

        min_{c, phi} sum_z k(z) (v(z) - c - z phi)^2 + ridge * |phi|^2
        k(z) = exp(-(1 - cos)^2 / kernel_width^2),   cos = sqrt(|z| / n) the cosine between z and the full image

    Signed, in units of the value. Unlike Shapley values they do not add up: the trace's `missed_value` is by how much
    the surrogate misses the whole image. In return they vary less (docs/occlusion.md).

    Attributes:
        features: superpixels, about (at least 2).
        partition: `slic` (follows the image's edges), `hexagons` (not in volumes) or `grid`.
        compactness: of `slic`: the weight of nearness against colour (range 0 to 100).
        samples: coalitions.
        keep: probability that a superpixel is seen.
        kernel_width: the smaller, the more coalitions near the full image count.
        ridge: penalty; the sums over coalitions are not divided by their number.
        value: what a prediction is worth: `soft_dice`, `dice`, `mean_probability` or `mean_score`.
        baseline: what replaces the superpixels that are not seen.
        threshold: the binary region is the map, scaled to [0, 1], above this value.
    """

    name: ClassVar[str] = "lime"
    summary: ClassVar[str] = "a linear model of the value on superpixels (forward-only)"

    features: int = 64
    partition: Partition = "slic"
    compactness: float = 10.0
    samples: int = 1000
    keep: float = 0.5
    kernel_width: float = 0.25
    ridge: float = 1.0
    value: ValueName = "soft_dice"
    baseline: str = "zero"
    threshold: float = 0.4

    def __post_init__(self) -> None:
        require(self.features >= 2, f"features must be at least 2, got {self.features}")
        require(self.partition in PARTITIONS, f"partition must be {', '.join(PARTITIONS)}, got {self.partition!r}")
        require(self.samples >= 4, f"samples must be at least 4, got {self.samples}")
        require(0 < self.keep < 1, f"keep must lie between 0 and 1, got {self.keep}")
        for name in ("compactness", "kernel_width", "ridge"):
            require(getattr(self, name) > 0, f"{name} must be positive, got {getattr(self, name)}")
        require(self.value in VALUES, f"value must be {', '.join(VALUES)}, got {self.value!r}")
        require_threshold(self.threshold)

    def attribute(self, task: Task) -> Attribution:
        """One forward a coalition, and one for the image itself."""
        parts = superpixels(self.partition, task.image, self.features, self.compactness)
        members = task.rng().random((self.samples, int(parts.max()) + 1)) < self.keep
        asked = np.concatenate([np.ones_like(members[:1]), members])
        whole, *values = coalition_values(
            task, parts, asked, len(asked), baseline=self.baseline, value=self.value, stage="lime"
        )
        worth = np.array(values)
        with one_thread():
            intercept, phi = self.fitted(members, worth)
            halves = [self.fitted(members[k::2], worth[k::2])[1] for k in (0, 1)]
        saliency, agreement = np.asarray(phi[parts], np.float32), split_half_correlation(*halves)
        silent = bool(np.ptp(worth) == 0)
        note = f"no coalition changed the value ({self.value}): take another value or baseline"
        return Attribution(
            saliency=saliency,
            soft_mask=scaled_to_unit(saliency),
            region=scaled_to_unit(saliency) > self.threshold,
            baseline=self.baseline,
            status="uninformative" if silent else "ok",
            notes=(f"{len(phi)} superpixels, {self.samples} coalitions", *((note,) if silent else ())),
            trace={
                "coefficients": phi.tolist(),
                "intercept": [intercept],
                "missed_value": [intercept + float(phi.sum()) - float(whole)],
                "standard_error": [float(np.sqrt(np.mean(np.square(halves[0] - halves[1])))) / 2],
                "split_half_correlation": [agreement],
            },
            sampling_error=SamplingError("split_half_correlation", agreement, self.samples),
        )

    def fitted(self, members: npt.NDArray[np.bool_], values: Float64) -> tuple[float, Float64]:
        """Intercept and (n,) coefficients for coalitions (m, n) and their values (m,)."""
        weights = np.exp(-np.square((1 - np.sqrt(members.mean(axis=1))) / self.kernel_width))
        shares = weights / weights.sum()
        centre, level = shares @ members, float(shares @ values)
        deviations = members - centre
        normal = (deviations * weights[:, None]).T @ deviations + self.ridge * np.eye(members.shape[1])
        phi = np.linalg.solve(normal, deviations.T @ (weights * (values - level)))
        return level - float(centre @ phi), np.asarray(phi, np.float64)
