"""Pixels of outlines, cut-outs and heat maps."""

import numpy as np
import pytest

from misure_onnx.rendering.overlay import OBJECT_COLOR, cut_out, heat_map, outline, overlay
from misure_onnx.types import Region

H, W = 7, 9


def picture(value: int = 100) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((H, W, 3), value, np.uint8)


def block() -> Region:
    """Rows 2 to 5, columns 3 to 7; its inside is rows 3 to 4, columns 4 to 6."""
    region = np.zeros((H, W), bool)
    region[2:6, 3:8] = True
    return region


INSIDE = np.zeros((H, W), bool)
INSIDE[3:5, 4:7] = True


def test_a_cut_out_is_the_image_inside_and_black_outside() -> None:
    image = np.random.default_rng(0).integers(1, 256, (H, W, 3), np.uint8)
    cut = cut_out(image, block())
    assert cut.dtype == np.uint8
    assert np.array_equal(cut[block()], image[block()])
    assert not cut[~block()].any()


def test_an_outline_draws_the_border_tints_the_inside_and_leaves_the_outside() -> None:
    drawn = outline(picture(), block())
    border = block() & ~INSIDE
    assert (drawn[border] == OBJECT_COLOR).all()
    assert drawn[INSIDE] == pytest.approx(np.tile(0.55 * 100 + 0.45 * np.array(OBJECT_COLOR), (6, 1)), abs=1)
    assert (drawn[~block()] == 100).all()


def test_an_outline_can_leave_the_inside_as_it_is_and_have_another_colour() -> None:
    drawn = outline(picture(), block(), color=(1, 2, 3), tint=0)
    assert (drawn[INSIDE] == 100).all()
    assert (drawn[block() & ~INSIDE] == (1, 2, 3)).all()


def test_holes_are_outlined_too() -> None:
    region = np.ones((21, 21), bool)
    region[8:13, 8:13] = False
    drawn = outline(np.zeros((21, 21, 3), np.uint8), region, tint=0)
    assert (drawn[7, 8:13] == OBJECT_COLOR).all()
    assert not drawn[9:12, 9:12].any()


def test_an_empty_region_changes_nothing() -> None:
    assert np.array_equal(outline(picture(), np.zeros((H, W), bool)), picture())


def test_arguments_are_not_changed() -> None:
    image, region = picture(), block()
    outline(image, region)
    cut_out(image, region)
    overlay(image, np.ones((H, W), np.float32))
    assert np.array_equal(image, picture())
    assert np.array_equal(region, block())


def test_a_map_without_negative_values_goes_from_black_to_light() -> None:
    saliency = np.linspace(0, 7, H * W, dtype=np.float32).reshape(H, W)
    colors = heat_map(saliency)
    assert colors.shape == (H, W, 3)
    assert colors.dtype == np.uint8
    assert colors[0, 0].max() < 10
    assert colors[-1, -1].min() > 150
    brightness = colors.astype(int).sum(axis=2).ravel()
    assert (np.diff(brightness[::6]) > 0).all()


def test_the_scale_of_a_map_does_not_matter() -> None:
    saliency = np.random.default_rng(0).random((H, W), np.float32)
    assert np.abs(heat_map(saliency).astype(int) - heat_map(1e-6 * saliency)).max() <= 1
    signed = saliency - 0.5
    assert np.abs(heat_map(signed).astype(int) - heat_map(np.float32(1e4) * signed)).max() <= 1


def test_a_signed_map_is_white_at_zero_red_above_and_blue_below() -> None:
    saliency = np.zeros((H, W), np.float32)
    saliency[0, 0], saliency[1, 1], saliency[2, 2] = 2, -2, -1
    colors = heat_map(saliency).astype(int)
    assert colors[5, 5].min() > 240
    red, blue, pale = colors[0, 0], colors[1, 1], colors[2, 2]
    assert red[0] > red[2] + 50
    assert blue[2] > blue[0] + 50
    assert pale[2] > pale[0]
    assert pale.sum() > blue.sum()


def test_zero_stays_white_if_one_side_is_longer() -> None:
    saliency = np.zeros((H, W), np.float32)
    saliency[0, 0], saliency[1, 1] = 10, -1
    assert heat_map(saliency)[5, 5].min() > 240


@pytest.mark.parametrize("value", [0.0, 3.0, -3.0])
def test_a_constant_map_has_one_colour(value: float) -> None:
    colors = heat_map(np.full((H, W), value, np.float32))
    assert (colors == colors[0, 0]).all()


def test_an_overlay_is_the_grey_image_under_the_heat_map() -> None:
    image = np.zeros((H, W, 3), np.uint8)
    image[..., 0] = 240  # grey: 80
    saliency = np.random.default_rng(0).random((H, W), np.float32)
    blended = overlay(image, saliency, opacity=0.25)
    assert blended.dtype == np.uint8
    assert blended == pytest.approx(0.75 * 80 + 0.25 * heat_map(saliency), abs=1)
    assert overlay(image, saliency, opacity=0) == pytest.approx(np.full((H, W, 3), 80), abs=1)
