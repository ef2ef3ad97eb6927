"""Maps of a real model order pixels better than chance; regions with an aim reach it."""

import numpy as np
import pytest

from benchmarks.occlusion_filters import deletion, task_of
from benchmarks.shared_data import triples
from misure_onnx.methods.base import Method
from misure_onnx.methods.extremal_perturbation import ExtremalPerturbation
from misure_onnx.methods.kernel_shap import KernelShap
from misure_onnx.methods.meaningful_perturbation import MeaningfulPerturbation
from misure_onnx.methods.occlusion import Occlusion
from misure_onnx.methods.task import Task
from tests.shared_data import shared_data


@pytest.fixture(scope="module")
def portrait() -> Task:
    """A woman in uniform, and a network of 256 x 256 pixels that finds persons."""
    shared_data()
    return task_of(next(triple for triple in triples() if triple.name == "D15"))


@pytest.mark.parametrize("method", [Occlusion(patch=0.2), KernelShap(features=24, budget=400)])
def test_deletion_along_the_map_falls_faster_than_at_random(portrait: Task, method: Method) -> None:
    saliency = method.attribute(portrait).saliency
    along = np.mean(deletion(portrait, saliency, portrait.rng()))
    at_random = np.mean(deletion(portrait, np.zeros_like(saliency), portrait.rng()))
    assert along < 0.8 * at_random


def test_an_extremal_region_is_found_again_by_the_deployed_model(portrait: Task) -> None:
    found = ExtremalPerturbation(tau=0.8, areas="0.5,1", iterations=60).attribute(portrait)
    assert portrait.dice(found.region[None].astype(np.float32), np.zeros_like(portrait.image))[0] > 0.8
    assert found.region.mean() < 0.95


def test_a_meaningful_deletion_makes_the_object_vanish(portrait: Task) -> None:
    found = MeaningfulPerturbation(iterations=150).attribute(portrait)
    assert found.status == "ok"
    assert found.trace["dice"][-1] < 0.5
    assert found.saliency.mean() < 0.5
