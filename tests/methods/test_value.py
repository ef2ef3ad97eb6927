"""What a prediction is worth, by hand: one row of four pixels, of which the first two are the target."""

import numpy as np
import pytest

from misure_onnx.methods.value import VALUES
from misure_onnx.scores import Head
from misure_onnx.target import ResolvedTarget

REGION = np.array([[True, True, False, False]])
OTHER_OBJECT = np.array([[False, False, False, True]])
WHOLE_CLASS = ResolvedTarget(1, None, "class", REGION, np.ones_like(REGION))
ONE_OBJECT = ResolvedTarget(1, None, "instance", REGION, ~OTHER_OBJECT)

PROBABILITIES = np.array([[0.9, 0.4, 0.2, 0.7], [0.0, 0.0, 0.0, 0.0]], np.float32)
"""Of the class, in two images."""


def scores_of(kind: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    both = np.stack([1 - PROBABILITIES, PROBABILITIES], axis=1)[:, :, None]
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(both) if kind == "logits" else both, np.float32)


def value(name: str, target: ResolvedTarget, kind: str = "softmax") -> list[float]:
    head = Head(kind)  # type: ignore[arg-type]
    return [float(number) for number in VALUES[name](scores_of(kind), head, target)]  # type: ignore[index]


def test_dice_counts_pixels_where_the_class_wins() -> None:
    assert value("dice", WHOLE_CLASS) == pytest.approx([2 * 1 / (2 + 2), 0])


def test_soft_dice_weighs_every_pixel_by_its_probability() -> None:
    assert value("soft_dice", WHOLE_CLASS) == pytest.approx([2 * 1.3 / (2.2 + 2), 0], abs=1e-6)


def test_another_object_of_the_class_does_not_count() -> None:
    assert value("dice", ONE_OBJECT) == pytest.approx([2 * 1 / (1 + 2), 0])
    assert value("soft_dice", ONE_OBJECT) == pytest.approx([2 * 1.3 / (1.5 + 2), 0], abs=1e-6)


@pytest.mark.parametrize("kind", ["softmax", "logits"])
def test_mean_probability_is_the_same_of_probabilities_and_of_logits(kind: str) -> None:
    assert value("mean_probability", WHOLE_CLASS, kind) == pytest.approx([0.65, 0], abs=1e-6)


def test_mean_score_is_taken_as_the_model_gives_it() -> None:
    assert value("mean_score", WHOLE_CLASS, "logits")[0] == pytest.approx((np.log(0.9) + np.log(0.4)) / 2)
