"""The perturbation ratio, by hand."""

from pathlib import Path

import numpy as np
import pytest

from misure_onnx.metrics.perturbation_ratio import PerturbationRatio
from misure_onnx.target import Target
from misure_onnx.types import Region
from tests.metrics.candidates import OBJECT, OTHER, candidate, rows_of_object
from tests.tiny_models import SIZE


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        (np.zeros(SIZE, bool), 0.0),
        (rows_of_object(0, 2), 20 / 80),
        (OBJECT, 1.0),
        (~OBJECT, 400 / 80),
        (np.ones(SIZE, bool), 480 / 80),
    ],
)
def test_it_is_the_region_s_pixels_over_the_object_s(tmp_path: Path, region: Region, expected: float) -> None:
    assert PerturbationRatio().measure(candidate(tmp_path, region)).value == expected


def test_the_object_asked_about_counts_and_no_other(tmp_path: Path) -> None:
    judged = candidate(tmp_path, OBJECT, bright=OBJECT | OTHER, target=Target.from_class(1).at(19, 16))
    assert PerturbationRatio().measure(judged).value == pytest.approx(80 / 12)
    assert PerturbationRatio().measure(candidate(tmp_path, OBJECT, bright=OBJECT | OTHER)).value == pytest.approx(
        80 / 92
    )


def test_the_soft_mask_does_not_count(tmp_path: Path) -> None:
    judged = candidate(tmp_path, OBJECT, soft_mask=np.ones(SIZE, np.float32))
    assert PerturbationRatio().measure(judged).value == 1
