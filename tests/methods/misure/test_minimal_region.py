"""Eq. 1 a step at a time: against a transcription with loops in double precision, on a loss whose gradient is known."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.mask import resize_region
from misure_onnx.methods.misure.minimal_region import Schedule, _clamped, optimise_mask
from misure_onnx.methods.progress import silent
from tests.methods.misure.test_area_sweep import SHAPE, LinearEvidence, block

GRID = (8, 10)
REGION = block(5, 10, 30, 35) > 0
EVIDENCE = np.random.default_rng(0).random(SHAPE).astype(np.float32) * block(8, 12, 20, 20)


def schedule(**changed: float) -> Schedule:
    settings = {
        "iterations": 12, "learning_rate": 0.1, "weight_decay": 0.01, "adam_epsilon": 1e-8, "area_weight": 2.0,
        "smoothness_weight": 0.0, "smoothness_exponent": 3.0, "clamp_below": 0.2, **changed,
    }  # fmt: skip
    return Schedule(**settings)  # type: ignore[arg-type]


def lines(n_in: int, n_out: int) -> npt.NDArray[np.float64]:
    """(n_out, n_in) weights of linear interpolation with half-pixel centres."""
    weights = np.zeros((n_out, n_in))
    for k in range(n_out):
        centre = min(max((k + 0.5) * n_in / n_out - 0.5, 0), n_in - 1)
        low = min(int(centre), n_in - 2)
        weights[k, low], weights[k, low + 1] = low + 1 - centre, centre - low
    return weights


def roughness(grid: npt.NDArray[np.float64], exponent: float) -> tuple[float, npt.NDArray[np.float64]]:
    """mean |d_y g|^b + mean |d_x g|^b, and how it changes with each value."""
    value, slope = 0.0, np.zeros_like(grid)
    height, width = grid.shape
    for axis, pairs in ((0, (height - 1) * width), (1, height * (width - 1))):
        for one in np.ndindex(*grid.shape):
            two = (one[0] + 1, one[1]) if axis == 0 else (one[0], one[1] + 1)
            if max(two[0] - height, two[1] - width) >= 0:
                continue
            rise = grid[two] - grid[one]
            value += abs(rise) ** exponent / pairs
            steep = exponent * abs(rise) ** (exponent - 1) * np.sign(rise) / pairs
            slope[two] += steep
            slope[one] -= steep
    return value, slope


def slowly(
    region: npt.NDArray[np.bool_], start: npt.NDArray[np.float64], chosen: Schedule
) -> tuple[npt.NDArray[np.float64], dict[str, list[float]]]:
    """The last mask and what was recorded; AdamW as Loshchilov and Hutter have it, with the usual betas."""
    rows, columns = lines(GRID[0], SHAPE[0]), lines(GRID[1], SHAPE[1])
    evidence = EVIDENCE.astype(np.float64) / EVIDENCE.sum(dtype=np.float64)
    grid, first, second = start.copy(), np.zeros(GRID), np.zeros(GRID)
    trace: dict[str, list[float]] = {"loss": [], "dice": [], "area": []}
    for step in range(1, chosen.iterations + 2):
        mask = rows @ grid @ columns.T * region
        rough, slope = roughness(grid, chosen.smoothness_exponent)
        kept = float((mask * evidence).sum())
        loss = chosen.area_weight * mask.mean() + chosen.smoothness_weight * rough + 1 - kept
        for name, value in (("loss", loss), ("dice", kept), ("area", mask.mean())):
            trace[name].append(value)
        if step > chosen.iterations:
            break
        by_mask = (chosen.area_weight / mask.size - evidence) * region
        gradient = rows.T @ by_mask @ columns + chosen.smoothness_weight * slope
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        stride = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + chosen.adam_epsilon)
        grid = grid * (1 - chosen.learning_rate * chosen.weight_decay) - chosen.learning_rate * stride
        grid[grid < chosen.clamp_below] = 0
        grid = np.minimum(grid, 1) * (start > 0)
    return mask, trace


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"smoothness_weight": 3.0, "smoothness_exponent": 2.0, "learning_rate": 0.03},
        {"smoothness_weight": 1.0, "smoothness_exponent": 3.0, "learning_rate": 0.05},
        {"smoothness_weight": 0.7, "smoothness_exponent": 1.5, "learning_rate": 0.04, "clamp_below": 0.5},
        {"iterations": 0},
    ],
)
def test_masks_losses_and_areas_are_those_of_a_slow_transcription(changed: dict[str, float]) -> None:
    chosen = schedule(**changed)
    start = resize_region(REGION, GRID).astype(np.float64)
    assert 0 < start.mean() < 1, "cells must lie on both sides of the border to test anything"
    expected, recorded = slowly(REGION, start, chosen)
    gradient = LinearEvidence(EVIDENCE)
    found = optimise_mask(gradient, REGION, GRID, chosen, silent)
    assert found.final.soft == pytest.approx(expected, abs=1e-3)
    assert found.final.soft.dtype == np.float32
    assert np.array_equal(found.final.region, found.final.soft > 0)
    assert list(found.trace) == ["loss", "dice", "area"]
    for name, values in recorded.items():
        assert found.trace[name] == pytest.approx(values, abs=1e-4)
    assert (found.final.dice, found.final.iteration) == (found.trace["dice"][-1], chosen.iterations)
    assert found.evaluations == len(gradient.asked) == chosen.iterations + 1
    assert found.feasible == ()
    if chosen.iterations:
        assert np.ptp(expected[REGION]) > 0.1, "the mask must differ from pixel to pixel to test anything"


def test_an_object_thinner_than_a_grid_cell_starts_from_every_cell() -> None:
    thin = np.zeros(SHAPE, bool)
    thin[20, 25] = True
    assert not resize_region(thin, GRID).any()
    expected, recorded = slowly(thin, np.ones(GRID), schedule())
    found = optimise_mask(LinearEvidence(EVIDENCE), thin, GRID, schedule(), silent)
    assert found.final.soft == pytest.approx(expected, abs=1e-3)
    assert found.trace["loss"] == pytest.approx(recorded["loss"], abs=1e-4)


def test_every_mask_is_a_step_of_the_progress() -> None:
    told: list[tuple[str, int, int]] = []
    optimise_mask(LinearEvidence(EVIDENCE), REGION, GRID, schedule(iterations=3), lambda *step: told.append(step))
    assert told == [("minimal region", done, 3) for done in range(4)]


def test_what_is_below_the_clamp_goes_what_is_at_it_stays_and_cells_outside_the_region_stay_out() -> None:
    values = np.array([-0.5, 0.0, math.nextafter(0.25, 0), 0.25, 0.8, 1.0, 1.5, 0.9, 1.5], np.float32)
    start = np.array([1, 1, 1, 1, 1, 1, 1, 0, 0], np.float32)
    clamped = _clamped(values, start, 0.25)
    assert clamped.tolist() == pytest.approx([0, 0, 0.25, 0.25, 0.8, 1, 1, 0, 0], abs=1e-7)
    just_below = np.nextafter(np.float32(0.25), np.float32(0))
    assert _clamped(np.array([just_below]), np.ones(1, np.float32), 0.25).tolist() == [0]
    assert _clamped(np.array([-0.5], np.float32), np.ones(1, np.float32), 0.0).tolist() == [0]
