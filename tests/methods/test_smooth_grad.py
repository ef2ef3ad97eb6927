"""SmoothGrad and its numbers a channel: by hand where the model is linear, slowly in torch where it is not."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import numpy_helper
from scipy.ndimage import distance_transform_edt

from misure_onnx.api import load_segmenter
from misure_onnx.errors import ParameterError
from misure_onnx.explanation import Explanation
from misure_onnx.mask import resize_region
from misure_onnx.methods.channel_numbers import channel_numbers
from misure_onnx.methods.smooth_grad import SmoothGrad
from misure_onnx.methods.task import Task
from misure_onnx.target import Target
from misure_onnx.types import BoolArray
from tests.methods.asked import task_on
from tests.methods.layered import SIZE, STEP, WEIGHTS, blocky_image, counts, layered
from tests.shared_data import shared_data
from tests.tiny_models import noise_image, pointwise, small_network


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """Linear for small noise: no block is black."""
    return task_on(layered(tmp_path / "net.onnx"), np.maximum(blocky_image(), 60))


def segmenter_region(explanation: Explanation) -> BoolArray:
    """The object at the network's 257x257."""
    return resize_region(explanation.prediction, (257, 257))


def per_pixel(blocks: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return blocks.repeat(STEP, axis=0).repeat(STEP, axis=1)


@pytest.mark.parametrize(
    ("aggregation", "units"), [("mean", "logit per input unit"), ("sum", "summed logit per input unit")]
)
def test_of_a_linear_model_every_noisy_copy_has_the_gradient_known_by_hand(
    task: Task, aggregation: str, units: str
) -> None:
    n = counts(task.target.region)
    expected = WEIGHTS[:, None, None] * per_pixel(n)[None] / STEP**2
    if aggregation == "mean":
        expected /= task.target.region.sum()
    found = SmoothGrad.with_parameters({"aggregation": aggregation, "samples": 5}).attribute(task)
    assert found.channels is not None
    np.testing.assert_allclose(found.channels.maps, expected, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found.saliency, expected.sum(axis=0), rtol=1e-4, atol=1e-7)
    assert found.channels.units == units
    assert found.backwards == 5


def test_absmax_keeps_the_strongest_pixel_s_gradient_with_its_sign(task: Task) -> None:
    """A pixel's score has the gradient c / 16 on its own block; the channel with the negative weight stays negative."""
    expected = WEIGHTS[:, None, None] * (per_pixel(counts(task.target.region)) > 0)[None] / STEP**2
    found = SmoothGrad(aggregation="absmax", pixels=0, samples=2).attribute(task)
    assert found.channels is not None
    np.testing.assert_allclose(found.channels.maps, expected, rtol=1e-4)
    assert found.backwards == 2 * task.target.region.sum()


def test_absmax_of_a_few_pixels_asks_about_these_alone(task: Task) -> None:
    few = SmoothGrad(aggregation="absmax", pixels=3, samples=2).attribute(task)
    assert few.backwards == 6
    assert few.channels is not None
    touched = (few.channels.maps != 0).any(axis=0).reshape(5, STEP, 6, STEP).any(axis=(1, 3))
    assert 1 <= touched.sum() <= 3


def test_where_the_file_shows_no_logits_the_units_say_probability(tmp_path: Path) -> None:
    task = task_on(pointwise(tmp_path / "net.onnx", ending="sigmoid_by_hand"), noise_image())
    found = SmoothGrad(samples=1).attribute(task)
    assert found.channels is not None
    assert found.channels.units == "probability per input unit"


def test_squares_are_taken_before_the_mean(task: Task) -> None:
    plain, squared = (SmoothGrad(samples=3, squared=value).attribute(task) for value in (False, True))
    assert plain.channels is not None
    assert squared.channels is not None
    np.testing.assert_allclose(squared.channels.maps, plain.channels.maps**2, rtol=1e-4)
    assert squared.channels.units == "(logit per input unit)^2"


@pytest.mark.parametrize("range_of", ["each", "first"])
def test_the_map_is_the_definition_on_a_network_differentiated_by_torch(tmp_path: Path, range_of: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    path = small_network(tmp_path / "net.onnx")
    image = noise_image()
    image[..., 1] //= 2  # channels of different ranges
    task = task_on(path, image, preprocess="minus1_1", seed=5)
    weights = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in onnx.load(path).graph.initializer}
    rng, region = np.random.default_rng(5), torch.from_numpy(task.target.region)
    total = np.zeros(task.image.shape[1:])
    for _ in range(4):
        noise = rng.standard_normal(task.image.shape)
        for c in range(3):
            source = task.image[0, c if range_of == "each" else 0]
            noise[0, c] *= 0.1 * (source.max() - source.min())
        x = torch.from_numpy((task.image + noise).astype(np.float32)).requires_grad_()
        active = torch.tanh(torch.nn.functional.conv2d(x, weights["w1"], weights["b1"], padding=2))
        scores = torch.nn.functional.conv2d(active, weights["w2"], weights["b2"], padding=2)
        (gradient,) = torch.autograd.grad(scores[0, 1][region].mean(), x)
        total += gradient[0].double().numpy() / 4
    settings = {"samples": 4, "noise": 0.1, "range_of": range_of}
    for route in ("onnx_gradient", "torch"):
        found = SmoothGrad.with_parameters({**settings, "route": route}).attribute(task)
        assert found.channels is not None
        np.testing.assert_allclose(found.channels.maps, total, rtol=1e-3, atol=1e-5)


def test_the_number_of_copies_shows_in_the_agreement_of_halves(tmp_path: Path) -> None:
    task = task_on(small_network(tmp_path / "net.onnx"), noise_image(), preprocess="minus1_1")
    few, many = (SmoothGrad(samples=n, noise=0.5).attribute(task).trace["split_half_correlation"][0] for n in (2, 40))
    assert few < many < 1


def test_an_instance_s_maps_are_saved_and_come_back(tmp_path: Path) -> None:
    segmenter = load_segmenter(small_network(tmp_path / "net.onnx"), "minus1_1")
    image = noise_image((31, 45))
    explanation = SmoothGrad(samples=2).explain(segmenter, image, Target.at(7, 9))
    assert explanation.target.kind == "instance"
    assert explanation.channel_maps is not None
    assert explanation.channel_maps.shape == (3, 31, 45)
    assert explanation.channel_maps.dtype == np.float32
    out = explanation.save(tmp_path / "out")
    loaded = Explanation.load(out)
    assert loaded.channel_maps is not None
    np.testing.assert_array_equal(loaded.channel_maps, explanation.channel_maps)
    assert loaded.channels == explanation.channels
    assert loaded.to_json() == explanation.to_json()


def test_maps_of_an_earlier_explanation_do_not_stay_behind(tmp_path: Path) -> None:
    segmenter = load_segmenter(small_network(tmp_path / "net.onnx"), "minus1_1")
    from misure_onnx.methods.predicted_mask import PredictedMask  # noqa: PLC0415 - only here

    SmoothGrad(samples=2).explain(segmenter, noise_image()).save(tmp_path / "out")
    assert (tmp_path / "out" / "channels.npy").is_file()
    PredictedMask().explain(segmenter, noise_image()).save(tmp_path / "out")
    assert not (tmp_path / "out" / "channels.npy").exists()
    assert Explanation.load(tmp_path / "out").channel_maps is None


# The numbers


def test_peaks_and_shares_are_counted_by_hand() -> None:
    """One axis: the object at 4 and 5, a ring of 2 around it."""
    region = np.zeros(12, bool)
    region[4:6] = True
    maps = np.zeros((2, 12), np.float32)
    maps[0, [3, 4, 7, 8]] = [-1, 3, 2, -2]  # ring, inside, ring, outside
    maps[1, 0] = -4
    numbers = channel_numbers(maps, region, "logit per unit", 2)
    first, second = numbers.channels
    assert (first.peak_positive, first.peak_negative) == (3, -2)
    assert (first.inside, first.ring, first.outside) == pytest.approx((3 / 8, 3 / 8, 2 / 8))
    assert (second.peak_positive, second.peak_negative, second.outside) == (0, -4, 1)
    assert (first.share, second.share) == pytest.approx((8 / 12, 4 / 12))
    assert (numbers.units, numbers.ring_px) == ("logit per unit", 2)


def test_a_volume_whose_lesion_shows_in_one_channel_only_says_so() -> None:
    """Three axes, distances in all of them."""
    region = np.zeros((9, 9, 9), bool)
    region[4, 4, 4] = True
    maps = np.zeros((2, 9, 9, 9), np.float32)
    maps[0, 4, 4, 4], maps[0, 2, 4, 4], maps[0, 4, 4, 8] = 2, -1, 1
    numbers = channel_numbers(maps, region, "logit per unit", 2)
    assert [channel.share for channel in numbers.channels] == [1, 0]
    assert (numbers.channels[0].inside, numbers.channels[0].ring, numbers.channels[0].outside) == (0.5, 0.25, 0.25)
    assert numbers.channels[1].inside == numbers.channels[1].ring == numbers.channels[1].outside == 0


def test_a_channel_that_the_model_ignores_has_no_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.methods.layered.WEIGHTS", np.array([2.0, 0.0, 1.0]))
    segmenter = load_segmenter(layered(tmp_path / "net.onnx"), "unit")
    numbers = SmoothGrad(samples=3).explain(segmenter, np.maximum(blocky_image(), 60)).channels
    assert numbers is not None
    assert [channel.share for channel in numbers.channels] == pytest.approx([2 / 3, 0, 1 / 3], abs=1e-5)


def test_on_a_real_model_the_maps_of_one_object_are_densest_on_it() -> None:
    """DeepLab looks far around, and yet most at the cat itself."""
    place = shared_data()
    segmenter = load_segmenter(place / "models" / "deeplabv3_mnv2_voc_257_nchw.onnx", "minus1_1")
    explanation = SmoothGrad(samples=3, ring=40).explain(
        segmenter, place / "images" / "coral_cat.png", Target.at(229, 224)
    )
    assert explanation.channels is not None
    region = segmenter_region(explanation)
    near = (distance_transform_edt(~region) <= 40) & ~region
    for channel in explanation.channels.channels:
        assert channel.peak_positive > 0 > channel.peak_negative
        inside, ring, outside = (
            share / part.mean()
            for share, part in ((channel.inside, region), (channel.ring, near), (channel.outside, ~region & ~near))
        )
        assert inside > 1.3 * max(ring, outside)  # mass by area


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("samples", 0), ("noise", -0.1), ("range_of", "all"), ("aggregation", "median"), ("pixels", -1), ("ring", 0),
        ("reduction", "median"), ("threshold", 1.0), ("route", "search"),
    ],
)  # fmt: skip
def test_a_parameter_outside_its_range_is_refused(name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=name):
        SmoothGrad.with_parameters({name: value})


def test_the_size_of_the_case_is_what_the_hand_calculation_assumes() -> None:
    assert SIZE == (5 * STEP, 6 * STEP)
