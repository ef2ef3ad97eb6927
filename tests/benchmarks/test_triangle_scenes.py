"""The paper's two parts of the Triangle task."""

import numpy as np
import pytest

from benchmarks.datasets.registry import DATASETS, open_dataset
from benchmarks.datasets.triangle_scenes import open_triangle
from tests.shared_data import shared_data


def test_there_are_1400_scenes_to_train_on_and_600_to_validate_with() -> None:
    training, validation = (open_triangle(None, part) for part in ("training", "validation"))
    assert (len(training), len(validation)) == (1400, 600)
    item = validation[3]
    assert item.image.shape == (224, 224)
    assert item.image.dtype == np.uint8
    sample = validation.sample(3)
    np.testing.assert_array_equal(item.labels, (sample.objects > 0) & (sample.objects <= 3))
    assert (item.image[item.labels == 1] > 0).all()


def test_the_parts_share_no_object() -> None:
    training, validation = (open_triangle(None, part).scenes.source for part in ("training", "validation"))
    known = {image.tobytes() for image in training.images}
    shared = sum(image.tobytes() in known for image in validation.images)
    assert len(training) + len(validation) == 1797
    assert shared == 0


def test_fashion_mnist_is_read() -> None:
    dataset = open_triangle(shared_data() / "fashion-mnist", "validation")
    assert len(dataset.scenes.source) == 3000
    assert dataset[0].labels.any()


def test_an_unknown_data_set_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=", ".join(DATASETS)):
        open_dataset("cityscapes", None, "validation")
