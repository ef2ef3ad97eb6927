"""Occlusion, against the definition written out pixel by pixel and against evidence known by hand."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.errors import ParameterError
from misure_onnx.methods.occlusion import Occlusion
from misure_onnx.methods.task import Task
from misure_onnx.overlap import soft_dice
from tests.methods.asked import task_on
from tests.tiny_models import bright_pixels, disc_image, key_region, noise_image, small_network

SIZE = (30, 37)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return task_on(small_network(tmp_path / "net.onnx", size=SIZE), noise_image(SIZE), preprocess="minus1_1")


def value_of(task: Task, image: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    scores = task.segmenter.predict(image)[0]
    exponentials = np.exp(scores - scores.max(axis=0))
    return soft_dice((exponentials / exponentials.sum(axis=0))[1], task.target.region.astype(np.float32))


@pytest.mark.parametrize("shape", ["rectangle", "gaussian"])
@pytest.mark.parametrize(("patch", "stride"), [(9.0, 5.0), (0.4, 0.5)])
def test_the_map_is_the_mean_drop_over_the_patches_that_cover_a_pixel(
    task: Task, shape: str, patch: float, stride: float
) -> None:
    side = 9 if patch == 9 else 12  # 0.4 of the shorter side
    step = 5 if patch == 9 else 6
    tops = sorted({*range(0, SIZE[0] - side, step), SIZE[0] - side})
    lefts = sorted({*range(0, SIZE[1] - side, step), SIZE[1] - side})
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    whole, total, coverage = value_of(task, task.image), np.zeros(SIZE), np.zeros(SIZE)
    for top in tops:
        for left in lefts:
            inside = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
            away = (rows - top - (side - 1) / 2) ** 2 + (columns - left - (side - 1) / 2) ** 2
            g = inside * (np.exp(-away / (2 * (side / 4) ** 2)) if shape == "gaussian" else 1.0)
            drop = whole - value_of(task, np.asarray(task.image * (1 - g), np.float32))
            total += g * drop
            coverage += g
    found = Occlusion.with_parameters({"patch": patch, "stride": stride, "shape": shape}).attribute(task)
    assert np.ptp(found.saliency) > 0.01, "the map must differ from pixel to pixel to test anything"
    assert found.saliency == pytest.approx(total / coverage, abs=1e-5)
    assert len(found.trace["drop"]) == len(tops) * len(lefts)


def test_only_patches_over_the_evidence_cost_anything(tmp_path: Path) -> None:
    shape = (40, 48)
    thing, key = np.zeros(shape, bool), np.zeros(shape, bool)
    thing[4:16, 4:16] = True
    key[24:32, 32:40] = True
    model = key_region(tmp_path / "key.onnx", object_region=thing, key=key)
    found = Occlusion(patch=8, stride=8).attribute(task_on(model, np.full(shape, 255, np.uint8)))
    # The patches tile the image and one of them is the key: covering it loses the object, covering others nothing.
    assert np.array_equal(found.saliency > 1e-6, key)
    assert np.array_equal(found.region, key)


def test_a_pixelwise_model_loses_the_dice_of_the_covered_share(bright_pixels: Path) -> None:
    task = task_on(bright_pixels, disc_image())
    found = Occlusion(patch=8, stride=8, value="dice").attribute(task)
    area = task.target.region.sum()
    tops, lefts = [0, 8, 12], [0, 8, 16]
    for k, (top, left) in enumerate((t, c) for t in tops for c in lefts):
        left_over = area - task.target.region[top : top + 8, left : left + 8].sum()
        assert found.trace["drop"][k] == pytest.approx(1 - 2 * left_over / (area + left_over), abs=1e-9)


def test_a_colour_is_seen_as_the_model_s_preprocessing_has_it(tmp_path: Path) -> None:
    task = task_on(bright_pixels(tmp_path / "m.onnx"), disc_image())
    white = Occlusion(patch=8, stride=8, baseline="#ffffff", value="dice").attribute(task)
    black = Occlusion(patch=8, stride=8, baseline="#000000", value="dice").attribute(task)
    zero = Occlusion(patch=8, stride=8, baseline="zero", value="dice").attribute(task)
    assert np.array_equal(black.saliency, zero.saliency)  # unit scaling: black is zero
    assert white.trace["drop"][0] > 0  # a white patch on the ground is found as a part of the object
    assert any("#ffffff" in note for note in white.notes)


def test_the_default_patch_is_a_tenth_of_the_shorter_side_but_at_least_8_pixels(tmp_path: Path) -> None:
    for size, side in (((20, 24), 8), ((130, 150), 13)):
        task = task_on(bright_pixels(tmp_path / "m.onnx", size=size), disc_image(size))
        assert any(f"of {side}x{side} pixels" in note for note in Occlusion(stride=side).attribute(task).notes)


def test_patches_that_change_nothing_are_told(tmp_path: Path) -> None:
    shape = (40, 48)
    thing = np.zeros(shape, bool)
    thing[4:16, 4:16] = True
    model = key_region(tmp_path / "key.onnx", object_region=thing, key=np.ones(shape, bool))
    found = Occlusion(value="dice").attribute(task_on(model, np.full(shape, 255, np.uint8)))
    assert found.status == "uninformative"
    assert any("larger patch" in note for note in found.notes)


def test_a_patch_larger_than_the_image_covers_it(bright_pixels: Path) -> None:
    found = Occlusion(patch=100, value="dice").attribute(task_on(bright_pixels, disc_image()))
    assert np.all(found.saliency == 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("patch", 0.0), ("stride", 0.0), ("shape", "disc"), ("baseline", "red"), ("baseline", "#12345"),
        ("value", "iou"), ("threshold", 1.0),
    ],
)  # fmt: skip
def test_a_parameter_outside_its_range_is_refused(name: str, value: float | str) -> None:
    with pytest.raises(ParameterError, match=name):
        Occlusion.with_parameters({name: value})
