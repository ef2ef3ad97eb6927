"""Jitter and noise: what is moved comes back in its place, and every step has its own."""

import numpy as np
import pytest

from misure_onnx.api import make_method
from misure_onnx.errors import ParameterError
from misure_onnx.mask import moved
from misure_onnx.methods.misure.area_sweep import sweep_area
from misure_onnx.methods.misure.disturbance import Disturbance
from misure_onnx.methods.misure.sweep import Sweep
from misure_onnx.methods.progress import silent
from tests.methods.misure.test_area_sweep import SHAPE, LinearEvidence, block

IMAGE = np.random.default_rng(0).normal(0, 1, (1, 2, *SHAPE)).astype(np.float32)


@pytest.mark.parametrize("shift", [(0, 0), (2, 0), (-1, 3), (-2, -2)])
def test_a_moved_mask_s_gradient_is_moved_back_exactly(shift: tuple[int, int]) -> None:
    """<moved(m), g> = <m, moved back g>: the adjoint, pixel by pixel."""
    rng = np.random.default_rng(1)
    mask, gradient = rng.random(SHAPE), rng.normal(0, 1, SHAPE)
    back = moved(gradient, (-shift[0], -shift[1]))
    assert np.sum(moved(mask, shift) * gradient) == pytest.approx(np.sum(mask * back))
    for row, column in np.ndindex(*SHAPE):
        at = (row - shift[0], column - shift[1])
        inside = all(0 <= place < extent for place, extent in zip(at, SHAPE, strict=True))
        assert moved(mask, shift)[row, column] == (mask[at] if inside else 0)


def test_steps_differ_runs_do_not_and_the_noise_is_as_strong_as_declared() -> None:
    disturbance = Disturbance(3, 0.1, IMAGE, seed=5)
    shifts = [disturbance.at(step)[0] for step in range(50)]
    assert len(set(shifts)) > 20
    for axis in range(2):
        assert {shift[axis] for shift in shifts} == set(range(-3, 4))
    _, noisy = disturbance.at(7)
    _, again = disturbance.at(7)
    assert noisy is not None
    assert noisy.dtype == np.float32
    assert np.array_equal(noisy, again)  # type: ignore[arg-type]
    for channel in range(2):
        deviation = (noisy - IMAGE)[0, channel].std()
        assert deviation == pytest.approx(0.1 * np.ptp(IMAGE[0, channel]), rel=0.1)
    assert Disturbance(3, 0.0, IMAGE, seed=5).at(7)[1] is None


def test_a_sweep_shows_the_model_moved_masks_and_noisy_images() -> None:
    evidence = LinearEvidence(block(5, 5))
    disturbed = Sweep(0.9, 20, 0, 0.0, SHAPE, disturbance=Disturbance(1, 0.1, IMAGE, seed=0))
    found = sweep_area(evidence, np.ones(SHAPE, bool), disturbed, silent)
    assert all(image is not None for image in evidence.images)
    assert len({image.tobytes() for image in evidence.images if image is not None}) == 20
    kept = found.feasible[0].region
    assert kept[6:14, 6:16].all(), "the middle of the evidence, whatever the jitter"


def test_without_the_constraint_there_is_no_jitter() -> None:
    with pytest.raises(ParameterError, match="jitter and input_noise need constrained=true"):
        make_method("misure", "paper", {"jitter": "1"})
    with pytest.raises(ParameterError, match="input_noise must not be negative"):
        make_method("misure", None, {"input_noise": "-0.1"})
