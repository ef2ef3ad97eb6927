"""Is a region enough for the deployed model, under one baseline or under several?"""

import math
from collections.abc import Callable, Iterable, Iterator

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
        return self.margin(region) > 0

    def margin(self, region: Region) -> float:
        """The lowest Dice met, less tau; above 0: the region is enough."""
        worst = math.inf
        for place, baseline in enumerate(self._baselines):
            worst = min(worst, dice_of(self._task, region, baseline) - self._tau)
            if worst <= 0:
                self._baselines.insert(0, self._baselines.pop(place))
                break
        return worst

    def margins(self, regions: Iterable[Region], *, until: bool) -> Iterator[float]:
        """Of each region, up to the first that is enough (`until` True) or is not; its own too.

        Under one baseline they are judged side by side, so that those begun beside the last one are paid for too.
        """
        if len(self._baselines) > 1:
            yield from _up_to(map(self.margin, regions), until=until)
            return
        masks = (region.astype(np.float32) for region in regions)
        judged = self._task.judged(masks, self._baselines[0], until=lambda dice: (dice > self._tau) == until)
        yield from (dice - self._tau for _, dice in judged)


def margins_of(passes: Passes, regions: Iterable[Region], *, until: bool) -> list[float]:
    """`Sufficiency.margins`; of another check 1 where a region passes, and -1 where it does not."""
    if isinstance(passes, Sufficiency):
        return list(passes.margins(regions, until=until))
    return list(_up_to((1.0 if passes(region) else -1.0 for region in regions), until=until))


def _up_to(margins: Iterable[float], *, until: bool) -> Iterator[float]:
    """Up to the first above 0 (`until` True) or not above 0, and that one."""
    for margin in margins:
        yield margin
        if (margin > 0) == until:
            return


def dice_of(task: Task, region: Region, baseline: Images) -> float:
    """Hard Dice of the target when the deployed model sees a region (H, W) of the image."""
    return float(task.dice(region[None].astype(np.float32), baseline)[0])
