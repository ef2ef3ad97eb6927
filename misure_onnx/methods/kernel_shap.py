"""KernelSHAP for segmentation: Shapley values of superpixels.

Lundberg and Lee 2017 (arXiv 1705.07874), section 4.1; for segmentation Dardouillet et al. 2022 (ICPR workshop). The
constraint and the paired sampling are those of Covert and Lee 2021 (arXiv 2012.01536).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.errors import require
from misure_onnx.mask import scaled_to_unit
from misure_onnx.methods.base import Attribution, Method
from misure_onnx.methods.coalitions import coalition_values
from misure_onnx.methods.map_region import require_threshold
from misure_onnx.methods.one_thread import one_thread
from misure_onnx.methods.shapley import Coalitions, enumerated, quality, sampled, shapley_values
from misure_onnx.methods.superpixels import PARTITIONS, Partition, superpixels
from misure_onnx.methods.task import Task
from misure_onnx.methods.value import VALUES, ValueName
from misure_onnx.records import SamplingError
from misure_onnx.sizes import by


@dataclass(frozen=True)
class KernelShap(Method):
    """Saliency = Shapley value of a pixel's superpixel, painted on each of its pixels.

    The players are n superpixels; the value v(z) of a coalition z in {0, 1}^n is what the prediction is worth when the
    superpixels outside z are replaced. The Shapley values phi solve (Lundberg and Lee's theorem 2)

        min sum_z w(z) (v(z) - v(0) - z phi)^2   subject to   sum_j phi_j = v(1) - v(0)
        w(z) = (n - 1) / (C(n, |z|) |z| (n - |z|)),   0 < |z| < n

    over all coalitions where 2^n fits the budget: then they are exact. Otherwise sizes are drawn with the
    probability that w gives them all together, proportional to 1 / (s (n - s)), members uniformly, each coalition with
    its complement (which lowers the variance), and the draws count alike. The constraint holds exactly in both
    cases. Signed, in units of the value: the sum over superpixels is v(1) - v(0).

    Attributes:
        features: superpixels, about (at least 2).
        partition: `slic` (follows the image's edges), `hexagons` (not in volumes) or `grid`.
        compactness: of `slic`: the weight of nearness against colour (range 0 to 100).
        budget: coalitions at most, the full and the empty one included; 0: 2 n + 2048.
        value: what a prediction is worth: `soft_dice`, `dice`, `mean_probability` or `mean_score`.
        baseline: what replaces the superpixels outside a coalition.
        threshold: the binary region is the map, scaled to [0, 1], above this value.

    The trace has phi (`shapley_values`), the additivity residual v(0) + sum phi - v(1), `standard_error` (root mean
    square over superpixels, from two halves of the pairs; 0 where exact), the halves' correlation, and the share of
    the coalitions' (weighted) variance that phi explains (`additive_share`): low where superpixels act together.
    """

    name: ClassVar[str] = "kernel_shap"
    summary: ClassVar[str] = "Shapley values of superpixels (forward-only)"

    features: int = 64
    partition: Partition = "slic"
    compactness: float = 10.0
    budget: int = 0
    value: ValueName = "soft_dice"
    baseline: str = "zero"
    threshold: float = 0.4

    def __post_init__(self) -> None:
        require(self.features >= 2, f"features must be at least 2, got {self.features}")
        require(self.partition in PARTITIONS, f"partition must be {', '.join(PARTITIONS)}, got {self.partition!r}")
        require(self.compactness > 0, f"compactness must be positive, got {self.compactness}")
        require(self.budget == 0 or self.budget >= 4, f"budget must be 0 (2 n + 2048) or at least 4, got {self.budget}")
        require(self.value in VALUES, f"value must be {', '.join(VALUES)}, got {self.value!r}")
        require_threshold(self.threshold)

    def attribute(self, task: Task) -> Attribution:
        """One forward a coalition."""
        parts = superpixels(self.partition, task.image, self.features, self.compactness)
        coalitions = self._coalitions(int(parts.max()) + 1, task)
        players = coalitions.members.shape[1]
        asked = np.concatenate([np.zeros((1, players), bool), np.ones((1, players), bool), coalitions.members])
        worth = coalition_values(
            task, parts, asked, len(asked), baseline=self.baseline, value=self.value, stage="kernel_shap"
        )
        empty, full, values = float(worth[0]), float(worth[1]), worth[2:]
        gains, total = values - empty, full - empty
        with one_thread():
            phi = shapley_values(coalitions, gains, total)
            measured = quality(coalitions, gains, total, phi)
        saliency = np.asarray(phi[parts], np.float32)
        residual = empty + float(phi.sum()) - full
        how = "all coalitions were asked" if coalitions.exact else f"{len(values) + 2} coalitions were asked"
        notes = [f"{len(phi)} superpixels, {how}; additivity residual {residual:.1e}"]
        silent = total == 0 and not gains.any()
        if silent:
            notes.append(f"no coalition changed the value ({self.value}): take another value or baseline")
        return Attribution(
            saliency=saliency,
            soft_mask=scaled_to_unit(saliency),
            region=scaled_to_unit(saliency) > self.threshold,
            baseline=self.baseline,
            status="uninformative" if silent else "ok",
            notes=tuple(notes),
            trace={
                "shapley_values": phi.tolist(),
                "value": [empty, full],
                "additivity_residual": [residual],
                **measured,
            },
            sampling_error=SamplingError(
                "split_half_correlation", measured["split_half_correlation"][0], len(values) + 2
            ),
        )

    def _coalitions(self, players: int, task: Task) -> Coalitions:
        require(players >= 2, f"features: an image of {by(task.size)} pixels gives one superpixel only")
        budget = self.budget or 2 * players + 2048
        if 2**players <= budget:
            return enumerated(players)
        least = 2 * players + 2
        require(budget >= least, f"budget must be at least {least} for {players} superpixels, got {budget}")
        return sampled(players, (budget - 2) // 2, task.rng())
