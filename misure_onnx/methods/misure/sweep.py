"""The parameters of a sweep over areas."""

from dataclasses import dataclass

from misure_onnx.methods.misure.disturbance import Disturbance
from misure_onnx.types import Size


@dataclass(frozen=True)
class Sweep:
    """How the area is swept.

    Attributes:
        tau: Dice to exceed.
        iterations: masks evaluated, at most.
        patience: stop after so many masks without a smaller sufficient one; 0: never.
        smoothing: standard deviation of the Gaussian that scores are smoothed with, in pixels; 0: none.
        grid_size: scores live on a grid of this size.
        groups: the problem's baselines (indices) by kind; a mask is sufficient when it is under each kind.
            Several draws of one random kind take turns.
        descent: until the first mask fails, the area shrinks by so many times the usual step.
        disturbance: of mask and image in every step; None: none. What then seems sufficient was moved or noisy.
    """

    tau: float
    iterations: int
    patience: int
    smoothing: float
    grid_size: Size
    groups: tuple[tuple[int, ...], ...] = ((0,),)
    descent: float = 1.0
    disturbance: Disturbance | None = None
