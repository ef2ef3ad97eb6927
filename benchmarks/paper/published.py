"""The paper's numbers: Tables 1 to 7 of Hasany et al., MiSuRe (hal-05370304)."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """One row: mean Dice explained and perturbation ratio."""

    dice: float
    ratio: float


def _grid(dice: tuple[float, ...], ratio: tuple[float, ...]) -> dict[tuple[float, float], Published]:
    """Cells in reading order: rows are lambda, columns the learning rate."""
    keys = [(rate, weight) for weight in RATES for rate in RATES]
    return {key: Published(d, r) for key, d, r in zip(keys, dice, ratio, strict=True)}


RATES = (0.001, 0.01, 0.1)
"""Of both learning rate and lambda in Tables 2 to 5."""

MASK_SIZES = (56, 112, 224)

TABLE_1: Mapping[str, Mapping[str, Published]] = {
    "triangle unet": {
        "seg_grad_cam > 0.05": Published(0.665, 27.38),
        "seg_grad_cam > 0.1": Published(0.553, 16.86),
        "rise > 0.2": Published(0.995, 26.07),
        "rise > 0.4": Published(0.984, 5.83),
        "msr": Published(0.965, 0.63),
    },
    "synapse unet": {
        "seg_grad_cam > 0.05": Published(0.431, 254.47),
        "seg_grad_cam > 0.1": Published(0.348, 203.74),
        "rise > 0.2": Published(0.935, 319.11),
        "rise > 0.4": Published(0.656, 120.76),
        "msr": Published(0.797, 11.43),
    },
    "synapse transunet": {
        "seg_grad_cam > 0.05": Published(0.102, 89.36),
        "seg_grad_cam > 0.1": Published(0.082, 74.86),
        "rise > 0.2": Published(0.92, 299.55),
        "rise > 0.4": Published(0.595, 118.08),
        "msr": Published(0.775, 12.61),
    },
    "coco deeplabv3": {
        "seg_grad_cam > 0.05": Published(0.693, 5.47),
        "seg_grad_cam > 0.1": Published(0.628, 4.14),
        "rise > 0.2": Published(0.883, 9.2),
        "rise > 0.4": Published(0.639, 3.01),
        "msr": Published(0.81, 0.22),
    },
}
"""By data set and model. Table 1 and Table 6 give TransUNet's MSR different numbers
(0.775 and 12.61; 0.75 and 12.742)."""

SECONDS = {"seg_grad_cam": 0.067, "rise": 52.0, "msr": 3.38}
"""An image, on hardware that the paper does not name."""

GRIDS: Mapping[str, Mapping[tuple[float, float], Published]] = {
    "triangle unet": _grid(
        (0.987, 0.977, 0.969, 0.987, 0.976, 0.965, 0.987, 0.976, 0.924),
        (0.961, 0.96, 0.927, 0.961, 0.96, 0.627, 0.961, 0.957, 0.232),
    ),
    "synapse unet": _grid(
        (0.771, 0.773, 0.794, 0.768, 0.774, 0.797, 0.749, 0.78, 0.74),
        (140.123, 109.974, 14.045, 140.123, 97.405, 11.431, 140.123, 53.767, 5.403),
    ),
    "synapse transunet": _grid(
        (0.79, 0.796, 0.767, 0.788, 0.796, 0.75, 0.773, 0.783, 0.68),
        (158.849, 117.877, 14.861, 158.849, 104.78, 12.742, 158.849, 56.32, 4.571),
    ),
    "coco deeplabv3": _grid(
        (0.583, 0.737, 0.824, 0.583, 0.739, 0.81, 0.575, 0.736, 0.751),
        (3.478, 2.749, 0.33, 3.478, 2.57, 0.215, 3.478, 1.065, 0.061),
    ),
}
"""Tables 2, 3, 4 and 5, by (learning rate, lambda). The paper prints 2.749 as "2,749"."""

TABLE_6: Mapping[str, Mapping[int, Published]] = {
    "triangle unet": {56: Published(0.975, 2.212), 112: Published(0.971, 1.56), 224: Published(0.965, 0.627)},
    "synapse unet": {56: Published(0.769, 68.078), 112: Published(0.783, 49.478), 224: Published(0.797, 11.431)},
    "synapse transunet": {56: Published(0.674, 67.807), 112: Published(0.729, 52.442), 224: Published(0.75, 12.742)},
    "coco deeplabv3": {56: Published(0.77, 1.97), 112: Published(0.808, 1.576), 224: Published(0.81, 0.215)},
}


@dataclass(frozen=True)
class Reliability:
    """One row of Table 7."""

    samples: int
    accuracy: float
    auc: float


TABLE_7: Mapping[str, Reliability] = {
    "aorta": Reliability(540, 0.78, 0.78),
    "gallbladder": Reliability(147, 0.91, 0.95),
    "left kidney": Reliability(242, 0.95, 0.98),
    "right kidney": Reliability(260, 0.93, 0.97),
    "liver": Reliability(422, 0.93, 0.94),
    "pancreas": Reliability(217, 0.98, 0.72),
    "spleen": Reliability(255, 0.78, 0.88),
    "stomach": Reliability(292, 0.77, 0.88),
}
"""By organ of Synapse."""
