"""What every route without gradients must do, without being told."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.api import load_segmenter
from misure_onnx.errors import ParameterError
from misure_onnx.explanation import Explanation
from misure_onnx.images import load_image
from misure_onnx.methods.misure import MiSuRe
from misure_onnx.methods.misure.forward_only import FORWARD_ROUTES
from misure_onnx.methods.misure.forward_only.cost import Cost
from misure_onnx.methods.misure.forward_only.questions import Questions
from misure_onnx.methods.sufficient_region import grow_sufficient_region
from misure_onnx.methods.task import Task
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.segmenter import Segmenter
from misure_onnx.target import Target
from misure_onnx.types import Images, Scores
from tests.methods.asked import task_on
from tests.tiny_models import disc_image, key_region, noise_image, small_network, uniform

SIZE = (40, 52)

every_route = pytest.mark.parametrize("route", FORWARD_ROUTES)


@pytest.fixture
def segmenter(tmp_path: Path) -> Segmenter:
    return load_segmenter(small_network(tmp_path / "net.onnx", size=SIZE), "minus1_1")


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return task_on(small_network(tmp_path / "net.onnx", size=SIZE), noise_image(SIZE, 2), preprocess="minus1_1")


def explained(segmenter: Segmenter, route: str, *, batch_size: int = 1, **parameters: object) -> Explanation:
    method = MiSuRe.from_preset("minimal", **{"route": route, "budget": 200, "tau": 0.8, **parameters})
    return method.explain(segmenter, noise_image(SIZE, 2), Target.from_class(1), batch_size=batch_size)


@every_route
def test_the_region_is_smaller_than_stage_1_s_inside_it_and_passes_on_the_deployed_model(
    segmenter: Segmenter, route: str
) -> None:
    found = explained(segmenter, route)
    x = segmenter.prepare(load_image(noise_image(SIZE, 2)))
    reference = segmenter.predict(x)[0].argmax(axis=0) == 1
    again = segmenter.predict(x * found.minimal_region)[0].argmax(axis=0) == 1
    assert 2 * np.sum(again & reference) / (again.sum() + reference.sum()) > 0.8
    assert found.sufficient_region is not None
    assert found.minimal_region.sum() < 0.95 * found.sufficient_region.sum()
    assert not (found.minimal_region & ~found.sufficient_region).any()
    assert found.provenance.status != "not_sufficient"


@every_route
def test_the_provenance_names_the_route_and_no_gradient_was_used(segmenter: Segmenter, route: str) -> None:
    found = explained(segmenter, route)
    assert found.provenance.gradient_route == route
    assert found.provenance.gradient_fidelity is None
    assert found.cost.backwards == 0


@every_route
def test_the_result_does_not_depend_on_the_batch_size_and_is_the_same_again(segmenter: Segmenter, route: str) -> None:
    one, again, seven = (explained(segmenter, route, batch_size=size) for size in (1, 1, 7))
    assert np.array_equal(one.minimal_region, again.minimal_region)
    assert np.array_equal(one.minimal_region, seven.minimal_region)
    assert one.trace == again.trace


@every_route
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("budget", [1, 2, 13, 90])
def test_the_model_is_never_asked_more_often_than_the_budget_allows(
    task: Task, route: str, budget: int, batch_size: int
) -> None:
    import dataclasses  # noqa: PLC0415 - only here

    task = dataclasses.replace(task, batch_size=batch_size)
    baseline = np.zeros_like(task.image)
    facts = grow_sufficient_region(task, baseline, 0.8)
    before = task.segmenter.forwards
    questions = Questions(task, baseline, 0.8, budget)
    FORWARD_ROUTES[route](questions, facts.region, Cost(0), 40)
    assert task.segmenter.forwards - before == questions.spent <= budget


@every_route
def test_the_trace_shows_ever_smaller_regions_that_passed_within_the_budget(segmenter: Segmenter, route: str) -> None:
    trace = explained(segmenter, route).trace
    assert len(trace["forwards"]) == len(trace["area"]) == len(trace["dice"]) >= 2
    assert all(later > earlier for earlier, later in zip(trace["forwards"], trace["forwards"][1:], strict=False))
    assert all(later < earlier for earlier, later in zip(trace["area"], trace["area"][1:], strict=False))
    assert min(trace["dice"]) > 0.8
    assert trace["forwards"][-1] <= 200


@every_route
def test_a_larger_budget_continues_what_a_smaller_one_began(segmenter: Segmenter, route: str) -> None:
    short, long = (explained(segmenter, route, budget=budget).trace for budget in (80, 200))
    assert long["area"][: len(short["area"])] == short["area"]
    assert long["area"][-1] < short["area"][-1]


@every_route
@pytest.mark.parametrize("shape", [(36, 44), (44, 36)])
def test_the_region_lies_in_the_known_evidence(tmp_path: Path, route: str, shape: tuple[int, int]) -> None:
    thing, key = np.zeros(shape, bool), np.zeros(shape, bool)
    thing[8:28, 8:34] = True
    key[12:16, 20:30] = True
    model = key_region(tmp_path / "key.onnx", object_region=thing, key=key)
    method = MiSuRe.from_preset("minimal", route=route)
    found = method.explain(load_segmenter(model, "unit"), np.full(shape, 255, np.uint8), Target.from_class(1))
    assert found.certificate.dice > 0.9
    # More than half of the evidence is needed and nothing else is.
    assert 0.5 * key.sum() < (found.minimal_region & key).sum()
    assert found.minimal_region.sum() <= 0.6 * key.sum()


@every_route
def test_an_image_of_8x8_pixels_is_no_special_case(tmp_path: Path, route: str) -> None:
    thing = np.zeros((8, 8), bool)
    thing[2:6, 1:7] = True
    key = np.zeros((8, 8), bool)
    key[3, 2:6] = True
    model = key_region(tmp_path / "key.onnx", object_region=thing, key=key)
    method = MiSuRe.from_preset("minimal", route=route)
    found = method.explain(load_segmenter(model, "unit"), np.full((8, 8), 255, np.uint8), Target.from_class(1))
    assert found.minimal_region.sum() == 3  # of the four pixels of evidence, more than half
    assert (found.minimal_region & ~key).sum() == 0


@every_route
def test_a_model_that_ignores_the_image_needs_no_pixel_at_all(tmp_path: Path, route: str) -> None:
    task = task_on(uniform(tmp_path / "uniform.onnx"), noise_image())
    found = MiSuRe.from_preset("minimal", route=route).attribute(task)
    assert found.region.sum() == 0
    assert np.ptp(found.saliency) == 0


def all_or_nothing(key: npt.NDArray[np.bool_], thing: npt.NDArray[np.bool_]) -> Segmenter:
    """The object while more than half of the key's pixels are bright, else nothing; a Python function, hard answers."""

    def decide(images: Images) -> Scores:
        seen = images[:, 0, key].mean(axis=1) > 0.5
        return np.asarray(seen[:, None, None, None] & thing, np.float32)

    return load_segmenter(decide, Preprocessing(scale=1 / 255, size=key.shape, output="sigmoid", color="GRAY"))


