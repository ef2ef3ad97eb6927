"""Further metrics of an explanation that was made before, and perhaps loaded from files."""

import dataclasses
from collections.abc import Mapping
from typing import cast

import numpy as np

from misure_onnx.classes import predicted_region
from misure_onnx.errors import InputError, ParameterError
from misure_onnx.explanation import Explanation
from misure_onnx.ground_truth import TruthLike
from misure_onnx.images import ImageLike, LoadedImage, load_image
from misure_onnx.mask import resize_map, resize_region
from misure_onnx.methods.base import Attribution
from misure_onnx.methods.measuring import Wanted, measure_wanted
from misure_onnx.methods.progress import Progress, silent
from misure_onnx.methods.task import Task
from misure_onnx.metrics.base import MapMetric, Metric, TruthMetric
from misure_onnx.segmenter import CountingSegmenter, Segmenter
from misure_onnx.target import ResolvedTarget, TargetKind, rather_than
from misure_onnx.types import Images, SaliencyMap


def measure(
    explanation: Explanation,
    segmenter: Segmenter,
    image: ImageLike,
    metrics: Mapping[str, Metric],
    *,
    truth: TruthLike | None = None,
    batch_size: int | None = None,
    progress: Progress = silent,
) -> Explanation:
    """The explanation with further metrics under `metrics.more`, without explaining again.

    They are measured on the saved map. Where image and network differ in size, it was resized once more than the map
    that `Method.explain` measures, and a note says so.

    Args:
        explanation: made before, or loaded.
        segmenter: the one that it was made with.
        image: the one that it was made with.
        metrics: of a map, with or without a ground truth; see `make_metrics`.
        truth: as for `Method.explain`.
        batch_size: as for `Method.explain`.
        progress: as for `Method.explain`.

    Raises:
        ParameterError: a metric is always measured, or runs the method again.
        InputError: another image or model.
    """
    loaded = load_image(image)
    _check_metrics(metrics)
    wanted = Wanted.of(metrics, truth, loaded.size)
    counting = CountingSegmenter(segmenter)
    target = target_of(explanation, counting, loaded)
    network_image = counting.prepare(loaded)
    batch = batch_size or counting.spec.batch_size
    task = Task(counting, network_image, target, explanation.provenance.seed, batch, progress)
    region = resize_region(explanation.minimal_region, task.size)
    found = Attribution(
        saliency=resize_map(explanation.saliency, task.size),
        soft_mask=region.astype(np.float32),
        region=region,
        baseline=str(explanation.method.parameters.get("baseline", "zero")),
    )
    more = {**explanation.metrics.more, **measure_wanted(wanted, _no_method, task, found)}
    note = "metrics were measured on the saved map, brought from the image's size to the network's"
    notes = explanation.provenance.notes
    if task.size != loaded.size and note not in notes:
        notes = (*notes, note)
    return dataclasses.replace(
        explanation,
        metrics=dataclasses.replace(explanation.metrics, more=more),
        provenance=dataclasses.replace(explanation.provenance, notes=notes),
    )


def target_of(explanation: Explanation, segmenter: CountingSegmenter, image: LoadedImage) -> ResolvedTarget:
    """The target of an explanation, from the prediction of the same model on the same image and the saved region.

    Raises:
        InputError: another image or model, or the object is too small to be found again in the saved prediction.
    """
    _check_same(explanation, segmenter, image)
    record, scores = explanation.target, segmenter.predict(segmenter.prepare(image))
    predicted = predicted_region(segmenter.spec, scores, record.class_index)
    whole = record.kind == "class"
    region = predicted if whole else predicted & resize_region(explanation.prediction, predicted.shape)
    if not region.any():
        raise InputError("the object is too small to be found again in the saved prediction: explain again")
    domain = np.ones_like(predicted) if whole else ~predicted | region
    target = ResolvedTarget(record.class_index, record.class_name, cast("TargetKind", record.kind), region, domain)
    return target if record.against is None else rather_than(target, segmenter.spec, scores, record.against.class_index)


def _check_metrics(metrics: Mapping[str, Metric]) -> None:
    unfit = [name for name, metric in metrics.items() if not isinstance(metric, (MapMetric, TruthMetric))]
    if unfit:
        raise ParameterError(
            f"{', '.join(unfit)} needs the method itself, and an explanation holds only its result: explain again with "
            "explain(metrics=...), or --metrics"
        )


def _check_same(explanation: Explanation, segmenter: CountingSegmenter, image: LoadedImage) -> None:
    made = explanation.provenance
    for what, then, now in (
        ("image", made.input_sha256, image.sha256),
        ("model", made.model_sha256, segmenter.identity.model_sha256),
    ):
        if then != now:
            raise InputError(f"the explanation was made with another {what} (SHA-256 {then}), got {now}")


def _no_method(
    *, image: Images | None = None, seed: int | None = None, segmenter: Segmenter | None = None
) -> SaliencyMap:
    raise RuntimeError(f"no metric of a map runs a method again ({image}, {seed}, {segmenter})")
