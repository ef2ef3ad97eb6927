"""Is a region enough for the deployed model, under one baseline or under several?"""

from collections.abc import Callable, Iterable

import numpy as np

from misure_onnx.methods.task import Task
from misure_onnx.types import Images, Region

Passes = Callable[[Region], bool]


class Sufficiency:
    """Whether a region's Dice exceeds tau under each of some baselines, on the deployed model.

    A call stops at the first baseline that fails, and starts with the one that failed last: most regions
    that fail cost one forward.

    Args:
        task: image, target and deployed model.
        baselines: (1, C, H, W) each.
        tau: Dice to exceed.
    """

    def __init__(self, task: Task, baselines: Iterable[Images], tau: float) -> None:
        self._task, self._baselines, self._tau = task, list(baselines), tau

    def __call__(self, region: Region) -> bool:
        """Whether the region is enough."""
        for place, baseline in enumerate(self._baselines):
            if dice_of(self._task, region, baseline) <= self._tau:
                self._baselines.insert(0, self._baselines.pop(place))
                return False
        return True

    def first(self, regions: Iterable[Region], *, answer: bool) -> int | None:
        """The place of the first of some regions that is enough, or is not; None: none is of that kind.

        Under one baseline they are judged side by side, so that those begun beside the first one are paid for too.
        """
        if len(self._baselines) > 1:
            return next((place for place, region in enumerate(regions) if self(region) == answer), None)
        masks = (region.astype(np.float32) for region in regions)
        judged = self._task.judged(masks, self._baselines[0], until=lambda dice: (dice > self._tau) == answer)
        return next((place for place, (_, dice) in enumerate(judged) if (dice > self._tau) == answer), None)


def first_with_answer(passes: Passes, regions: Iterable[Region], *, answer: bool) -> int | None:
    """The place of the first of some regions that passes (`answer` True) or fails; None: none does."""
    if isinstance(passes, Sufficiency):
        return passes.first(regions, answer=answer)
    return next((place for place, region in enumerate(regions) if passes(region) == answer), None)


def dice_of(task: Task, region: Region, baseline: Images) -> float:
    """Hard Dice of the target when the deployed model sees a region (H, W) of the image."""
    return float(task.dice(region[None].astype(np.float32), baseline)[0])
