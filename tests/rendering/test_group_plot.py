"""The plot of a number by groups."""

import cv2
import numpy as np

from misure_onnx.rendering.group_plot import draw_groups


def pixels(png: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(decoded[..., ::-1], np.uint8)


def test_every_group_has_its_colour_and_an_empty_one_its_place() -> None:
    picture = pixels(draw_groups({"detected": [1.0, 2.0, 3.0], "false": [0.5], "missed": []}, label="peak"))
    assert has(picture, (0x1B, 0x7F, 0x6B))
    assert has(picture, (0xC8, 0x45, 0x2C))
    assert not has(picture, (0x3B, 0x5B, 0x92))
    narrower = pixels(draw_groups({"detected": [1.0, 2.0, 3.0], "false": [0.5]}, label="peak"))
    assert picture.shape[1] > narrower.shape[1]


def test_the_same_values_give_the_same_picture() -> None:
    values = {"detected": [1.0, 2.0, 3.0], "false": [0.5, 0.7]}
    assert draw_groups(values, label="peak", caption="$ p = 0.1") == draw_groups(
        values, label="peak", caption="$ p = 0.1"
    )


def has(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], color: tuple[int, int, int]) -> bool:
    return bool((np.abs(picture.astype(int) - color).max(axis=2) < 3).any())
