"""From a request and an image to the files of an explanation: the same call that a program would make."""

from pathlib import Path
from typing import Any

from misure_onnx.api import every_object, make_method, make_metrics
from misure_onnx.errors import TargetError
from misure_onnx.explanation import Explanation
from misure_onnx.files import encode_jpeg
from misure_onnx.images import LoadedImage
from misure_onnx.methods.base import Method, spelled
from misure_onnx.methods.progress import Progress
from misure_onnx.metrics.base import Metric
from misure_onnx.report.explanation_page import explanation_page
from misure_onnx.segmenter import Segmenter
from misure_onnx.service.asking import ExplanationRequest, TargetRequest
from misure_onnx.service.predicting import MIN_PIXELS
from misure_onnx.service.view import view_files
from misure_onnx.target import ResolvedTarget, Target

_QUALITY = 90


def requested_method(request: ExplanationRequest) -> Method:
    """The method, with its parameters.

    Raises:
        ParameterError: there is none of this name, preset or parameter, or a value is out of range.
    """
    settings = {key: spelled(value) for key, value in request.settings.items()}
    return make_method(request.method, request.preset, settings)


def requested_metrics(request: ExplanationRequest) -> dict[str, Metric]:
    """The further metrics.

    Raises:
        ParameterError: there is none of this name.
    """
    return make_metrics(request.metrics) if request.metrics else {}


def explain_into(
    folder: Path, segmenter: Segmenter, image: LoadedImage, request: dict[str, Any], progress: Progress
) -> Explanation:
    """Explains, and writes every file that the service hands out.

    Args:
        folder: of the attempt.
        segmenter: the model.
        image: what was uploaded.
        request: an `ExplanationRequest`, as JSON.
        progress: told how far it is; may raise to end the work.

    Raises:
        MisureError: as `Method.explain` and `Explanation.save`.
    """
    wanted = ExplanationRequest.model_validate(request)
    target = requested_target(wanted.target, segmenter, image)
    found = requested_method(wanted).explain(
        segmenter, image, target, seed=wanted.seed, progress=progress, metrics=requested_metrics(wanted)
    )
    progress("files", 0, 1)
    found.save(folder)
    files = view_files(found, segmenter, image, target)
    files["image.jpg"] = encode_jpeg(image.rgb, _QUALITY)
    files["report.html"] = explanation_page(found, (folder / "figure.png").read_bytes())
    for name, content in files.items():
        (folder / name).write_bytes(content)
    progress("files", 1, 1)
    return found


def requested_target(asked: TargetRequest, segmenter: Segmenter, image: LoadedImage) -> Target | ResolvedTarget:
    """What is to be explained.

    Raises:
        TargetError: the model finds fewer objects than the number that was asked for.
    """
    if asked.component is None:
        return Target(class_spec=asked.class_, point=asked.point, against=asked.against, border=asked.border)
    objects = every_object(segmenter, image, min_pixels=MIN_PIXELS)
    if asked.component > len(objects):
        raise TargetError(f"object {asked.component} was asked for; the model finds {len(objects)} objects here")
    return objects[asked.component - 1]
