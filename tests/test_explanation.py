"""The result: its document, and what is written and read."""

import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from misure_onnx.api import load_segmenter
from misure_onnx.backends.workers import most_workers
from misure_onnx.errors import InputError, OutputError
from misure_onnx.explanation import SCHEMA, Explanation
from misure_onnx.images import load_image
from misure_onnx.methods.rise import Rise
from misure_onnx.methods.sufficient_region import SufficientRegion
from misure_onnx.perturbation import BASELINES
from misure_onnx.target import Target
from tests.cli import documents
from tests.tiny_models import bright_pixels, disc_image, noise_image, small_network

KEYS: dict[str, Any] = {"schema": None, **documents.KEYS, "alternatives": None, "channels": None}
FILES = {"explanation.json", "saliency.npy", "minimal_region.png", "prediction.png", "trace.json", "figure.png"}


def explained_disc(folder: Path) -> Explanation:
    """A white disc on black, explained by a model for which a pixel is the object if it is bright."""
    segmenter = load_segmenter(bright_pixels(folder / "m.onnx"), {"scale": 1 / 255, "class_names": ["bg", "light"]})
    return SufficientRegion().explain(segmenter, disc_image(), Target.from_class("light"), seed=4)


@pytest.fixture
def of_a_disc(tmp_path: Path) -> Explanation:
    return explained_disc(tmp_path)


@pytest.fixture
def of_noise(tmp_path: Path) -> Explanation:
    segmenter = load_segmenter(small_network(tmp_path / "m.onnx"))
    return Rise(masks=30).explain(segmenter, noise_image((31, 45)))


@pytest.fixture
def saved(tmp_path: Path, of_a_disc: Explanation) -> Path:
    """Without pictures, which take most of the time."""
    return dataclasses.replace(of_a_disc, image=None).save(tmp_path / "out")


# The document


def test_the_document_has_exactly_the_promised_keys(of_a_disc: Explanation, of_noise: Explanation) -> None:
    for explanation in (of_a_disc, of_noise):
        document = explanation.to_json()
        assert list(document) == list(KEYS)
        for name, keys in KEYS.items():
            assert keys is None or set(document[name]) == keys
        assert document["schema"] == SCHEMA == "misure-onnx/explanation/1"


def test_the_document_of_a_case_known_by_hand(of_a_disc: Explanation) -> None:
    """Each pixel decides for itself, so the object alone is enough, without a dilation."""
    document, pixels = of_a_disc.to_json(), int((disc_image() > 0).sum())
    assert document["method"] == {
        "name": "sufficient_region",
        "preset": None,
        "parameters": {"tau": 0.9, "baseline": "zero"},
    }
    assert document["target"] == {
        "class_index": 1,
        "class_name": "light",
        "kind": "class",
        "pixels": pixels,
        "centroid_xy": [12.0, 10.0],
        "against": None,
    }
    metrics = document["metrics"]
    assert (metrics["dice_explained"], metrics["dice_explained_soft"], metrics["perturbation_ratio"]) == (1, 1, 1)
    assert metrics["sufficient_region"] == {"dilations": 0, "dice": 1.0, "ratio": 1.0, "saturated": False}
    assert metrics["predicted_mask"] == {"dice_explained": 1.0, "perturbation_ratio": 1.0}
    assert metrics["random_mask"]["perturbation_ratio"] == 1
    assert 0 < metrics["random_mask"]["dice_explained"] < 1
    assert document["certificate"]["tau"] == 0.9
    assert document["certificate"]["dice"] == 1
    assert list(document["certificate"]["baselines"]) == list(BASELINES)
    assert document["certificate"]["baselines"]["zero"] == document["certificate"]["baselines"]["mean"] == 1
    assert document["certificate"]["verified_on"] == "CPUExecutionProvider"
    provenance = document["provenance"]
    assert (provenance["seed"], provenance["status"], provenance["opset"]) == (4, "ok", 17)
    assert provenance["input_sha256"] == load_image(disc_image()).sha256
    assert (provenance["gradient_route"], provenance["gradient_fidelity"], provenance["notes"]) == (None, None, [])
    assert document["cost"]["backwards"] == 0
    # The image; stage 1's first region, and the dilations judged at the same time; Dice of region, soft mask, object
    # and random pixels; then the certificate: four more baselines, two held-out draws, necessity, silhouette, JPEG,
    # four shifts, and the blocks.
    certificate = document["certificate"]
    assert certificate["forwards"] == 4 + 2 + 3 + 4 + certificate["minimality"]["checked"]
    assert document["cost"]["forwards"] == 1 + most_workers() + 4 + certificate["forwards"]


