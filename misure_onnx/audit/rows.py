"""From an explanation, or from its failure, to a row of the table."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from misure_onnx.audit.columns import SCHEMA_VERSION, Row
from misure_onnx.audit.confidence import Confidence
from misure_onnx.audit.placement import placement
from misure_onnx.audit.rle import encode
from misure_onnx.explanation import Explanation
from misure_onnx.mask import components
from misure_onnx.methods.base import Method
from misure_onnx.overlap import hard_dice
from misure_onnx.types import Region


@dataclass(frozen=True, eq=False)
class Asked:
    """One class or object of one image, before any method.

    Attributes:
        class_index, class_name: the class.
        number: 0 for the class as a whole, else which object, 1 = the largest.
        confidence: of the model in it, where it says so.
        truth: (H, W) the class's pixels in the ground truth, at the image's size.
    """

    class_index: int
    class_name: str | None
    number: int
    confidence: Confidence | None = None
    truth: Region | None = None


def failed_row(image: Row, method: Method, seed: int, error: str, *, status: str = "failed") -> Row:
    """A row without an explanation."""
    return {**image, **_method(method, seed), "status": status, "error": error}


def asked_columns(asked: Asked, prediction: Region | None = None) -> Row:
    """What is known of a class or object whatever the method finds."""
    row: Row = {"class_index": asked.class_index, "class_name": asked.class_name, "object": asked.number}
    if asked.confidence is not None:
        row["mean_max_probability"] = asked.confidence.max_probability
        row["mean_entropy"] = asked.confidence.entropy
    if asked.truth is not None:
        row["truth_pixels"] = int(asked.truth.sum())
        row["dice_truth"] = 0.0 if prediction is None else dice_with_truth(prediction, asked)
    return row


def dice_with_truth(prediction: Region, asked: Asked) -> float | None:
    """Of the whole class; of an object, with the true objects that it touches."""
    if asked.truth is None:
        return None
    truth = asked.truth
    if asked.number > 0:
        touched = [part for part in components(truth) if (part & prediction).any()]
        truth = np.logical_or.reduce(touched) if touched else np.zeros_like(truth)
    return float(hard_dice(prediction, truth))


def explained_row(image: Row, method: Method, asked: Asked, found: Explanation) -> Row:
    """A row with an explanation."""
    return {
        **image,
        **_method(method, found.provenance.seed),
        **asked_columns(asked, found.prediction),
        "status": found.provenance.status,
        "pixels": found.target.pixels,
        "area_share": found.target.pixels / found.prediction.size,
        "centroid": list(found.target.centroid_xy),
        **_metrics(found),
        **_certificate(found),
        **_placement(found),
        **_regions(found),
        "metrics": {name: one.value for name, one in found.metrics.more.items() if one.value is not None},
        "gradient_route": found.provenance.gradient_route,
        "forwards": found.cost.forwards,
        "backwards": found.cost.backwards,
        "notes": list(found.provenance.notes),
        "seconds": found.cost.seconds,
    }


def image_columns(sample: Mapping[str, Any]) -> Row:
    """What is known of an image before it is read."""
    return {
        "schema_version": SCHEMA_VERSION,
        "image": sample["name"],
        "image_sha256": sample["image_sha256"],
        "image_number": sample["number"],
        "group": sample["group"],
    }


def _method(method: Method, seed: int) -> Row:
    parameters = json.dumps(method.parameters(), sort_keys=True)
    return {"method": method.name, "preset": method.preset(), "parameters": parameters, "seed": seed}


def _metrics(found: Explanation) -> Row:
    metrics, stage_1 = found.metrics, found.metrics.sufficient_region
    row: Row = {
        "dice_explained": metrics.dice_explained,
        "dice_explained_soft": metrics.dice_explained_soft,
        "perturbation_ratio": metrics.perturbation_ratio,
        "predicted_mask_dice": metrics.predicted_mask.dice_explained,
        "random_mask_dice": metrics.random_mask.dice_explained,
    }
    if stage_1 is not None:
        row |= {
            "dilations": stage_1.dilations,
            "sufficient_dice": stage_1.dice,
            "sufficient_ratio": stage_1.ratio,
        }
    return row


def _certificate(found: Explanation) -> Row:
    shown = found.certificate
    return {
        "tau": shown.tau,
        "passed": shown.passed,
        **{f"dice_{name}": dice for name, dice in shown.baselines.items()},
        "necessity": shown.necessity,
        "silhouette": shown.silhouette,
        "stability_shift": shown.stability.shift_2px,
        "stability_jpeg": shown.stability.jpeg,
        "second_run_overlap": shown.stability.second_run_overlap,
        "minimal_at_block_px": shown.minimal_at_block_px,
    }


def _placement(found: Explanation) -> Row:
    place = placement(found.minimal_region, found.prediction)
    if place is None:
        return {}
    return {
        "outside_share": place.outside,
        "boundary_share": place.boundary,
        "interior_share": place.interior,
        "outside_distance": place.distance,
    }


def _regions(found: Explanation) -> Row:
    sufficient = found.sufficient_region
    return {
        "prediction_rle": encode(found.prediction),
        "sufficient_region_rle": None if sufficient is None else encode(sufficient),
        "minimal_region_rle": encode(found.minimal_region),
    }
