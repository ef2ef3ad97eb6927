"""What a model finds in an image: classes, objects, and pictures in which a page looks up what was clicked.

Both pictures are PNG at the network's size, in which every pixel carries the number R + 256 G: a class's index in
`labels` (65535: none), an object's number in `objects` (0: none, or too small).
"""

import base64
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from misure_onnx.errors import TargetError
from misure_onnx.files import encode_pixels
from misure_onnx.images import LoadedImage
from misure_onnx.methods.image_place import ImagePlace
from misure_onnx.segmenter import Segmenter
from misure_onnx.target import ResolvedTarget, every_object
from misure_onnx.types import FloatArray, Region, Scores

MIN_PIXELS = 16
"""Objects with fewer pixels at the network's size get no number; a point still names them."""

_NO_CLASS = 65535


def predict(segmenter: Segmenter, image: LoadedImage) -> dict[str, Any]:
    """The document of `POST /v1/predictions`.

    Raises:
        TargetError: the model takes volumes.
        ImageError, ModelError: as for an explanation.
    """
    spec = segmenter.spec
    if spec.rank != 2:
        raise TargetError("the model takes volumes; the service takes pictures (PNG, JPEG)")
    scores = segmenter.predict(segmenter.prepare(image))
    probabilities = spec.head.probabilities(scores)[0]
    labels, place = spec.head.labels(scores)[0], ImagePlace(image.size, spec.preprocessing)
    objects = _objects(segmenter, scores)
    numbers = np.zeros(labels.shape, np.int64)
    for number, one in enumerate(objects, start=1):  # the smaller of two that overlap lies above
        numbers[one.region] = number
    return {
        "image_size": list(image.size),
        "network_size": list(labels.shape),
        "classes": [
            {"index": index, "name": spec.class_name(index), "pixels": pixels}
            for index in range(spec.classes)
            if (pixels := int(spec.head.membership(scores, index).sum()))
        ],
        "objects": [
            _described(number, one, probabilities, place) for number, one in enumerate(objects, start=1)
        ],
        "labels": _picture(np.where(labels < 0, _NO_CLASS, labels)),
        "objects_map": _picture(numbers),
    }  # fmt: skip


def _objects(segmenter: Segmenter, scores: Scores) -> tuple[ResolvedTarget, ...]:
    try:
        return every_object(segmenter.spec, scores, min_pixels=MIN_PIXELS)
    except TargetError:  # there is none
        return ()


def _described(number: int, one: ResolvedTarget, probabilities: FloatArray, place: ImagePlace) -> dict[str, Any]:
    """An object in pixels of the image; box and point are None where it has none left there."""
    shown = place.region(one.region)
    return {
        "number": number,
        "class_index": one.class_index,
        "class_name": one.class_name,
        "label": one.label,
        "pixels": int(shown.sum()),
        "network_pixels": int(one.region.sum()),
        "score": float(probabilities[one.class_index][one.region].mean()),
        "box": _box(shown),
        "point": _inside(shown),
    }


def _box(region: Region) -> list[int] | None:
    """(x, y, width, height)."""
    if not region.any():
        return None
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    return [
        int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)
    ]  # fmt: skip


def _inside(region: Region) -> list[int] | None:
    """(x, y) of a pixel far from the region's border."""
    if not region.any():
        return None
    framed = np.pad(region, 1).astype(np.uint8)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, 3)[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return [int(column), int(row)]


def _picture(numbers: npt.NDArray[np.int64]) -> str:
    """A data URI."""
    red, green = numbers % 256, numbers // 256
    pixels = np.dstack([np.zeros_like(red), green, red]).astype(np.uint8)  # OpenCV writes BGR as RGB
    return "data:image/png;base64," + base64.b64encode(encode_pixels(pixels)).decode("ascii")
