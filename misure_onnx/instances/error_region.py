"""Where the model errs, as a target to explain: what it does not find, and what it finds that is not there."""

from typing import Literal

import numpy as np

from misure_onnx.classes import class_index, predicted_region
from misure_onnx.errors import TargetError
from misure_onnx.segmenter import SegmenterSpec
from misure_onnx.target import ResolvedTarget, rather_than
from misure_onnx.types import Region, Scores

ErrorKind = Literal["missed", "false"]


def error_region(
    spec: SegmenterSpec, scores: Scores, truth: Region, class_spec: int | str, kind: ErrorKind
) -> ResolvedTarget:
    """The pixels where prediction and ground truth of a class differ.

    false: predicted as the class, and it is not there: why does the model see it? Correct pixels of the class do not
    count.
    missed: the class is there, and something else is predicted. What can be explained with forwards is what the model
    says instead: the class that is predicted on most of these pixels, against the true one (`rather_than`). Channels
    that are independent of each other may say nothing at all there; the target is then the class itself, which the
    model does not predict, so that only methods that follow scores (gradient, smooth_grad, CAMs) have something to
    show.

    Args:
        spec: of the segmenter.
        scores: (1, L, H, W) for the image.
        truth: (H, W) at the network's size: where the class truly is.
        class_spec: index or name of the class.
        kind: see above.

    Raises:
        TargetError: no such class, no such error in this image, or a label map whose missed pixels should be compared.
    """
    index = class_index(spec, class_spec)
    name = spec.class_label(index)
    predicted = spec.head.membership(scores, index)[0]
    region = truth & ~predicted if kind == "missed" else predicted & ~truth
    if not region.any():
        none = f"none of its {int(truth.sum()):,} pixels is missed"
        if kind == "false":
            none = f"all {int(predicted.sum()):,} pixels predicted as it are right"
        raise TargetError(f"there is nothing {kind} of {name} in this image: {none}")
    note = f"{kind}: {int(region.sum()):,} pixels at the network's size"
    if kind == "false":
        return ResolvedTarget(index, spec.class_name(index), "region", region, ~predicted | region, (note,))
    labels = spec.head.labels(scores)[0][region]
    said = np.bincount(labels[labels >= 0], minlength=spec.classes)
    if not said.any():
        note += f"; the model says nothing there, so that {name} itself is asked about"
        return ResolvedTarget(index, spec.class_name(index), "region", region, np.ones_like(region), (note,))
    instead = int(said.argmax())
    there = predicted_region(spec, scores, instead)
    note += f", of which {int(said[instead]):,} are {spec.class_label(instead)}"
    target = ResolvedTarget(instead, spec.class_name(instead), "region", region & there, ~there | region, (note,))
    return rather_than(target, spec, scores, index)
