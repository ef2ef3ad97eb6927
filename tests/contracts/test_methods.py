"""What every method of the registry must do, without being told."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from misure_onnx.api import load_segmenter, make_method
from misure_onnx.errors import TargetError
from misure_onnx.explanation import Explanation
from misure_onnx.methods import METHODS
from misure_onnx.methods.base import Method
from misure_onnx.segmenter import Segmenter
from misure_onnx.target import Target
from tests.tiny_models import noise_image, small_network, uniform

SIZE = (40, 52)
IMAGE = noise_image((61, 47), 2)
QUICK = {
    "misure": {"iterations": "4", "mask_size": "16"},
    "rise": {"masks": "24"},
    "kernel_shap": {"features": "12", "budget": "40"},
    "lime": {"features": "12", "samples": "40"},
    "grid_saliency": {"iterations": "4"},
    "meaningful_perturbation": {"iterations": "4", "mask_size": "8", "baseline": "zero"},
    "extremal_perturbation": {"iterations": "4", "areas": "0.5,1"},
    "smooth_grad": {"samples": "4"},
}

every_method = pytest.mark.parametrize("name", METHODS)


def quick(name: str) -> Method:
    """The method with little work to do; nothing else is changed."""
    return make_method(name, settings=QUICK.get(name))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return small_network(tmp_path / "net.onnx", size=SIZE)


@pytest.fixture
def segmenter(model: Path) -> Segmenter:
    return load_segmenter(model, "minus1_1")


@every_method
def test_the_map_is_float32_finite_and_of_the_image_s_size(segmenter: Segmenter, name: str) -> None:
    explanation = quick(name).explain(segmenter, IMAGE)
    assert explanation.saliency.shape == IMAGE.shape[:2]
    assert explanation.saliency.dtype == np.float32
    assert np.isfinite(explanation.saliency).all()
    assert explanation.minimal_region.shape == IMAGE.shape[:2]
    assert explanation.minimal_region.dtype == bool


@every_method
def test_the_same_seed_gives_the_identical_explanation(segmenter: Segmenter, name: str) -> None:
    first, second = (quick(name).explain(segmenter, IMAGE, seed=3) for _ in range(2))
    assert np.array_equal(first.saliency, second.saliency)
    assert np.array_equal(first.minimal_region, second.minimal_region)
    assert first.provenance.seed == 3
    assert without_time(first) == without_time(second)


@every_method
def test_input_model_file_and_global_generator_stay_untouched(segmenter: Segmenter, model: Path, name: str) -> None:
    image, digest = IMAGE.copy(), hashlib.sha256(model.read_bytes()).hexdigest()
    np.random.seed(5)  # noqa: NPY002 - the global generator is what must not be touched
    expected = np.random.random(4)  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    quick(name).explain(segmenter, image)
    assert np.array_equal(np.random.random(4), expected)  # noqa: NPY002
    assert np.array_equal(image, IMAGE)
    assert hashlib.sha256(model.read_bytes()).hexdigest() == digest


@every_method
def test_the_result_does_not_depend_on_the_batch_size(segmenter: Segmenter, name: str) -> None:
    one, five = (quick(name).explain(segmenter, IMAGE, batch_size=size) for size in (1, 5))
    assert one.saliency == pytest.approx(five.saliency, abs=1e-5)
    assert np.array_equal(one.minimal_region, five.minimal_region)


@every_method
def test_the_result_does_not_depend_on_where_masks_are_scored(segmenter: Segmenter, name: str) -> None:
    plain, fused = (quick(name).explain(segmenter, IMAGE, scoring=choice) for choice in ("plain", "fused"))
    assert plain.saliency == pytest.approx(fused.saliency, abs=1e-5)
    assert np.array_equal(plain.minimal_region, fused.minimal_region)
    assert plain.metrics == fused.metrics


@every_method
def test_a_model_that_ignores_the_image_gets_a_constant_map(tmp_path: Path, name: str) -> None:
    if name == "random":
        pytest.skip("random pixels ignore the model too")
    segmenter = load_segmenter(uniform(tmp_path / "uniform.onnx"), "unit")
    explanation = quick(name).explain(segmenter, noise_image())
    assert np.ptp(explanation.saliency) < 1e-6


@every_method
def test_a_class_out_of_range_is_refused_with_the_valid_range(segmenter: Segmenter, name: str) -> None:
    with pytest.raises(TargetError, match="0 to 3"):
        quick(name).explain(segmenter, IMAGE, Target.from_class(4))


@every_method
def test_an_explanation_survives_saving_and_loading(segmenter: Segmenter, tmp_path: Path, name: str) -> None:
    explanation = quick(name).explain(segmenter, IMAGE)
    loaded = Explanation.load(explanation.save(tmp_path / "out"))
    assert loaded.to_json() == explanation.to_json()
    assert np.array_equal(loaded.saliency, explanation.saliency)
    assert np.array_equal(loaded.minimal_region, explanation.minimal_region)
    assert np.array_equal(loaded.prediction, explanation.prediction)
    assert json.loads((tmp_path / "out" / "explanation.json").read_text(encoding="utf-8")) == explanation.to_json()


@every_method
def test_the_numbers_are_those_of_the_deployed_model(segmenter: Segmenter, name: str) -> None:
    """The reported Dice is recomputed from the region alone, with nothing of the library's own metrics."""
    from misure_onnx.images import load_image  # noqa: PLC0415 - only here

    image = noise_image(SIZE, 2)  # the network's own size: regions come back unresized
    explanation = quick(name).explain(segmenter, image)
    x = segmenter.prepare(load_image(image))
    reference = segmenter.predict(x)[0].argmax(axis=0) == explanation.target.class_index
    found = segmenter.predict(x * explanation.minimal_region)[0].argmax(axis=0) == explanation.target.class_index
    dice = 2 * np.sum(found & reference) / (found.sum() + reference.sum())
    assert explanation.metrics.dice_explained == pytest.approx(dice, abs=1e-9)
    assert explanation.certificate.dice == pytest.approx(dice, abs=1e-9)
    assert explanation.metrics.perturbation_ratio == pytest.approx(explanation.minimal_region.sum() / reference.sum())


