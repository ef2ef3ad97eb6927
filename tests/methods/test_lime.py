"""LIME against scikit-learn's ridge, and on models whose coefficients are known."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from misure_onnx.errors import ParameterError
from misure_onnx.methods.lime import Lime
from misure_onnx.methods.superpixels import superpixels
from tests.methods.asked import task_on
from tests.tiny_models import bright_pixels, key_region, noise_image, uniform

SIZE = (30, 40)


@pytest.mark.parametrize(("width", "ridge"), [(0.25, 1.0), (1.0, 0.01)])
def test_the_fit_is_the_weighted_ridge(width: float, ridge: float) -> None:
    rng = np.random.default_rng(0)
    members, values = rng.random((60, 9)) < 0.5, rng.normal(size=60)
    cosines = [z.sum() / np.sqrt(z.sum() * 9) if z.any() else 0.0 for z in members]
    weights = [np.exp(-((1 - cosine) ** 2) / width**2) for cosine in cosines]
    expected = Ridge(alpha=ridge).fit(members.astype(float), values, weights)
    intercept, phi = Lime(kernel_width=width, ridge=ridge).fitted(members, values)
    assert phi == pytest.approx(expected.coef_, abs=1e-9)
    assert intercept == pytest.approx(expected.intercept_, abs=1e-9)


def test_a_linear_model_gets_each_part_s_own_contribution(tmp_path: Path) -> None:
    picture = np.random.default_rng(3).integers(0, 256, SIZE, np.uint8)
    task = task_on(bright_pixels(tmp_path / "m.onnx", size=SIZE), picture)
    found = Lime(features=30, partition="grid", value="mean_score", samples=400, ridge=1e-9).attribute(task)
    parts, y = superpixels("grid", task.image, 30, 10.0), task.target.region
    contributions = [float(task.image[0, 0][y & (parts == k)].sum() / y.sum()) for k in range(30)]
    assert found.trace["coefficients"] == pytest.approx(contributions, abs=1e-5)
    assert found.trace["intercept"] == pytest.approx([-0.5], abs=1e-5)  # every pixel's score is x - 0.5
    assert found.trace["missed_value"] == pytest.approx([0], abs=1e-5)
    assert found.trace["split_half_correlation"][0] > 0.999
    assert found.saliency == pytest.approx(np.array(contributions)[parts], abs=1e-5)


def test_the_evidence_stands_out(tmp_path: Path) -> None:
    shape = (42, 42)
    thing, key = np.zeros(shape, bool), np.zeros(shape, bool)
    thing[6:18, 6:18] = True
    key[28:35, 28:35] = True
    task = task_on(key_region(tmp_path / "key.onnx", object_region=thing, key=key), np.full(shape, 255, np.uint8))
    found = Lime(features=36, partition="grid", samples=400).attribute(task)
    assert np.array_equal(found.region, key)
    assert found.saliency[key].mean() > 10 * abs(found.saliency[thing].mean())
    assert task.segmenter.forwards == 1 + 1 + 400


def test_a_value_that_never_changes_says_so(tmp_path: Path) -> None:
    found = Lime(features=4, samples=20).attribute(task_on(uniform(tmp_path / "uniform.onnx"), noise_image()))
    assert found.status == "uninformative"
    assert np.ptp(found.saliency) < 1e-6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("features", 1), ("partition", "watershed"), ("compactness", 0.0), ("samples", 3), ("keep", 1.0),
        ("kernel_width", 0.0), ("ridge", 0.0), ("value", "iou"), ("threshold", 1.0),
    ],
)  # fmt: skip
def test_a_parameter_outside_its_range_is_refused(name: str, value: float | str) -> None:
    with pytest.raises(ParameterError, match=name):
        Lime.with_parameters({name: value})
