"""The plain gradient: by hand."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.errors import ParameterError
from misure_onnx.methods.gradient import Gradient
from tests.methods.asked import task_on
from tests.methods.layered import STEP, WEIGHTS, blocky_image, counts, layered
from tests.tiny_models import uniform


def test_the_gradient_of_the_mean_score_is_known_by_hand(tmp_path: Path) -> None:
    """dS/dx_c at a pixel = c_c / 16 * (region pixels of its block) / |region|, as long as the block is not black."""
    task = task_on(layered(tmp_path / "net.onnx"), blocky_image())
    share = counts(task.target.region) / task.target.region.sum() / STEP**2
    by_pixel = share.repeat(STEP, axis=0).repeat(STEP, axis=1)
    for reduction, weight in (("max_abs", 2.0), ("absmax", 2.0), ("sum", WEIGHTS.sum())):
        found = Gradient.with_parameters({"reduction": reduction}).attribute(task)
        np.testing.assert_allclose(found.saliency, weight * by_pixel, rtol=1e-4)
    assert found.backwards == 1
    assert found.route == "onnx_gradient"


def test_the_largest_magnitude_keeps_its_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.methods.layered.WEIGHTS", np.array([1.5, -2.5, 2.0]))
    task = task_on(layered(tmp_path / "net.onnx"), blocky_image(1))
    signed = Gradient(reduction="absmax").attribute(task).saliency
    np.testing.assert_allclose(np.abs(signed), Gradient(reduction="max_abs").attribute(task).saliency)
    assert signed.max() <= 0


def test_a_model_that_ignores_the_image_gives_no_signal_and_says_so(tmp_path: Path) -> None:
    found = Gradient().attribute(task_on(uniform(tmp_path / "net.onnx"), np.zeros((20, 24, 3), np.uint8)))
    assert not found.saliency.any()
    assert found.status == "uninformative"
    assert "do not change with any pixel" in found.notes[-1]


@pytest.mark.parametrize(("name", "value"), [("reduction", "median"), ("threshold", 1.0), ("route", "search")])
def test_a_parameter_outside_its_range_is_refused(name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=name):
        Gradient.with_parameters({name: value})
