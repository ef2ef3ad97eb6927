"""Features of pixels, by a loop over windows."""

import numpy as np
import pytest

from exporters.pixel_features import labelled_scene, pixel_features
from misure_onnx.errors import InputError


def test_features_are_channels_and_means_of_what_lies_in_the_image() -> None:
    images = np.random.default_rng(0).random((2, 2, 6, 7), np.float32)
    found = pixel_features(images, (3, 5)).reshape(2, 6, 7, 6)
    for n, y, x in np.ndindex(2, 6, 7):
        expected = list(images[n, :, y, x])
        for reach in (1, 2):
            part = images[n, :, max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
            expected += list(part.mean(axis=(1, 2)))
        assert found[n, y, x] == pytest.approx(expected, abs=1e-6)


def test_a_scene_has_every_class_and_is_the_same_again() -> None:
    image, labels = labelled_scene(3, 4, 2)
    assert image.shape == (1, 2, 48, 48)
    assert set(np.unique(labels)) == {0, 1, 2, 3}
    assert (labelled_scene(3, 4, 2)[0] == image).all()


@pytest.mark.parametrize("windows", [(4,), (1,), (0.5,), ("a",)])
def test_windows_that_have_no_middle_are_refused(windows: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="windows must be odd numbers above 1"):
        pixel_features(np.zeros((1, 1, 8, 8), np.float32), windows)
