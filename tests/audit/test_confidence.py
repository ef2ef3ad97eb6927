"""A model's own confidence: answers by hand."""

import numpy as np
import pytest

from misure_onnx.audit.confidence import confidence
from misure_onnx.scores import Head

ALL = np.ones((1, 2), bool)


def test_of_exclusive_classes_it_is_the_likeliest_one_s_probability() -> None:
    scores = np.array([[[[0.5, 0.0]], [[0.5, 1.0]]]], np.float32)
    sure = confidence(Head("softmax"), scores, 1, ALL)
    assert sure is not None
    assert sure.max_probability == pytest.approx(0.75)
    assert sure.entropy == pytest.approx(0.5, abs=1e-6)  # log 2 over log 2, and 0


def test_only_the_region_counts() -> None:
    scores = np.array([[[[0.5, 0.0]], [[0.5, 1.0]]]], np.float32)
    sure = confidence(Head("softmax"), scores, 1, np.array([[False, True]]))
    assert sure is not None
    assert sure.max_probability == 1
    assert sure.entropy == pytest.approx(0, abs=1e-6)


def test_of_an_independent_class_it_is_the_likelier_of_yes_and_no() -> None:
    scores = np.array([[[[0.8, 0.4]], [[0.1, 0.1]]]], np.float32)
    sure = confidence(Head("sigmoid"), scores, 0, ALL)
    assert sure is not None
    assert sure.max_probability == pytest.approx(0.7)


def test_label_maps_and_empty_regions_say_nothing() -> None:
    scores = np.zeros((1, 2, 1, 2), np.float32)
    assert confidence(Head("labels"), scores, 0, ALL) is None
    assert confidence(Head("softmax"), scores, 0, ~ALL) is None
