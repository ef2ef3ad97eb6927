"""Coalitions of superpixels and what they are worth: shared by the methods that fit a linear surrogate."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from misure_onnx.methods.superpixels import Labels
from misure_onnx.methods.task import Task
from misure_onnx.methods.value import ValueName
from misure_onnx.perturbation import make_baseline

Members = npt.NDArray[np.bool_]
"""(n,): which of n superpixels are seen."""


def coalition_values(
    task: Task, parts: Labels, members: Iterable[Members], count: int, *, baseline: str, value: ValueName, stage: str
) -> npt.NDArray[np.float64]:
    """(count,) what the prediction is worth when only the members' superpixels are seen.

    Args:
        task: image, target and deployed model.
        parts: the superpixels.
        members: so many coalitions as `count` says, asked about in this order.
        count: for the progress.
        baseline: what replaces the other superpixels.
        value: in `VALUES`.
        stage: name of the progress.
    """
    masks = (np.asarray(seen[parts], np.float32) for seen in members)
    values = list[float]()
    replaced = make_baseline(baseline, task.image, task.rng())
    for _, worth in task.judged(masks, replaced, many=True, value=value):
        values.append(worth)
        task.progress(stage, len(values), count)
    return np.array(values)
