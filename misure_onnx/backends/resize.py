"""Bringing a network's scores to the size of its input."""

import numpy as np

from misure_onnx.mask import nearest_pixels, resize_map
from misure_onnx.scores import Head
from misure_onnx.types import Scores, Size


def resize_scores(scores: Scores, size: Size, head: Head) -> Scores:
    """(N, L, h, w) -> (N, L, H, W): bilinear with half-pixel centres, as deployed pipelines do; label maps: nearest."""
    if scores.shape[2:] == size:
        return scores
    if head.kind == "labels":
        for axis, (n_in, n_out) in enumerate(zip(scores.shape[2:], size, strict=True), start=2):
            scores = scores.take(nearest_pixels(n_in, n_out), axis=axis)
        return scores
    resized = np.empty((*scores.shape[:2], *size), np.float32)
    for n, image in enumerate(scores):
        for c, channel in enumerate(image):
            resized[n, c] = resize_map(np.ascontiguousarray(channel), size)
    return resized
