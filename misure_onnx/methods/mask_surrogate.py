"""A stand-in for the model: from a few hundred masks, and what the model said of them, to the Dice of any other mask.

It learns in two steps. The Dice of a mask is one number, near 0 or near 1 on many objects, and a few hundred of them
tell little; how far the object is ahead in each part of the image (methods/places.py) is known for every mask as well.
The first step goes from the mask to a few components of that, the second from these to the Dice. Between the two
stands what the first step says of masks that it has not seen, so that the second learns how far to believe it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from misure_onnx.methods.kernel_regression import KernelRegression, Settings, fit_kernels
from misure_onnx.methods.latent_components import components_towards, principal_components
from misure_onnx.types import FloatArray

Values = npt.NDArray[np.float64]

_PRINCIPAL, _TOWARDS = 6, 3
_TO_COMPONENTS, _TO_DICE = Settings(3, 2.0, 1e-2), Settings(2, 4.0, 0.3)
_FENCE, _OUTLIERS = 2.0, 0.05
"""Beyond so many times the range of all but a twentieth at either end, a Dice is an outlier."""


@dataclass(frozen=True, eq=False)
class MaskSurrogate:
    """From masks to Dice.

    Attributes:
        first: from masks to components, each with a kernel of its own.
        centre, spread: of what these say of unseen masks.
        second: from components to the Dice, and to that of outliers, each with the share of it that is believed.
    """

    first: tuple[KernelRegression, ...]
    centre: FloatArray
    spread: FloatArray
    second: tuple[tuple[float, KernelRegression], ...]

    def __call__(self, masks: FloatArray) -> FloatArray:
        """(k,) for masks (k, D): the Dice, but for a constant."""
        seen = np.concatenate([one(masks) for one in self.first], axis=1)
        components = (seen - self.centre) / self.spread
        dice = np.zeros(len(masks), np.float32)
        for share, one in self.second:
            dice += share * one(components)[:, 0]
        return dice


def fit_surrogate(masks: FloatArray, dice: Values, places: FloatArray) -> MaskSurrogate:
    """Of masks (n, D) in [0, 1], their Dice (n,), and what the model said place by place (n, F)."""
    usual = within_fence(dice)
    shared = np.column_stack([principal_components(places, _PRINCIPAL), _standardised(usual)]).astype(np.float32)
    alone = components_towards(places, usual, _TOWARDS).T[..., None]
    first = fit_kernels(masks, [shared, *alone], _TO_COMPONENTS)
    seen = np.concatenate([one.unseen for one in first], axis=1)
    centre, spread = seen.mean(axis=0), seen.std(axis=0)
    spread[spread == 0] = 1
    components = (seen - centre) / spread
    second = [_believed(components, part) for part in (usual, dice - usual) if np.ptp(part) > 0]
    return MaskSurrogate(tuple(first), centre, spread, tuple(second))


def within_fence(values: Values) -> Values:
    """Outliers brought back to the fence; where nothing else varies, they are all there is, and stay.

    Where nearly every mask leaves the object whole, one in a thousand that loses it would bend all that is learned.
    """
    lower, upper = np.quantile(values, [_OUTLIERS, 1 - _OUTLIERS])
    reach = _FENCE * (upper - lower)
    return np.clip(values, lower - reach, upper + reach) if reach else values


def _believed(components: FloatArray, dice: Values) -> tuple[float, KernelRegression]:
    """The second step, and the slope of the true Dice over its answers to unseen masks: 0 where it learned nothing."""
    (fitted,) = fit_kernels(components, [np.asarray(dice[:, None], np.float32)], _TO_DICE)
    answers = fitted.unseen[:, 0] - fitted.unseen[:, 0].mean()
    squares = float(answers @ answers)
    return (min(max(float(answers @ dice) / squares, 0.0), 1.0) if squares else 0.0), fitted


def _standardised(values: Values) -> Values:
    deviation = float(values.std())
    return np.asarray((values - values.mean()) / (deviation or 1.0))
