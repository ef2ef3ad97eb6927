"""Bringing a network's scores to the size of its input."""

import cv2
import numpy as np

from misure_onnx.mask import nearest_pixels
from misure_onnx.scores import Head
from misure_onnx.types import Scores


def resize_scores(scores: Scores, size: tuple[int, int], head: Head) -> Scores:
    """(N, L, h, w) -> (N, L, H, W): bilinear with half-pixel centres, as deployed pipelines do; label maps: nearest."""
    if scores.shape[2:] == size:
        return scores
    if head.kind == "labels":
        rows, columns = (nearest_pixels(*extents) for extents in zip(scores.shape[2:], size, strict=True))
        return scores.take(columns, axis=3).take(rows, axis=2)
    resized = np.empty((*scores.shape[:2], *size), np.float32)
    for n, image in enumerate(scores):
        for c, channel in enumerate(image):
            resized[n, c] = cv2.resize(np.ascontiguousarray(channel), size[::-1], interpolation=cv2.INTER_LINEAR)
    return resized
