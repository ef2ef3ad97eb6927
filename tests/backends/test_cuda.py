"""On a GPU: the provider that was asked for is the one that runs, and it gives the CPU's answer."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from misure_onnx.api import load_segmenter
from misure_onnx.backends.fused_scoring import FusedScorer
from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.backends.providers import cuda_driver_loads
from misure_onnx.execution_providers import CUDA, CUDA_TF32
from misure_onnx.images import load_image
from misure_onnx.methods.progress import silent
from misure_onnx.methods.rise import Rise
from misure_onnx.methods.sufficient_region import SufficientRegion
from misure_onnx.methods.task import Task
from misure_onnx.segmenter import CountingSegmenter
from misure_onnx.target import Target

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
    assert np.abs(found - expected).max() <= 1e-3 * np.abs(expected).max()
    assert np.mean(found.argmax(axis=1) == expected.argmax(axis=1)) > 0.999


def test_fewer_bits_are_computed_with_where_they_are_asked_for_and_the_difference_is_told() -> None:
    explanation = SufficientRegion().explain(
        load_segmenter(DEMO / "triangle.onnx", provider="cuda-tf32"), DEMO / "triangle.png"
    )
    assert explanation.provenance.providers_used[0] == CUDA_TF32
    assert any("finds in float32" in note for note in explanation.provenance.notes)


def test_the_sufficient_region_is_the_same_on_both() -> None:
    explained = [
        SufficientRegion().explain(load_segmenter(DEMO / "triangle.onnx", provider=name), DEMO / "triangle.png")
        for name in ("cuda", "cpu")
    ]
    assert explained[0].certificate.verified_on.startswith(CUDA)
    assert np.mean(explained[0].minimal_region == explained[1].minimal_region) > 0.999


def test_scoring_inside_the_graph_gives_the_same_dice_and_no_node_leaves_the_gpu() -> None:
    segmenter = load_segmenter(DEMO / "triangle.onnx", provider="cuda")
    assert isinstance(segmenter, OnnxRuntimeSegmenter)
    image = segmenter.prepare(load_image(DEMO / "triangle.png"))
    target = Target.from_class(1).resolve(segmenter.spec, segmenter.predict(image), (224, 224))
    masks = np.random.default_rng(0).random((8, 224, 224), np.float32)
    zero = np.zeros_like(image)
    scorer = FusedScorer(segmenter, image, target, allow_cpu_nodes=False)  # a node without a CUDA kernel is an error
    outside = Task(CountingSegmenter(segmenter), image, target, 0, 8, silent, "plain").dice(masks, zero)
    assert np.abs(scorer.dice(masks, zero) - outside).max() < 1e-3


def test_rise_counts_inside_the_graph_on_cuda_by_itself() -> None:
    explanation = Rise(masks=16).explain(load_segmenter(DEMO / "triangle.onnx", provider="cuda"), DEMO / "triangle.png")
    assert "masks were scored inside the graph" in explanation.provenance.notes
