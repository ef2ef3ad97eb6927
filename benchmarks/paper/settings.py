"""Every way in which something is explained, by the name that it has in the results."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.paper.published import MASK_SIZES, RATES
from benchmarks.paper.readings import Reading
from misure_onnx.api import make_method
from misure_onnx.methods.base import Method

RISE_MASKS = {"full": 2000, "small": 500}


@dataclass(frozen=True)
class Setting:
    """A method, and where its map is cut.

    Attributes:
        method: what explains.
        thresholds: of the map, scaled to [0, 1]; none: the method's own region.
        double_softmax: on the model with a second softmax.
    """

    method: Method
    thresholds: tuple[float, ...] = ()
    double_softmax: bool = False


def msr(rate: float, weight: float, mask_size: int) -> str:
    """The name of preset `paper` at a learning rate, a lambda and a mask size."""
    return f"msr {rate:g} {weight:g} {mask_size}"


def _misure(preset: str, **parameters: str) -> Setting:
    return Setting(make_method("misure", preset, parameters))


def _paper(rate: float, weight: float, mask_size: int) -> Setting:
    parameters = {"learning_rate": str(rate), "area_weight": str(weight), "mask_size": str(mask_size)}
    return _misure("paper", **parameters)


PAPER = msr(0.1, 0.01, 224)
GRID = tuple(msr(rate, weight, 224) for weight in RATES for rate in RATES)
SIZES = tuple(msr(0.1, 0.01, size) for size in MASK_SIZES)
OURS = ("default", "default tau=0.965", "smooth", "smooth tau=0.965", "minimal", "minimal route=search")
READINGS: Mapping[str, Setting] = {
    "reading: 0.5 outside the object": Setting(Reading(outside=0.5)),
    "reading: first channel above 0": Setting(Reading(visible=True)),
    "reading: first channel above 0, learning rate 0.001": Setting(Reading(visible=True, learning_rate=0.001)),
    "reading: double softmax": Setting(Reading(), double_softmax=True),
    "reading: class-averaged Dice": Setting(Reading(averaged=True)),
    "reading: all four, clamp from iteration 10": Setting(
        Reading(outside=0.5, visible=True, averaged=True, clamp_from=10), double_softmax=True
    ),
}


def settings(*, small: bool, layer: str = "") -> dict[str, Setting]:
    """All of them.

    Args:
        small: fewer masks for RISE.
        layer: of Seg-Grad-CAM; empty: the bottleneck.
    """
    masks = RISE_MASKS["small" if small else "full"]
    return {
        "seg_grad_cam": Setting(make_method("seg_grad_cam", None, {"layer": layer}), (0.05, 0.1)),
        "rise": Setting(make_method("rise", "paper", {"masks": str(masks)}), (0.2, 0.4)),
        **{msr(rate, weight, 224): _paper(rate, weight, 224) for weight in RATES for rate in RATES},
        **{msr(0.1, 0.01, size): _paper(0.1, 0.01, size) for size in MASK_SIZES},
        "default": _misure("smooth", second_run="0"),
        "default tau=0.965": _misure("smooth", second_run="0", tau="0.965"),
        "smooth": _misure("smooth", second_run="0", iterations="100", descent="1"),
        "minimal": _misure("minimal", second_run="0"),
        "smooth tau=0.965": _misure("smooth", second_run="0", tau="0.965", iterations="100", descent="1"),
        "minimal route=search": _misure("minimal", second_run="0", route="search"),
        **READINGS,
    }


TABLE_1 = ("seg_grad_cam", "rise", PAPER, *OURS)
OBJECTS = ("seg_grad_cam", "rise", PAPER, "default", "smooth")
