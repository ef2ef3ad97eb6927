"""From pictures to network inputs, against a loop over pixels."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.errors import ImageError, PreprocessingError
from misure_onnx.network_input import network_input
from misure_onnx.preprocessing import PRESETS, Color, Interpolation, Preprocessing
from misure_onnx.types import Images, Picture

HEIGHT, WIDTH = 5, 7


def picture(channels: int = 3, dtype: type[np.uint8 | np.uint16] = np.uint8, seed: int = 0) -> Picture:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, (HEIGHT, WIDTH, channels), dtype)


def slow_input(
    pixels: npt.NDArray[Any], scale: float, mean: list[float], std: list[float], order: list[int]
) -> npt.NDArray[np.float64]:
    """The docstring's formula, a pixel and a channel at a time; `order` lists the picture's channels."""
    values = np.empty((1, len(order), *pixels.shape[:2]))
    for c, source in enumerate(order):
        for y, x in np.ndindex(pixels.shape[:2]):
            pixel = float(pixels[y, x, source])
            if pixels.dtype == np.uint16:
                pixel /= 257
            values[0, c, y, x] = (pixel * scale - mean[c]) / std[c]
    return values


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("color", "order"), [(None, [0, 1, 2]), ("RGB", [0, 1, 2]), ("BGR", [2, 1, 0])])
def test_input_is_pixel_times_scale_minus_mean_over_std(
    dtype: type[np.uint8 | np.uint16], color: Color | None, order: list[int]
) -> None:
    pixels = picture(dtype=dtype)
    mean, std = [0.4, -0.5, 0.6], [0.2, 2.0, -0.3]
    declared = Preprocessing(scale=0.01, mean=tuple(mean), std=tuple(std), color=color)
    images = network_input(pixels, declared, 3, (HEIGHT, WIDTH))
    assert images.shape == (1, 3, HEIGHT, WIDTH)
    assert images.dtype == np.float32
    assert images.flags.c_contiguous
    assert images == pytest.approx(slow_input(pixels, 0.01, mean, std, order), abs=2e-5)


def test_one_mean_and_one_std_serve_all_channels() -> None:
    images = network_input(picture(), Preprocessing(scale=0.1, mean=(2.0,), std=(3.0,)), 3, (HEIGHT, WIDTH))
    assert images == pytest.approx(slow_input(picture(), 0.1, [2.0] * 3, [3.0] * 3, [0, 1, 2]), abs=1e-5)


@pytest.mark.parametrize("channels", [2, 4, 5, 13])
def test_pictures_of_many_bands_keep_their_order(channels: int) -> None:
    mean = [float(c) for c in range(channels)]
    declared = Preprocessing(scale=0.1, mean=tuple(mean))
    images = network_input(picture(channels), declared, channels, (HEIGHT, WIDTH))
    expected = slow_input(picture(channels), 0.1, mean, [1.0] * channels, [*range(channels)])
    assert images == pytest.approx(expected, abs=1e-5)
    assert network_input(picture(channels), declared, channels, (9, 11)).shape == (1, channels, 9, 11)


def test_white_is_the_same_with_8_and_16_bits() -> None:
    white_8, white_16 = np.full((2, 2, 3), 255, np.uint8), np.full((2, 2, 3), 65535, np.uint16)
    one, other = (network_input(white, PRESETS["imagenet"], 3, (2, 2)) for white in (white_8, white_16))
    assert np.array_equal(one, other)


@pytest.mark.parametrize(("dtype", "half_a_step"), [(np.uint8, 0.5), (np.uint16, 0.5 / 257)])
@pytest.mark.parametrize("color", [None, "GRAY"])
def test_one_channel_is_the_luminance_of_a_colour_picture(
    dtype: type[np.uint8 | np.uint16], half_a_step: float, color: Color | None
) -> None:
    pixels = picture(dtype=dtype).astype(float) / (257 if dtype == np.uint16 else 1)
    luminance = 0.299 * pixels[..., 0] + 0.587 * pixels[..., 1] + 0.114 * pixels[..., 2]
    images = network_input(picture(dtype=dtype), Preprocessing(color=color), 1, (HEIGHT, WIDTH))
    assert images.shape == (1, 1, HEIGHT, WIDTH)
    assert images[0, 0] == pytest.approx(luminance, abs=half_a_step + 0.01)


def test_a_grey_picture_fills_all_three_channels() -> None:
    pixels = picture(1)
    images = network_input(pixels, PRESETS["raw"], 3, (HEIGHT, WIDTH))
    assert all(np.array_equal(images[0, c], pixels[..., 0]) for c in range(3))


@pytest.mark.parametrize(("given", "taken"), [(4, 3), (3, 4), (2, 1), (1, 4), (3, 2)])
def test_a_picture_with_other_channels_is_refused(given: int, taken: int) -> None:
    with pytest.raises(ImageError, match=f"takes {taken} channels, the image has {given}"):
        network_input(picture(given), Preprocessing(), taken, (HEIGHT, WIDTH))


@pytest.mark.parametrize(("color", "channels"), [("GRAY", 3), ("RGB", 1), ("BGR", 1)])
def test_a_colour_order_that_contradicts_the_channels_is_refused(color: Color, channels: int) -> None:
    with pytest.raises(PreprocessingError, match=f"color {color} was declared, the model takes {channels}"):
        network_input(picture(), Preprocessing(color=color), channels, (HEIGHT, WIDTH))


@pytest.mark.parametrize("field", ["mean", "std"])
def test_as_many_values_as_channels_are_needed(field: str) -> None:
    declared = Preprocessing.from_mapping({field: [1.0, 2.0]}, "test")
    with pytest.raises(PreprocessingError, match=f"{field} has 2 values, the model takes 3 channels: give 1 or 3"):
        network_input(picture(), declared, 3, (HEIGHT, WIDTH))


@pytest.mark.parametrize(
    ("preset", "black", "white"),
    [
        ("unit", (0, 0, 0), (1, 1, 1)),
        ("minus1_1", (-1, -1, -1), (1, 1, 1)),
        ("raw", (0, 0, 0), (255, 255, 255)),
        ("imagenet", (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225), (0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225)),
        ("caffe", (-103.939, -116.779, -123.68), (151.061, 138.221, 131.32)),
    ],
)
def test_presets_send_black_and_white_where_their_networks_expect_them(
    preset: str, black: tuple[float, ...], white: tuple[float, ...]
) -> None:
    for value, expected in ((0, black), (255, white)):
        images = network_input(np.full((2, 2, 3), value, np.uint8), PRESETS[preset], 3, (2, 2))
        assert images[0, :, 0, 0] == pytest.approx(expected, abs=1e-4)


def test_the_caffe_preset_takes_blue_first() -> None:
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 255
    images: Images = network_input(red, PRESETS["caffe"], 3, (2, 2))
    assert images[0, :, 0, 0] == pytest.approx([-103.939, -116.779, 255 - 123.68], abs=1e-3)


@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), (10, 21), (4, 3), (13, 5)])
def test_linear_resizing_interpolates_between_pixel_centres(size: tuple[int, int]) -> None:
    pixels = picture(1)
    images = network_input(pixels, PRESETS["raw"], 1, size)
    for y, x in np.ndindex(size):
        row = min(max((y + 0.5) * HEIGHT / size[0] - 0.5, 0), HEIGHT - 1)
        column = min(max((x + 0.5) * WIDTH / size[1] - 0.5, 0), WIDTH - 1)
        expected = 0.0
        for r, c in ((0, 0), (0, 1), (1, 0), (1, 1)):
            source = pixels[min(int(row) + r, HEIGHT - 1), min(int(column) + c, WIDTH - 1), 0]
            expected += source * (row % 1 if r else 1 - row % 1) * (column % 1 if c else 1 - column % 1)
        assert images[0, 0, y, x] == pytest.approx(expected, abs=1e-3)


def test_area_resizing_takes_block_means() -> None:
    pixels = picture(3)[:4, :6]
    images = network_input(pixels, Preprocessing(interpolation="area"), 3, (2, 3))
    means = pixels.reshape(2, 2, 3, 2, 3).mean(axis=(1, 3)).transpose(2, 0, 1)
    assert images[0] == pytest.approx(means, abs=1e-3)


def test_nearest_resizing_makes_no_new_values() -> None:
    pixels = picture(3)
    images = network_input(pixels, Preprocessing(interpolation="nearest"), 3, (15, 21))
    assert np.array_equal(images[0, 1], np.kron(pixels[..., 1], np.ones((3, 3))))


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("linear", cv2.INTER_LINEAR),
        ("area", cv2.INTER_AREA),
        ("cubic", cv2.INTER_CUBIC),
        ("nearest", cv2.INTER_NEAREST),
    ],
)
def test_the_declared_interpolation_is_opencv_s_of_that_name(name: Interpolation, flag: int) -> None:
    images = network_input(picture(), Preprocessing(interpolation=name), 3, (3, 4))
    resized = cv2.resize(picture().astype(np.float32), (4, 3), interpolation=flag)
    assert images[0] == pytest.approx(resized.transpose(2, 0, 1), abs=1e-4)


def test_the_picture_is_not_changed() -> None:
    pixels = picture(dtype=np.uint16)
    before = pixels.copy()
    network_input(pixels, PRESETS["caffe"], 3, (HEIGHT, WIDTH))
    assert np.array_equal(pixels, before)
