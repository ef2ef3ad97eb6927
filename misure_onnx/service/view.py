"""What a page needs to slide through dilations and thresholds by itself: `view.json` and the pictures it names.

Pictures that carry numbers are PNG without colour management, so that a page reads the numbers back from a canvas:

    saliency.png     grey 0..255, from the map's lowest value to its highest
    dilations.png    grey: the index in `dilations.stages` of the first stage that holds the pixel; 255: none does
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from misure_onnx.certificate_in_words import certificate_in_words
from misure_onnx.explanation import Explanation
from misure_onnx.files import encode_json, encode_pixels, encode_stretched
from misure_onnx.mask import dilate
from misure_onnx.methods.image_place import ImagePlace
from misure_onnx.segmenter import LoadedInput, Segmenter
from misure_onnx.target import ResolvedTarget, Target
from misure_onnx.types import Region

SCHEMA = "misure-onnx/view/1"
_CURVE = "sufficient_region_dice"
_NONE, _MOST_STAGES = 255, 255


def view_files(
    found: Explanation, segmenter: Segmenter, image: LoadedInput, target: Target | ResolvedTarget
) -> dict[str, bytes]:
    """`view.json`, `saliency.png` and, of methods that grow the object, `dilations.png`.

    Args:
        found: the explanation.
        segmenter: the model that it was made with; one forward finds the object's pixels again.
        image: that it was made with.
        target: that it was made with.
    """
    files = {"saliency.png": encode_stretched(found.saliency)}
    dilations = None
    if _CURVE in found.trace:
        stages, order = _dilations(
            found, _object(segmenter, image, target), ImagePlace(image.size, segmenter.spec.preprocessing)
        )
        files["dilations.png"] = encode_pixels(order)
        dilations = {"picture": "dilations.png", "none": _NONE, "stages": stages}
    return {**files, "view.json": encode_json(_document(found, dilations))}


def _object(segmenter: Segmenter, image: LoadedInput, target: Target | ResolvedTarget) -> Region:
    """Its pixels at the network's size."""
    if isinstance(target, ResolvedTarget):
        return target.region
    scores = segmenter.predict(segmenter.prepare(image))
    return target.resolve(segmenter.spec, scores, image.size).region


def _dilations(
    found: Explanation, region: Region, place: ImagePlace
) -> tuple[list[dict[str, Any]], npt.NDArray[np.uint8]]:
    """Every stage with its Dice, and the picture of all; of more than 255 stages as many, evenly chosen."""
    curve, area = found.trace[_CURVE], int(region.sum())
    kept = np.unique(np.linspace(0, len(curve) - 1, min(len(curve), _MOST_STAGES)).round().astype(int)).tolist()
    order = np.full(found.prediction.shape, _NONE, np.uint8)
    stages = list[dict[str, Any]]()
    for dilations, dice in enumerate(curve):
        if dilations in kept:
            order[(order == _NONE) & place.region(region)] = len(stages)
            stages.append({"dilations": dilations, "dice": dice, "ratio": int(region.sum()) / area})
        region = dilate(region)
    return stages, order


def _document(found: Explanation, dilations: dict[str, Any] | None) -> dict[str, Any]:
    document = found.to_json()
    bars, tau, findings = certificate_in_words(found.certificate)
    return {
        "schema": SCHEMA,
        "size": list(found.prediction.shape),
        "image": "image.jpg",
        "target": document["target"] | {"label": found.target.label},
        "method": document["method"],
        "metrics": document["metrics"],
        "cost": document["cost"],
        "status": found.provenance.status,
        "notes": list(found.provenance.notes),
        "saliency": {
            "picture": "saliency.png",
            "low": float(found.saliency.min()),
            "high": float(found.saliency.max()),
        },
        "regions": {
            "prediction": "prediction.png",
            "sufficient_region": None if found.sufficient_region is None else "sufficient_region.png",
            "minimal_region": "minimal_region.png",
            "alternatives": [f"alternative_{k + 1}.png" for k in range(len(found.alternative_regions))],
        },
        "dilations": dilations,
        "certificate": {
            "passed": found.certificate.passed,
            "tau": tau,
            "bars": [{"name": bar.name, "dice": bar.dice, "required": bar.required} for bar in bars],
            "findings": [{"good": finding.good, "text": finding.text} for finding in findings],
        },
    }
