"""Numbers about an explanation. One file a metric, one line here; the kind it derives from says what it needs."""

from misure_onnx.metrics.base import Metric, RegionMetric
from misure_onnx.metrics.dice_by_ratio import DiceByRatio
from misure_onnx.metrics.dice_explained import DiceExplained, DiceExplainedSoft
from misure_onnx.metrics.image_preserved import ImagePreserved
from misure_onnx.metrics.infidelity import Infidelity
from misure_onnx.metrics.insertion import Deletion, Insertion
from misure_onnx.metrics.manipulability import Manipulability
from misure_onnx.metrics.mass_in_truth import MassInTruth
from misure_onnx.metrics.max_sensitivity import MaxSensitivity
from misure_onnx.metrics.perturbation_ratio import PerturbationRatio
from misure_onnx.metrics.pointing_game import PointingGame
from misure_onnx.metrics.prediction_preserved import ExcessPrediction, PredictionPreserved
from misure_onnx.metrics.randomisation import Randomisation
from misure_onnx.metrics.restoring_area import RestoringArea
from misure_onnx.metrics.seed_agreement import SeedAgreement

METRICS: dict[str, type[Metric]] = {
    "dice_explained": DiceExplained,
    "dice_explained_soft": DiceExplainedSoft,
    "perturbation_ratio": PerturbationRatio,
    "restoring_area": RestoringArea,
    "dice_by_ratio": DiceByRatio,
    "insertion": Insertion,
    "deletion": Deletion,
    "infidelity": Infidelity,
    "prediction_preserved": PredictionPreserved,
    "excess_prediction": ExcessPrediction,
    "image_preserved": ImagePreserved,
    "pointing_game": PointingGame,
    "mass_in_truth": MassInTruth,
    "max_sensitivity": MaxSensitivity,
    "randomisation": Randomisation,
    "seed_agreement": SeedAgreement,
    "manipulability": Manipulability,
}

ALWAYS: dict[str, type[RegionMetric]] = {
    name: metric for name, metric in METRICS.items() if issubclass(metric, RegionMetric)
}
"""Measured for every explanation, whether asked for or not."""
