"""The most salient pixels of a map, for any area, and Dice along nested areas."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from misure_onnx.metrics.base import MapCandidate
from misure_onnx.types import Images, Mask, SaliencyMap


class AreaOrder:
    """The pixels of a map from the most to the least salient one, equal ones in random order.

    Maps of whole regions consist of ties: one fixed order among equals would be a choice that no method made.
    Where an area ends between different values, all orders keep the same pixels.

    Args:
        saliency: (H, W).
        draws: random orders of equal pixels.
        seed: of the draws.
    """

    def __init__(self, saliency: SaliencyMap, draws: int, seed: int) -> None:
        flat = saliency.ravel()
        self._shape = saliency.shape
        self._sorted = np.sort(flat)[::-1]
        self._orders: list[npt.NDArray[np.int64]] = []
        for draw in range(draws):
            among_equals = np.random.default_rng((seed, draw)).random(flat.size)
            self._orders.append(np.lexsort((among_equals, -flat)))

    def unambiguous_up_to(self, area: int) -> bool:
        """Whether all orders keep the same pixels for every area up to this one."""
        return bool((np.diff(self._sorted[: area + 1]) < 0).all())

    def masks(self, area: int) -> Iterator[Mask]:
        """(H, W) each, 1 on the `area` most salient pixels: one where that is unambiguous, else one a draw."""
        unambiguous = area in (0, self._sorted.size) or self._sorted[area - 1] > self._sorted[area]
        for order in self._orders[:1] if unambiguous else self._orders:
            mask = np.zeros(self._sorted.size, np.float32)
            mask[order[:area]] = 1
            yield mask.reshape(self._shape)


@dataclass(frozen=True, eq=False)
class AreaCurve:
    """Dice at each of several areas.

    Attributes:
        areas: pixels.
        dice: mean over the draws.
        spread: largest minus smallest Dice among the draws.
    """

    areas: Sequence[int]
    dice: list[float]
    spread: list[float]


def dice_along(
    candidate: MapCandidate, order: AreaOrder, areas: Sequence[int], baseline: Images, *, removed: bool = False
) -> AreaCurve:
    """Dice when the most salient pixels are kept (or removed), an area after the other."""
    counts: list[int] = []

    def masks() -> Iterator[Mask]:
        for area in areas:
            drawn = list(order.masks(area))
            counts.append(len(drawn))
            yield from ((1 - mask) if removed else mask for mask in drawn)

    judged = [dice for _, dice in candidate.judge(masks(), baseline, many=True)]
    parts = np.split(np.array(judged), np.cumsum(counts)[:-1])
    return AreaCurve(areas, [float(part.mean()) for part in parts], [float(np.ptp(part)) for part in parts])


def equal_steps(size: int, steps: int) -> list[int]:
    """`steps` + 1 areas from 0 to `size`, as equally spaced as whole pixels allow."""
    return [round(size * step / steps) for step in range(steps + 1)]
