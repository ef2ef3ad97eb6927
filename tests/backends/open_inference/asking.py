"""Segmenters of small servers."""

from typing import Any

import numpy as np

from misure_onnx.backends.open_inference import OpenInferenceSegmenter, RemoteOptions
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.types import Images
from tests.backends.open_inference.small_server import SmallServer
from tests.tiny_models import SIZE

UNIT = Preprocessing(scale=1 / 255)
IMAGES: Images = np.random.default_rng(0).random((1, 3, *SIZE), np.float32)


def asked(server: SmallServer, declared: Preprocessing = UNIT, **options: Any) -> OpenInferenceSegmenter:
    """Loaded from it."""
    return OpenInferenceSegmenter(server.address, preprocessing=declared, options=RemoteOptions(**options))


def loaded(server: SmallServer, **options: Any) -> OpenInferenceSegmenter:
    """Loaded while the server is good; its requests are forgotten."""
    segmenter = asked(server, **options)
    server.seen.clear()
    return segmenter


def images_of(segmenter: OpenInferenceSegmenter, n: int) -> Images:
    """Noise that fits."""
    size = segmenter.spec.size or SIZE
    return np.random.default_rng(n).random((n, segmenter.spec.channels, *size), np.float32)
