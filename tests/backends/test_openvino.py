"""Forwards in OpenVINO: the same numbers as ONNX Runtime's, and what was asked for stands in the provenance."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from benchmarks.shared_data import Triple
from misure_onnx.api import load_segmenter, make_method
from misure_onnx.backends.openvino import OpenVinoSegmenter, OpenVinoSession
from misure_onnx.backends.windows import WindowedSegmenter
from misure_onnx.errors import ModelError, ProviderError, UnsupportedModel
from misure_onnx.methods.precision import precision_notes
from misure_onnx.methods.task import Task
from misure_onnx.preprocessing import PRESETS, Preprocessing
from misure_onnx.processors import usable_cores
from misure_onnx.segmenter import CountingSegmenter, ReducedPrecision, Segmenter
from misure_onnx.target import Target
from misure_onnx.types import Images
from tests.contracts.test_backends import TINY_MODELS
from tests.methods.asked import task_on
from tests.shared_data import real_models
from tests.tiny_models import SIZE, disc_image, noise_image

openvino = pytest.importorskip("openvino", reason="extra openvino is not installed")

ABSOLUTE, RELATIVE = 1e-4, 1e-4
"""How far scores may differ, of the real models as a share of the largest."""
HAS_BF16 = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def both(model: Path, preprocess: Preprocessing) -> tuple[Segmenter, Segmenter]:
    """The same file in ONNX Runtime and in OpenVINO."""
    first, second = (load_segmenter(model, preprocess, provider=name) for name in ("cpu", "openvino"))
    return first, second


@pytest.mark.parametrize("name", TINY_MODELS)
def test_tiny_models_have_the_scores_of_onnx_runtime(tmp_path: Path, name: str) -> None:
    expected, found = both(TINY_MODELS[name](tmp_path / "m.onnx"), Preprocessing(scale=1 / 255))
    assert found.spec == expected.spec
    images = np.random.default_rng(0).random((3, found.spec.channels, *SIZE), np.float32)
    bound = 2e-3 if name == "half precision" else ABSOLUTE  # 11 bits, rounded at other places
    assert found.predict(images) == pytest.approx(expected.predict(images), abs=bound)


@pytest.mark.parametrize("triple", real_models())
def test_real_models_have_the_scores_and_the_object_of_onnx_runtime(triple: Triple) -> None:
    expected, found = both(triple.model, triple.preprocessing)
    image = expected.prepare(triple.loaded())
    first, second = expected.predict(image), found.predict(image)
    assert np.abs(second - first).max() <= RELATIVE * max(1.0, float(np.abs(first).max()))
    regions = [found.spec.head.membership(scores, triple.class_index) for scores in (first, second)]
    assert np.mean(regions[0] != regions[1]) <= 1e-4


def test_several_calls_at_once_give_what_they_give_alone(small_network: Path) -> None:
    segmenter = OpenVinoSegmenter(small_network, preprocessing=PRESETS["unit"], provider="openvino")
    images = np.random.default_rng(0).random((9, 3, *SIZE), np.float32)
    together = list(segmenter.concurrently(lambda predict, image: predict(image[None])[0], images))
    assert segmenter.spec.workers == min(4, usable_cores())
    assert np.stack(together) == pytest.approx(segmenter.predict(images), abs=1e-6)


def test_the_provenance_names_precision_and_route(small_network: Path) -> None:
    segmenter = load_segmenter(small_network, "minus1_1", provider="OpenVINO")
    explanation = make_method("misure", None, {"iterations": "5"}).explain(segmenter, noise_image())
    found = explanation.provenance
    assert (found.providers_requested, found.providers_used) == (("openvino",), ("OpenVINO CPU f32",))
    assert any("with f32" in note and "gradients" in note for note in found.notes)
    assert found.versions["openvino"].split("-")[0] in "".join(found.notes)
    assert found.gradient_route == "onnx_gradient"
    assert found.gradient_fidelity is not None
    assert explanation.certificate.verified_on == "OpenVINO CPU f32"


@pytest.mark.parametrize("name", ["gradient", "seg_grad_cam", "score_cam", "seg_ablation_cam"])
def test_methods_on_the_graph_find_what_they_find_on_onnx_runtime(small_network: Path, name: str) -> None:
    expected, found = (
        make_method(name).explain(segmenter, noise_image()).saliency
        for segmenter in both(small_network, PRESETS["minus1_1"])
    )
    assert found == pytest.approx(expected, abs=1e-4 * float(np.abs(expected).max()))


def test_rise_is_the_same_map(small_network: Path) -> None:
    expected, found = (
        make_method("rise", None, {"masks": "40"}).explain(segmenter, noise_image()).saliency
        for segmenter in both(small_network, PRESETS["minus1_1"])
    )
    assert found == pytest.approx(expected, abs=1e-4)


def test_bfloat16_is_refused_or_its_difference_is_told(bright_pixels: Path) -> None:
    if not HAS_BF16:
        with pytest.raises(ProviderError, match="does not compute with bfloat16: take --provider openvino"):
            load_segmenter(bright_pixels, "unit", provider="openvino-bf16")
        return
    segmenter = load_segmenter(bright_pixels, "unit", provider="openvino-bf16")
    notes = make_method("predicted_mask").explain(segmenter, disc_image()).provenance.notes
    assert any("the Dice of what it finds with what it finds in float32 is 1.0000" in note for note in notes)


class Rounded:
    """A segmenter whose last row is lost, as fewer bits would lose it."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter, self.spec, self.identity, self.prepare = (
            segmenter,
            segmenter.spec,
            segmenter.identity,
            segmenter.prepare,
        )

    def full_precision(self) -> Segmenter:
        return self._segmenter

    def predict(self, images: Images) -> Images:
        scores = self._segmenter.predict(images).copy()
        scores[:, 1:, : scores.shape[2] // 2] = -100
        return scores


def test_the_difference_is_the_dice_of_both_predictions(bright_pixels: Path) -> None:
    task = task_on(bright_pixels, disc_image())
    exact = task.segmenter.segmenter
    fewer = CountingSegmenter(Rounded(exact))
    target = Target().resolve(fewer.spec, fewer.predict(task.image), SIZE)
    (note,) = precision_notes(Task(fewer, task.image, target, 0, 1, task.progress))
    whole = exact.predict(task.image)[0].argmax(axis=0) == 1
    half = whole.copy()
    half[: SIZE[0] // 2] = False
    assert f"{2 * half.sum() / (half.sum() + whole.sum()):.6f}" in note
    assert precision_notes(task) == ()


def test_windows_know_the_precision_of_their_model(bright_pixels: Path) -> None:
    exact = load_segmenter(bright_pixels, "unit", provider="openvino")
    assert WindowedSegmenter(exact, 0.5).full_precision() is None
    fewer = WindowedSegmenter(Rounded(exact), 0.5)
    assert isinstance(fewer, ReducedPrecision)
    found = fewer.full_precision()
    images = np.random.default_rng(0).random((1, exact.spec.channels, *SIZE), np.float32)
    assert found is not None
    assert found.predict(images) == pytest.approx(exact.predict(images), abs=1e-5)


def test_scoring_inside_the_graph_is_refused_with_the_reason(small_network: Path) -> None:
    segmenter = load_segmenter(small_network, "minus1_1", provider="openvino")
    with pytest.raises(UnsupportedModel, match="use plain"):
        make_method("rise", None, {"masks": "4"}).explain(segmenter, noise_image(), scoring="fused")


def test_a_file_that_openvino_cannot_load_says_what_to_do(tmp_path: Path, small_network: Path) -> None:
    model = onnx.load(small_network)
    model.graph.node[0].domain, model.graph.node[0].op_type = "nobody", "Unknown"
    onnx.save(model, tmp_path / "strange.onnx")
    with pytest.raises(ModelError, match=r"OpenVINO .* cannot load strange.onnx: .*Unknown.*--provider cpu"):
        OpenVinoSession(tmp_path / "strange.onnx", "f32")


def test_an_unknown_precision_is_refused(small_network: Path) -> None:
    with pytest.raises(ProviderError, match="openvino or openvino-bf16, got 'openvino-int4'"):
        OpenVinoSegmenter(small_network, preprocessing=PRESETS["unit"], provider="openvino-int4")
