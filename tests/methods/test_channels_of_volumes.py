"""Two channels of a volume, of which the model looks at one alone: the numbers of the channels say so."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from onnx import helper
from scipy import ndimage

from misure_onnx.api import load_segmenter, make_method
from misure_onnx.explanation import Explanation
from misure_onnx.target import Target
from tests.tiny_models import save_model

SIZE = (8, 10, 12)
LESION = (slice(2, 5), slice(3, 6), slice(4, 8))


@pytest.fixture
def volume() -> npt.NDArray[np.float32]:
    """(D, H, W, 2): channel 0 is noise, channel 1 shows two lesions on a dark ground."""
    voxels = np.random.default_rng(0).uniform(0, 1, (*SIZE, 2)).astype(np.float32)
    voxels[..., 1] = 0.1
    voxels[(*LESION, 1)] = 0.9
    voxels[6:8, 8:10, 0:3, 1] = 0.9
    return voxels


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Logits 0 and 10 (mean of channel 1 over 3x3x3 voxels - 0.5): blurred a little, blind for channel 0."""
    weights = np.zeros((2, 2, 3, 3, 3), np.float32)
    weights[1, 1] = 10 / 27
    constants = {"weights": weights, "bias": np.array([0, -4], np.float32)}
    nodes = [helper.make_node("Conv", ["image", "weights", "bias"], ["scores"], pads=[1] * 6)]
    return save_model(tmp_path / "lesions.onnx", nodes, input_shape=["N", 2, *SIZE], constants=constants)


def explained(model: Path, volume: npt.NDArray[np.float32], name: str, **settings: str) -> Explanation:
    segmenter = load_segmenter(model, {})
    return make_method(name, settings=settings).explain(segmenter, volume, Target.at(3, 4, 5))


@pytest.mark.parametrize("route", ["onnx_gradient", "torch"])
def test_the_instance_s_gradient_lies_in_the_channel_that_shows_it(
    model: Path, volume: npt.NDArray[np.float32], route: str
) -> None:
    found = explained(model, volume, "smooth_grad", samples="5", ring="3", route=route)
    assert found.channels is not None
    assert found.channel_maps is not None
    blind, seeing = found.channels.channels
    assert (blind.share, seeing.share) == (0.0, 1.0)
    assert not found.channel_maps[0].any()
    # d(mean logit over the lesion)/dx: every voxel of the lesion reads its 27 neighbours with the weight 10/27.
    mean = found.prediction / found.prediction.sum()
    expected = ndimage.convolve(mean, np.full((3, 3, 3), 10 / 27), mode="constant")
    assert found.channel_maps[1] == pytest.approx(expected, abs=1e-6)
    assert seeing.inside == pytest.approx(expected[found.prediction].sum() / expected.sum(), rel=1e-4)
    assert seeing.inside + seeing.ring == pytest.approx(1, rel=1e-6)
    assert seeing.peak_positive == pytest.approx(expected.max(), rel=1e-4)


def test_occlusion_of_one_channel_at_a_time_says_which_one_carries_the_object(
    model: Path, volume: npt.NDArray[np.float32]
) -> None:
    found = explained(model, volume, "occlusion", channels="each", patch="3", stride="1", value="dice")
    assert found.channels is not None
    assert found.channels.units == "loss of dice"
    assert [own.share for own in found.channels.channels] == [0.0, 1.0]
    assert found.trace["channel_drop"] == [0.0, 1.0]
    assert found.channel_maps is not None
    together = explained(model, volume, "occlusion", patch="3", stride="1", value="dice")
    assert together.channels is None
    assert np.array_equal(found.channel_maps[1], together.saliency)
    assert np.array_equal(found.saliency, together.saliency)
