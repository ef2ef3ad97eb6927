"""Pictures and wishes as JSON -> explanations as JSON: what serving platforms send to an explainer, and get back."""

import base64
import binascii
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from misure_onnx.api import make_method
from misure_onnx.errors import ImageError, ParameterError
from misure_onnx.explanation import Explanation
from misure_onnx.files import encode_npy, encode_png, encode_rgb
from misure_onnx.images import LoadedImage, load_image
from misure_onnx.methods.base import spelled
from misure_onnx.segmenter import Segmenter
from misure_onnx.target import Target
from misure_onnx.types import Region

MOST_INSTANCES = 16
MOST_PIXELS = 25_000_000
_PARAMETERS = ("method", "preset", "settings", "class", "at", "seed", "files")


@dataclass(frozen=True)
class Wishes:
    """What is asked about every picture; a request's `parameters` replace single fields.

    Attributes:
        method, preset: as for `make_method`.
        settings: parameters of the method, as text or JSON values.
        class_spec: index or name of the class; None: the largest that is predicted and not background.
        at: (x, y), the one object under this pixel; None: the class as a whole.
        seed: of every random choice.
        files: which results come beside the numbers, in base64; of `FILES`.
    """

    method: str = "sufficient_region"
    preset: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    class_spec: int | str | None = None
    at: tuple[int, int] | None = None
    seed: int = 0
    files: tuple[str, ...] = ("prediction.png", "sufficient_region.png", "minimal_region.png")

    def replaced(self, parameters: Mapping[str, Any]) -> "Wishes":
        """With a request's parameters in the place of these.

        Raises:
            ParameterError: one is unknown or of the wrong type.
        """
        unknown = sorted(set(parameters) - set(_PARAMETERS))
        if unknown:
            known = ", ".join(_PARAMETERS)
            raise ParameterError(f"unknown parameters {', '.join(unknown)}; the known ones are {known}")
        method = _typed(parameters, "method", str, self.method)
        own = method == self.method  # another method has other presets and settings
        return Wishes(
            method=method,
            preset=_typed(parameters, "preset", str, self.preset if own else None),
            settings=_typed(parameters, "settings", dict, self.settings if own else {}),
            class_spec=_typed(parameters, "class", (int, str), self.class_spec),
            at=_point(parameters["at"]) if parameters.get("at") is not None else self.at,
            seed=_typed(parameters, "seed", int, self.seed),
            files=_files(parameters["files"]) if parameters.get("files") is not None else self.files,
        )


def explain_instances(segmenter: Segmenter, document: Any, wishes: Wishes) -> dict[str, Any]:
    """{"instances": [picture, ...], "parameters": {...}} -> {"explanations": [...]}.

    A picture is {"b64": "..."} (a PNG, JPEG, TIFF, ... in base64) or nested lists of whole numbers from 0 to 255,
    (H, W) or (H, W, 1 or 3), RGB. An explanation is the document of `explanation.json` and `files`, name -> base64.

    Raises:
        ImageError: an instance is no picture.
        ParameterError: a parameter is unknown or out of range, or there are too many instances.
        MisureError: as `Method.explain`.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("instances"), list):
        raise ParameterError('expected a JSON object {"instances": [picture, ...], "parameters": {...}}')
    instances, parameters = document["instances"], document.get("parameters") or {}
    if not 0 < len(instances) <= MOST_INSTANCES:
        raise ParameterError(f"expected 1 to {MOST_INSTANCES} instances, got {len(instances)}")
    if not isinstance(parameters, Mapping):
        raise ParameterError(f"parameters must be a JSON object, got {type(parameters).__name__}")
    asked = wishes.replaced(parameters)
    return {"explanations": [explain_picture(segmenter, picture_of(instance), asked) for instance in instances]}


def explain_picture(segmenter: Segmenter, picture: LoadedImage, wishes: Wishes) -> dict[str, Any]:
    """One explanation as JSON; raises as `explain_instances`."""
    texts = {name: spelled(value) for name, value in wishes.settings.items()}
    method = make_method(wishes.method, wishes.preset, texts)
    target = Target(class_spec=wishes.class_spec, point=wishes.at)
    found = method.explain(segmenter, picture, target, seed=wishes.seed)
    files = {name: FILES[name](found) for name in wishes.files}
    encoded = {name: base64.b64encode(content).decode() for name, content in files.items() if content is not None}
    return {**found.to_json(), "files": encoded}


def picture_of(instance: Any) -> LoadedImage:
    """A picture in base64 or as nested lists.

    Raises:
        ImageError: it is none.
    """
    if isinstance(instance, Mapping):
        return _decoded(instance)
    try:
        pixels = np.asarray(instance, np.float64)
    except (ValueError, TypeError) as error:
        raise ImageError(f"an instance is no picture: {error}") from error
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3)):
        raise ImageError(
            f"expected a picture (H, W) or (H, W, 3) in nested lists, or {{'b64': ...}}; got shape {list(pixels.shape)}"
        )
    if not (np.isfinite(pixels).all() and np.array_equal(pixels, np.clip(np.rint(pixels), 0, 255))):
        raise ImageError("the pixels of an instance must be whole numbers from 0 to 255")
    return load_image(pixels.astype(np.uint8))


def _decoded(instance: Mapping[str, Any]) -> LoadedImage:
    if set(instance) != {"b64"} or not isinstance(instance["b64"], str):
        raise ImageError("an instance that is an object must be {'b64': a picture's file in base64}")
    try:
        content = base64.b64decode(instance["b64"], validate=True)
    except binascii.Error as error:
        raise ImageError(f"an instance's b64 is no base64: {error}") from error
    with tempfile.TemporaryDirectory(prefix="misure-") as folder:
        path = Path(folder, "instance")
        path.write_bytes(content)
        return load_image(path, MOST_PIXELS)


def _region(region: Region | None) -> bytes | None:
    return None if region is None else encode_png(region)


FILES: dict[str, Callable[[Explanation], bytes | None]] = {
    "prediction.png": lambda found: _region(found.prediction),
    "sufficient_region.png": lambda found: _region(found.sufficient_region),
    "minimal_region.png": lambda found: _region(found.minimal_region),
    "saliency.npy": lambda found: encode_npy(found.saliency),
    "overlay.png": lambda found: encode_rgb(found.overlay()),
    "figure.png": lambda found: found.figure(),
}
"""Results that can come beside the numbers; None: the method has no such result."""


def _typed(parameters: Mapping[str, Any], name: str, kind: Any, otherwise: Any) -> Any:
    value = parameters.get(name)
    if value is None:
        return otherwise
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ParameterError(f"parameter {name!r} must be of another type than {type(value).__name__}")
    return value


def _point(value: Any) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2 or not all(type(n) is int for n in value):
        raise ParameterError(f"parameter 'at' must be [x, y] in whole pixels, got {value!r}")
    return value[0], value[1]


def _files(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(name in FILES for name in value):
        raise ParameterError(f"parameter 'files' must be a list of {', '.join(FILES)}")
    return tuple(value)
