"""The benchmark of the GPU refuses a machine without one, and is right about a provider that is right."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from PIL import Image

from benchmarks import gpu
from benchmarks.msr_speed.cases import Case
from misure_onnx.backends.providers import cuda_driver_loads
from misure_onnx.preprocessing import PRESETS
from misure_onnx.target import Target
from tests.tiny_models import noise_image, small_network

SIZE = (24, 32)
HERE = "CUDAExecutionProvider" in ort.get_available_providers() and cuda_driver_loads()


@pytest.fixture
def case(tmp_path: Path) -> Case:
    picture = tmp_path / "picture.png"
    Image.fromarray(noise_image(SIZE, 4)).save(picture)
    return Case(small_network(tmp_path / "net.onnx", size=SIZE), picture, PRESETS["unit"], Target.from_class(1))


@pytest.mark.skipif(HERE, reason="this machine has a GPU")
def test_without_a_gpu_it_says_so_and_writes_nothing(tmp_path: Path) -> None:
    place = tmp_path / "gpu.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", "--out", str(place)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "needs a GPU that ONNX Runtime can use; nothing was measured" in done.stderr
    assert not place.exists()


def test_the_processor_agrees_with_itself_and_every_figure_is_there(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "RISE_MASKS", 16)
    row = json.loads(json.dumps(gpu.measured(case, "cpu")))
    assert row["wrong"] == []
    assert row["checks"]["score_difference"] == 0
    assert row["checks"]["gradient_cosine"] == pytest.approx(1, abs=1e-6)
    numbers = row["figures"]["cpu"]
    assert set(numbers["forwards_a_second"]) == {str(size) for size in gpu.BATCHES}
    assert set(numbers["seconds"]) == {"misure", "sufficient_region", "rise_plain", "rise_fused"}
    assert set(numbers["over_bare"]) == set(numbers["seconds"])
    assert min(*numbers["forwards_a_second"].values(), numbers["passes_a_second"], *numbers["seconds"].values()) > 0
    assert min(numbers["over_bare"].values()) > 0


def test_a_wrong_answer_is_named() -> None:
    right = {
        "score_difference": 1e-4, "label_agreement": 1.0, "gradient_cosine": 1.0, "fused_scoring_difference": 0.0,
        "dice_difference": 0.0, "region_dice_on_processor": 0.92,
    }  # fmt: skip
    assert gpu.wrong(right) == []
    for name, bad in {"gradient_cosine": 0.5, "score_difference": np.nan, "region_dice_on_processor": 0.5}.items():
        assert gpu.wrong({**right, name: bad}) == [name]