def test_the_document_is_json_and_nothing_else(of_a_disc: Explanation) -> None:
    document = of_a_disc.to_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_arrays_have_the_image_s_size(of_noise: Explanation) -> None:
    assert of_noise.saliency.shape == of_noise.prediction.shape == of_noise.minimal_region.shape == (31, 45)
    assert of_noise.saliency.dtype == np.float32
    assert of_noise.prediction.dtype == of_noise.minimal_region.dtype == bool
    assert of_noise.sufficient_region is None
    assert of_noise.image is not None
    assert np.array_equal(of_noise.image, noise_image((31, 45)))


def test_explanations_and_their_records_are_frozen(of_a_disc: Explanation) -> None:
    for record in (of_a_disc, of_a_disc.metrics, of_a_disc.provenance, of_a_disc.certificate):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, dataclasses.fields(record)[0].name, None)


# Writing and reading


def test_an_explanation_from_before_servers_could_be_asked_is_read(saved: Path) -> None:
    document = json.loads((saved / "explanation.json").read_text(encoding="utf-8"))
    assert document["provenance"].pop("server") is None
    (saved / "explanation.json").write_text(json.dumps(document), encoding="utf-8")
    assert Explanation.load(saved).provenance.server is None


@pytest.mark.parametrize("fixture", ["of_a_disc", "of_noise"])
def test_what_is_saved_comes_back(tmp_path: Path, fixture: str, request: pytest.FixtureRequest) -> None:
    explanation: Explanation = request.getfixturevalue(fixture)
    place = explanation.save(tmp_path / "deep" / "out")
    loaded = Explanation.load(place)
    assert loaded.to_json() == explanation.to_json()
    assert np.array_equal(loaded.saliency, explanation.saliency)
    assert loaded.saliency.dtype == np.float32
    assert np.array_equal(loaded.prediction, explanation.prediction)
    assert np.array_equal(loaded.minimal_region, explanation.minimal_region)
    assert loaded.trace == explanation.trace
    assert loaded.target == explanation.target
    assert loaded.metrics == explanation.metrics
    assert loaded.provenance == explanation.provenance
    assert (loaded.sufficient_region is None) == (explanation.sufficient_region is None)
    if explanation.sufficient_region is not None:
        assert loaded.sufficient_region is not None
        assert np.array_equal(loaded.sufficient_region, explanation.sufficient_region)


def test_the_files_are_those_of_the_documentation(
    tmp_path: Path, of_a_disc: Explanation, of_noise: Explanation
) -> None:
    with_stage_1, without = of_a_disc.save(tmp_path / "a"), of_noise.save(str(tmp_path / "b"))
    assert {path.name for path in with_stage_1.iterdir()} >= FILES | {"sufficient_region.png"}
    assert {path.name for path in without.iterdir()} >= FILES
    assert not (without / "sufficient_region.png").exists()
    assert json.loads((with_stage_1 / "explanation.json").read_text(encoding="utf-8")) == of_a_disc.to_json()
    assert np.load(with_stage_1 / "saliency.npy").dtype == np.float32
    pixels = cv2.imread(str(with_stage_1 / "sufficient_region.png"), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, np.uint8(255) * (disc_image() > 0))


def test_saving_again_leaves_nothing_of_the_explanation_before(
    tmp_path: Path, of_a_disc: Explanation, of_noise: Explanation
) -> None:
    place = of_a_disc.save(tmp_path / "out")
    of_noise.save(place)
    assert not (place / "sufficient_region.png").exists()
    assert Explanation.load(place).to_json() == of_noise.to_json()


def test_a_loaded_explanation_can_be_saved_but_has_no_picture(tmp_path: Path, of_a_disc: Explanation) -> None:
    loaded = Explanation.load(of_a_disc.save(tmp_path / "a"))
    assert loaded.image is None
    with pytest.raises(InputError, match=r"a loaded explanation does not hold the image: .* figure\.png"):
        loaded.figure()
    with pytest.raises(InputError, match=r"a loaded explanation does not hold the image: .* overlay\.png"):
        loaded.overlay()
    again = Explanation.load(loaded.save(tmp_path / "b"))
    assert again.to_json() == of_a_disc.to_json()
    assert not (tmp_path / "b" / "figure.png").exists()


