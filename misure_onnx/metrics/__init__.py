"""Numbers about an explanation. One file a metric, one line here."""

from collections.abc import Callable

from misure_onnx.metrics.base import Metric
from misure_onnx.metrics.dice_explained import DiceExplained, DiceExplainedSoft
from misure_onnx.metrics.perturbation_ratio import PerturbationRatio

METRICS: dict[str, Callable[[], Metric]] = {
    "dice_explained": DiceExplained,
    "dice_explained_soft": DiceExplainedSoft,
    "perturbation_ratio": PerturbationRatio,
}
