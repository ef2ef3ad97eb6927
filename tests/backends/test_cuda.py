"""On a GPU: the provider that was asked for is the one that runs, and it gives the CPU's answer."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from misure_onnx.api import load_segmenter
from misure_onnx.backends.providers import CUDA, cuda_driver_loads
from misure_onnx.images import load_image
from misure_onnx.methods.sufficient_region import SufficientRegion

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not cuda_driver_loads(), reason="no NVIDIA driver on this machine"),
]

DEMO = Path(str(files("misure_onnx") / "demo"))


def test_the_cuda_provider_runs_and_agrees_with_the_cpu() -> None:
    on_gpu, on_cpu = (load_segmenter(DEMO / "triangle.onnx", provider=name) for name in ("cuda", "cpu"))
    assert on_gpu.identity.providers_used[0] == CUDA
    image = on_cpu.prepare(load_image(DEMO / "triangle.png"))
    expected, found = on_cpu.predict(image), on_gpu.predict(image)
    # TF32 rounds products to ten bits, hence the wide tolerance of the scores; labels must agree all the same.
    assert np.abs(found - expected).max() <= 2e-2 * np.abs(expected).max()
    assert np.mean(found.argmax(axis=1) == expected.argmax(axis=1)) > 0.999


def test_the_sufficient_region_is_the_same_on_both() -> None:
    explained = [
        SufficientRegion().explain(load_segmenter(DEMO / "triangle.onnx", provider=name), DEMO / "triangle.png")
        for name in ("cuda", "cpu")
    ]
    assert explained[0].certificate.verified_on.startswith(CUDA)
    assert np.mean(explained[0].minimal_region == explained[1].minimal_region) > 0.999