@pytest.mark.parametrize("name", ["rise", "kernel_shap", "lime", "smooth_grad"])
def test_a_method_that_samples_says_how_far_its_map_has_converged(segmenter: Segmenter, name: str) -> None:
    error = quick(name).explain(segmenter, IMAGE).metrics.sampling_error
    assert error is not None
    assert -1 <= error.value <= 1
    assert error.samples > 1


@every_method
def test_every_parameter_has_a_default_and_stands_in_the_record(segmenter: Segmenter, name: str) -> None:
    method = quick(name)
    explanation = method.explain(segmenter, IMAGE)
    assert dict(explanation.method.parameters) == {f.name: getattr(method, f.name) for f in dataclasses.fields(method)}  # type: ignore[arg-type]
    assert METHODS[name]().name == name


@every_method
def test_every_preset_can_be_made_and_names_itself(name: str) -> None:
    for preset in METHODS[name].PRESETS:
        assert METHODS[name].from_preset(preset).preset() == preset
    default = METHODS[name].DEFAULT_PRESET
    assert METHODS[name]().preset() == default


def without_time(explanation: Explanation) -> dict[str, object]:
    document = explanation.to_json()
    return {**document, "cost": {**document["cost"], "seconds": None}}


@every_method
def test_a_contrast_is_explained_saved_and_says_against_what(segmenter: Segmenter, name: str, tmp_path: Path) -> None:
    """Against one class alone the scores' differences count: what follows the model takes another way."""
    found, plain = (quick(name).explain(segmenter, IMAGE, Target.from_class(1, against=rival)) for rival in (3, None))
    assert found.target.label == "class 1 rather than class 3"
    assert found.to_json()["target"]["against"] == {"class_index": 3, "class_name": None}
    assert plain.to_json()["target"]["against"] is None
    assert Explanation.load(found.save(tmp_path / "out")).target == found.target
    follows_the_model = name not in ("predicted_mask", "dilated_mask", "object_edges", "random")
    same = np.array_equal(found.saliency, plain.saliency) and found.trace == plain.trace
    assert same != follows_the_model