def test_a_place_that_is_a_file_is_refused_and_left_alone(tmp_path: Path, of_a_disc: Explanation) -> None:
    place = tmp_path / "out"
    place.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError):
        of_a_disc.save(place)
    assert place.read_text(encoding="utf-8") == "mine"


REQUIRED = ["explanation.json", "saliency.npy", "minimal_region.png", "prediction.png", "trace.json"]


@pytest.mark.parametrize("name", [*REQUIRED, "sufficient_region.png"])
@pytest.mark.parametrize("content", [None, b"", b"[]", b"[1]", b"null", b"\x80\x04."])
def test_a_missing_or_damaged_file_is_refused(saved: Path, name: str, content: bytes | None) -> None:
    (saved / name).unlink()
    if content is not None:
        (saved / name).write_bytes(content)
    with pytest.raises(InputError, match=r"out"):
        Explanation.load(saved)


def test_a_directory_without_an_explanation_is_refused(tmp_path: Path) -> None:
    for saved in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match="holds no complete explanation"):
            Explanation.load(saved)


@pytest.mark.parametrize("schema", ["misure-onnx/explanation/2", None, 1])
def test_another_schema_is_refused(saved: Path, of_a_disc: Explanation, schema: object) -> None:
    document = {**of_a_disc.to_json(), "schema": schema}
    (saved / "explanation.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputError, match=r"expected schema 'misure-onnx/explanation/1', got"):
        Explanation.load(saved)


@pytest.mark.parametrize("record", ["method", "target", "metrics", "certificate", "cost", "provenance"])
@pytest.mark.parametrize("change", ["missing", "surprise"])
def test_other_keys_are_refused(saved: Path, of_a_disc: Explanation, record: str, change: str) -> None:
    document = of_a_disc.to_json()
    if change == "missing":
        del document[record][next(iter(document[record]))]
    else:
        document[record][change] = 1
    (saved / "explanation.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputError, match="holds no complete explanation"):
        Explanation.load(saved)


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("form", ["npy", "pickle", "npz"])
def test_nothing_is_executed_on_loading(tmp_path: Path, saved: Path, form: str) -> None:
    trace = tmp_path / "executed"
    bomb = np.array([Bomb(trace)], dtype=object)
    with (saved / "saliency.npy").open("wb") as file:
        if form == "npy":
            np.save(file, bomb, allow_pickle=True)
        elif form == "npz":
            np.savez(file, bomb)
        else:
            pickle.dump(bomb, file)
    with pytest.raises(InputError, match="holds no complete explanation"):
        Explanation.load(saved)
    assert not trace.exists()


@pytest.mark.parametrize("saliency", [np.zeros((3, 4)), np.zeros(5, np.float32), np.zeros((3, 4, 1), np.float32)])
def test_a_map_of_another_type_or_rank_is_refused(saved: Path, saliency: Any) -> None:
    np.save(saved / "saliency.npy", saliency)
    with pytest.raises(InputError, match=r"expected float32 \(20, 24\)"):
        Explanation.load(saved)


# Pictures


def test_the_figure_is_a_png_and_the_overlay_an_image_of_the_image_s_size(of_noise: Explanation) -> None:
    assert of_noise.figure().startswith(b"\x89PNG")
    assert of_noise.overlay().shape == (31, 45, 3)
    assert of_noise.overlay().dtype == np.uint8


@pytest.mark.parametrize(
    ("tau", "dice", "verdict"),
    [
        (None, 1.0, "Region of the map"),
        (0.9, 0.91, "Enough for the model"),
        (0.9, 0.9, "Not enough for the model"),
        (0.0, 0.0, "Not enough for the model"),
    ],
)
def test_only_a_region_whose_dice_exceeds_tau_is_called_enough(
    of_a_disc: Explanation, tau: float | None, dice: float, verdict: str
) -> None:
    passed = None if tau is None else dice > tau
    certificate = dataclasses.replace(of_a_disc.certificate, tau=tau, dice=dice, passed=passed)
    assert dataclasses.replace(of_a_disc, certificate=certificate)._captions()["verdict"] == verdict


def test_labels_without_names_are_class_and_index(of_a_disc: Explanation, of_noise: Explanation) -> None:
    assert of_a_disc.target.label == "light"
    assert of_noise.target.label == f"class {of_noise.target.class_index}"
