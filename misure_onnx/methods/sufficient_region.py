"""Sufficient region: grow the predicted object until the model finds it again (MiSuRe, Algorithm 1)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.errors import ModelOutputError, require
from misure_onnx.mask import DILATION_PIXELS, dilate, dilation_map
from misure_onnx.methods.base import Attribution, Method, SufficientRegionFacts
from misure_onnx.methods.task import Task
from misure_onnx.perturbation import make_baseline
from misure_onnx.types import Images, Mask, Region

SATURATED_SHARE = 0.95
"""A region with more than this share of the image says nothing: it is flagged."""


def grow_sufficient_region(task: Task, baseline: Images, tau: float) -> SufficientRegionFacts:
    """Algorithm 1: the first of the nested dilations M_0, M_1, ... whose Dice is above tau.

    The masks do not depend on the model, so several are judged at the same time; the first crossing is the
    same however many. A full mask gives Dice 1, and the masks fill the
    image within `most_dilations`, so the loop ends.

    Args:
        task: image, target and deployed model.
        baseline: (1, C, H, W), what replaces the rest of the image.
        tau: Dice to exceed (strictly, as the algorithm loops while Dice <= tau).

    Raises:
        ModelOutputError: not even the whole image gives the prediction again.
    """
    curve = list[float]()
    for mask, dice in task.judged(_nested(task.target.region), baseline, until=lambda dice: dice > tau):
        curve.append(dice)
        grown = mask
        task.progress("sufficient region", len(curve), most_dilations(*task.size) + 1)
    if dice <= tau and not task.target_is_foreign:
        raise ModelOutputError(
            f"the whole image gives Dice {dice:.3f} against its own prediction: the model is not deterministic "
            "(dropout or augmentation left in the export?)"
        )
    saturated = dice <= tau or float(grown.mean()) > SATURATED_SHARE
    return SufficientRegionFacts(grown > 0, len(curve) - 1, dice, tuple(curve), saturated)


def _nested(region: Region) -> Iterator[Mask]:
    """The region and its dilations up to the full image."""
    yield region.astype(np.float32)
    while not region.all():
        region = dilate(region)
        yield region.astype(np.float32)


def most_dilations(*size: int) -> int:
    """How many dilations a corner pixel needs at most to fill an image.

    One dilation moves the front by (rows, columns) = (3, 0), (2, 2), (1, 3) or less: (H + W) / 4 for a
    square, W / 3 for a very wide image, H / 3 + W / 6 for a tall one (the element is not symmetric).
    """
    if len(size) == 3:
        return -(-sum(extent - 1 for extent in size) // DILATION_PIXELS)  # along the axes, one after the other
    height, width = size
    return math.ceil(max((height + width) / 4, width / 3, height / 3 + width / 6))


@dataclass(frozen=True)
class SufficientRegion(Method):
    """Stage 1 of MiSuRe on its own; needs nothing but forwards.

    The saliency map is 1 on the object and falls with every dilation to 0 outside the region.

    Attributes:
        tau: Dice that must be exceeded.
        baseline: what replaces the rest of the image.
    """

    name: ClassVar[str] = "sufficient_region"
    summary: ClassVar[str] = "grows the predicted object until the model finds it again (MiSuRe, stage 1)"

    tau: float = 0.9
    baseline: str = "zero"

    def __post_init__(self) -> None:
        require(0 <= self.tau < 1, f"tau must lie in [0, 1), got {self.tau}")

    def attribute(self, task: Task) -> Attribution:
        """Algorithm 1."""
        facts = grow_sufficient_region(task, make_baseline(self.baseline, task.image, task.rng()), self.tau)
        return Attribution(
            saliency=dilation_map(task.target.region, facts.dilations),
            soft_mask=facts.region.astype(np.float32),
            region=facts.region,
            sufficient_region=facts,
            tau=self.tau,
            baseline=self.baseline,
            status="saturated" if facts.saturated else "ok",
            trace={"sufficient_region_dice": list(facts.curve)},
        )