@every_route
def test_a_function_that_answers_yes_or_no_only_is_served(route: str) -> None:
    thing, key = np.zeros((20, 24), bool), np.zeros((20, 24), bool)
    thing[4:16, 4:20] = True
    key[6:10, 6:12] = True
    method = MiSuRe.from_preset("minimal", route=route)
    found = method.explain(all_or_nothing(key, thing), np.full((20, 24), 255, np.uint8), Target.from_class(0))
    assert found.certificate.dice == 1
    assert found.minimal_region.sum() <= 0.75 * key.sum()


@every_route
def test_the_smooth_preset_gives_a_shorter_contour_for_its_area(route: str) -> None:
    thing = disc_image((64, 64), 24) > 0
    rng = np.random.default_rng(0)
    spread = thing & (rng.random((64, 64)) < 0.5)
    segmenter = all_or_nothing(spread, thing)
    contours = []
    for preset in ("minimal", "smooth"):
        method = MiSuRe.from_preset(preset, route=route)
        region = method.explain(segmenter, np.full((64, 64), 255, np.uint8), Target.from_class(0)).minimal_region
        edges = sum(int(np.count_nonzero(np.diff(region.astype(int), axis=axis))) for axis in (0, 1))
        contours.append(edges / region.sum())
    assert contours[1] < 0.7 * contours[0]


@every_route
def test_the_soft_mask_of_eq_1_is_refused_with_what_remains(route: str) -> None:
    with pytest.raises(ParameterError, match="presets minimal and smooth"):
        MiSuRe.from_preset("paper", route=route)
    with pytest.raises(ParameterError, match="without robust and alternatives"):
        MiSuRe.from_preset("robust", route=route)


def test_auto_takes_search_where_no_gradient_is_left_and_says_why(segmenter: Segmenter) -> None:
    function = load_segmenter(
        lambda images: segmenter.predict(images),  # noqa: PLW0108 - a function and nothing else
        Preprocessing(scale=2 / 255, mean=(127.5,) * 3, size=SIZE, output="logits"),
    )
    found = explained(function, "auto", budget=60)
    assert found.provenance.gradient_route == "search"
    notes = " ".join(found.provenance.notes)
    assert "route onnx_gradient: " in notes
    assert "route torch: " in notes
    assert "forwards alone (route search)" in notes


def test_auto_prefers_a_gradient(segmenter: Segmenter) -> None:
    assert explained(segmenter, "auto", iterations=2).provenance.gradient_route == "onnx_gradient"
