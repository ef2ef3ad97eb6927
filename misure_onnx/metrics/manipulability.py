"""How far a map can be moved while picture and prediction stay (Gipiskis et al. 2023)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from misure_onnx.errors import require
from misure_onnx.metrics.agreement import map_agreement
from misure_onnx.metrics.base import Measured, Rerun, RerunMetric
from misure_onnx.metrics.pixel_levels import Levels, shifted


@dataclass(frozen=True)
class Manipulability(RerunMetric):
    """Largest 1 - Spearman correlation with the map that a search over invisible perturbations finds.

    A perturbation shifts pixels and channels by -levels or +levels; one whose prediction keeps Dice >= `dice` with
    the target is allowed. The search starts from random signs in blocks (in
    half as many for each start that is not allowed) and then flips all signs of a random square,
    keeping what moves the map further; squares shrink as the budget is spent. Gipiskis et al. descend a gradient
    towards a given map; this needs none, and is a lower bound: more budget can only find more.

    Attributes:
        levels: grey levels of 255.
        dice: that the prediction must keep.
        budget: perturbations tried; the method is run for those that are allowed.
    """

    summary: ClassVar[str] = "largest change of the map found under 2/255 of noise that keeps the prediction"
    higher_is_better: ClassVar[bool] = False
    unit: ClassVar[str] = "1 - Spearman correlation"
    source: ClassVar[str] = "Gipiskis et al. 2023 (IEEE Systems Journal), with a seeded random search"

    levels: int = 2
    dice: float = 0.99
    budget: int = 30

    def __post_init__(self) -> None:
        require(1 <= self.levels <= 255, f"levels must be from 1 to 255, got {self.levels}")
        require(0 <= self.dice <= 1, f"dice must lie in [0, 1], got {self.dice}")
        require(self.budget >= 1, f"budget must be at least 1, got {self.budget}")

    def measure(self, rerun: Rerun) -> Measured:
        """In [0, 2]: 0 = nothing found that moves the map; the details say how many perturbations were allowed."""
        rng, size = np.random.default_rng(rerun.seed), rerun.image.shape[1:]
        best, largest, allowed, kept = None, 0.0, 0, 1.0
        for tried in range(self.budget):
            if best is None:
                signs = _random_blocks(size, 0.5**tried, rng)
            else:
                signs = flipped(best, 0.5 * (1 - tried / self.budget), rng)
            perturbed = shifted(rerun.image, self.levels * signs, rerun.segmenter.spec.preprocessing)
            dice = float(rerun.dice_in(perturbed)[0])
            if dice < self.dice:
                continue
            allowed += 1
            change = 1 - map_agreement(rerun.saliency, rerun.explain(image=perturbed))
            if best is None or change > largest:
                best, largest, kept = signs, change, dice
        if best is None:
            return Measured(None, {"reason": f"none of {self.budget} perturbations kept the prediction"})
        return Measured(largest, {"tried": self.budget, "allowed": allowed, "dice_kept": kept})


def _random_blocks(size: tuple[int, ...], share: float, rng: np.random.Generator) -> Levels:
    """Signs (C, H, W), constant on blocks of a sixteenth of the longer side; 0 on all but about a share of them."""
    block = max(1, max(size[1:]) // 16)
    signs = rng.choice([-1, 1], (size[0], *(-(-extent // block) for extent in size[1:])))
    signs[rng.random(signs.shape) >= share] = 0
    for axis, extent in enumerate(size[1:], start=1):
        signs = signs.repeat(block, axis=axis).take(range(extent), axis=axis)
    return signs


def flipped(signs: Levels, share: float, rng: np.random.Generator) -> Levels:
    """The signs of one channel negated inside a random square with `share` of the shorter side."""
    side = max(1, round(share * min(signs.shape[1:])))
    first = [int(rng.integers(0, extent - side + 1)) for extent in signs.shape[1:]]
    changed = signs.copy()
    channel = changed[int(rng.integers(len(signs)))]
    channel[tuple(slice(at, at + side) for at in first)] *= -1
    return changed
