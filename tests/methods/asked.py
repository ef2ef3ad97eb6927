"""A method's task on a tiny model, as `Method.explain` would make it."""

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt

from misure_onnx.api import load_segmenter
from misure_onnx.images import load_image
from misure_onnx.methods.progress import silent
from misure_onnx.methods.task import Task
from misure_onnx.preprocessing import PRESETS, Layout
from misure_onnx.segmenter import CountingSegmenter
from misure_onnx.target import Target


def task_on(
    model: Path,
    image: npt.NDArray[np.uint8],
    target: Target | None = None,
    *,
    preprocess: str = "unit",
    declared_layout: Layout | None = None,
    seed: int = 0,
    batch_size: int = 1,
) -> Task:
    declared = dataclasses.replace(PRESETS[preprocess], layout=declared_layout)
    segmenter = CountingSegmenter(load_segmenter(model, declared))
    network_image = segmenter.prepare(load_image(image))
    scores = segmenter.predict(network_image)
    resolved = (target or Target.from_class(1)).resolve(segmenter.spec, scores, image.shape[:2])
    return Task(segmenter, network_image, resolved, seed, batch_size, silent)
