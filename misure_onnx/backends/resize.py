"""Bringing a network's scores to the size of its input."""

import numpy as np

from misure_onnx.scores import Head
from misure_onnx.types import Scores


def resize_scores(scores: Scores, size: tuple[int, int], head: Head) -> Scores:
    """(N, L, h, w) -> (N, L, H, W): bilinear with half-pixel centres, as deployed pipelines do; label maps: nearest."""
    if scores.shape[2:] == size:
        return scores
    import cv2  # noqa: PLC0415 - most models need no resizing

    how = cv2.INTER_NEAREST_EXACT if head.kind == "labels" else cv2.INTER_LINEAR
    resized = np.empty((*scores.shape[:2], *size), np.float32)
    for n, image in enumerate(scores):
        for c, channel in enumerate(image):
            resized[n, c] = cv2.resize(np.ascontiguousarray(channel), size[::-1], interpolation=how)
    return resized
