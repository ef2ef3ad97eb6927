"""What scripts may rely on: the keys of the JSON, the files, and the other commands."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from misure_onnx.api import make_metrics
from misure_onnx.explanation import Explanation
from misure_onnx.methods import METHODS
from misure_onnx.metrics import METRICS
from tests import tiny_models
from tests.cli.documents import assert_complete
from tests.cli.outcome import Run

FAST = ("--method", "sufficient_region", "--preprocess", "unit")


@pytest.mark.parametrize(
    "name", [name for name, method in METHODS.items() if not (method.uses_gradient or method.gradient_required)]
)
def test_every_key_is_there_for_every_method(name: str, misure: Run, small_network: Path, picture: Path) -> None:
    options = ("--set", "masks=8") if name == "rise" else ()
    document = misure(
        "explain", small_network, picture, "--preprocess", "unit", "--method", name, *options, "--json"
    ).document()
    assert_complete(document)
    assert document["method"]["name"] == name
    assert set(document["metrics"]["predicted_mask"]) == {"dice_explained", "perturbation_ratio"}
    assert set(document["metrics"]["random_mask"]) == {"dice_explained", "perturbation_ratio"}
    if document["metrics"]["sufficient_region"] is not None:
        assert set(document["metrics"]["sufficient_region"]) == {"dilations", "dice", "ratio", "saturated"}


def test_all_files_are_written_at_the_size_of_the_image(misure: Run, small_network: Path, tmp_path: Path) -> None:
    picture, out = tmp_path / "large.png", tmp_path / "new" / "out"
    cv2.imwrite(str(picture), tiny_models.noise_image((41, 33)))
    assert misure("explain", small_network, picture, *FAST, "--out", out).status == 0
    names = {path.name for path in out.iterdir()}
    assert {"explanation.json", "saliency.npy", "sufficient_region.png", "minimal_region.png", "figure.png"} <= names
    assert not any(name.startswith(".") for name in names)
    saliency = np.load(out / "saliency.npy", allow_pickle=False)
    assert saliency.shape == (41, 33)
    assert saliency.dtype == np.float32
    for name in ("sufficient_region.png", "minimal_region.png"):
        region = cv2.imread(str(out / name), cv2.IMREAD_UNCHANGED)
        assert region is not None
        assert region.shape == (41, 33)
        assert set(np.unique(region).tolist()) <= {0, 255}
    assert cv2.imread(str(out / "figure.png")) is not None


@pytest.mark.parametrize("size", [(2, 2), (2, 900), (900, 2)])
def test_a_picture_of_any_shape_has_a_figure_of_bounded_size(
    size: tuple[int, int], misure: Run, small_network: Path, tmp_path: Path
) -> None:
    picture, out = tmp_path / "strip.png", tmp_path / "out"
    cv2.imwrite(str(picture), tiny_models.noise_image(size))
    assert misure("explain", small_network, picture, *FAST, "--out", out).status == 0
    figure = cv2.imread(str(out / "figure.png"))
    assert figure is not None
    assert max(figure.shape) < 4000


def test_several_methods_give_a_list_in_their_order(
    misure: Run, small_network: Path, picture: Path, tmp_path: Path
) -> None:
    names = ["rise", "random", "sufficient_region", "predicted_mask"]
    options = ("--preprocess", "unit", "--method", ",".join(names), "--set", "masks=8", "--json", "--out")
    documents = misure("explain", small_network, picture, *options, tmp_path / "out").document()
    assert [document["method"]["name"] for document in documents] == names
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted([*names, "methods.png"])
    for name, document in zip(names, documents, strict=True):
        assert_complete(document)
        assert Explanation.load(tmp_path / "out" / name).to_json() == document


def test_every_object_gives_a_list_largest_first(misure: Run, bright_pixels: Path, tmp_path: Path) -> None:
    scene = np.zeros(tiny_models.SIZE, np.uint8)
    scene[1:6, 1:6] = scene[9:19, 9:22] = 255
    picture, out = tmp_path / "scene.png", tmp_path / "out"
    cv2.imwrite(str(picture), scene)
    documents = misure("explain", bright_pixels, picture, *FAST, "--every-object", "--json", "--out", out).document()
    assert [document["target"]["pixels"] for document in documents] == [130, 25]
    assert [document["target"]["kind"] for document in documents] == ["instance", "instance"]
    assert sorted(path.name for path in out.iterdir()) == ["object-1", "object-2"]
    assert Explanation.load(out / "object-2").target.pixels == 25


def test_the_same_seed_gives_the_same_document(misure: Run, small_network: Path, picture: Path) -> None:
    def document(seed: int) -> dict[str, Any]:
        options = ("--preprocess", "unit", "--method", "rise", "--set", "masks=8", "--seed", seed, "--json")
        found: dict[str, Any] = misure("explain", small_network, picture, *options).document()
        del found["cost"]["seconds"]
        return found

    assert document(3) == document(3)
    assert document(3)["metrics"] != document(4)["metrics"]


def test_names_in_any_alphabet_are_fine(misure: Run, tmp_path: Path) -> None:
    folder = tmp_path / "Straße 画像"
    folder.mkdir()
    model, picture = tiny_models.small_network(folder / "Netz 模型.onnx"), folder / "Bild ' $x.png"
    picture.write_bytes(cv2.imencode(".png", tiny_models.noise_image())[1].tobytes())
    out = folder / "出力"
    assert misure("explain", model, picture, *FAST, "--json", "--out", out).document()
    assert Explanation.load(out).provenance.status
    assert misure("inspect", model, picture, "--json").document()["model"]["file"] == "Netz 模型.onnx"


def test_methods_lists_the_registry(misure: Run) -> None:
    listed = misure("methods", "--json").document()
    assert [method["name"] for method in listed] == list(METHODS)
    keys = {"name", "summary", "needs", "parameters", "presets", "default_preset", "routes"}
    assert all(set(method) == keys for method in listed)
    text = misure("methods")
    assert text.status == 0
    assert all(f"{name}: " in text.out for name in METHODS)


def test_doctor_says_what_works(misure: Run) -> None:
    outcome = misure("doctor", "--json")
    checks = json.loads(outcome.out)
    assert all(set(check) == {"name", "status", "found", "repair"} for check in checks)
    assert {check["status"] for check in checks} <= {"ok", "absent", "fault"}
    assert outcome.status == any(check["status"] == "fault" for check in checks)
    assert outcome.err == ""
    assert {"python", "onnxruntime", "CPUExecutionProvider", "torch", "nibabel", "pydicom", "tifffile"} <= {
        check["name"] for check in checks
    }
    text = misure("doctor")
    assert text.status == outcome.status
    assert all(check["name"] in text.out for check in checks)


def test_inspect_says_what_was_found(misure: Run, small_network: Path, picture: Path) -> None:
    found = misure("inspect", small_network, picture, "--preprocess", "unit", "--json").document()
    assert set(found) == {"model", "input", "output", "providers", "gradient", "notes"}
    assert found["model"]["opset"] == 17
    assert found["model"]["operators"] == ["Conv", "Tanh"]
    assert found["input"]["layout"] == "NCHW"
    assert found["input"]["size"] == list(tiny_models.SIZE)
    assert found["output"]["kind"] == "logits"
    assert found["output"]["classes"] == 4
    assert found["providers"]["used"]
    text = misure("inspect", small_network, "--preprocess", "unit")
    assert text.status == 0
    assert "logits" in text.out


def test_alternatives_are_counted_and_written(misure: Run, bright_pixels: Path, tmp_path: Path) -> None:
    picture = tmp_path / "disc.png"
    cv2.imwrite(str(picture), tiny_models.disc_image())
    fast = ("--set", "iterations=6", "--set", "second_run=0", "--set", "mask_size=16", "--route", "onnx_gradient")
    options = ("--preprocess", "unit", "--alternatives", "2", *fast, "--json", "--out", tmp_path / "out")
    document = misure("explain", bright_pixels, picture, *options).document()
    assert_complete(document)
    assert len(document["alternatives"]["regions"]) == 2
    assert [len(row) for row in document["alternatives"]["overlap"]] == [3, 3, 3]
    assert {f"alternative_{number}.png" for number in (1, 2)} <= {path.name for path in (tmp_path / "out").iterdir()}


def test_inspect_lists_the_layers_and_says_which_one_is_taken(misure: Run, tmp_path: Path, picture: Path) -> None:
    model = tiny_models.small_u_net(tmp_path / "net.onnx")
    layers = misure("inspect", model, picture, "--preprocess", "unit", "--layers", "--json").document()["layers"]
    assert layers["default"] == "bottleneck"
    assert {"name": "bottleneck", "operator": "Relu", "channels": 8, "size": [5, 6]} in layers["candidates"]
    text = misure("inspect", model, "--preprocess", "unit", "--layers")
    assert text.status == 0
    assert "* bottleneck" in text.out
    assert "the deepest activation of the smallest size" in text.out


def test_several_maps_of_a_layer_come_in_one_call(misure: Run, tmp_path: Path, picture: Path) -> None:
    """A parameter goes to every method that has it."""
    model = tiny_models.small_u_net(tmp_path / "net.onnx")
    methods = "gradient,seg_grad_cam,seg_ablation_cam"
    options = ("--preprocess", "unit", "--method", methods, "--set", "layer=half", "--route", "onnx_gradient")
    documents = misure("explain", model, picture, *options, "--json", "--out", tmp_path / "out").document()
    assert [document["method"]["name"] for document in documents] == methods.split(",")
    assert [document["provenance"]["gradient_route"] for document in documents] == ["onnx_gradient"] * 2 + [None]
    for document in documents[1:]:
        assert any(
            "layer 'half' (Relu, 6 channels, 10x12), as asked" in note for note in document["provenance"]["notes"]
        )
        assert_complete(document)


def test_metrics_are_listed_as_the_registry_has_them(misure: Run) -> None:
    listed = misure("metrics", "--json").document()
    assert [metric["name"] for metric in listed] == list(METRICS)
    assert {metric["needs"] for metric in listed} == {"region", "map", "map and ground truth", "the method again"}
    shown = misure("metrics")
    assert shown.status == 0
    for metric in listed:
        assert f"{metric['name']}: {metric['summary']}\n" in shown.out


def test_metrics_stand_under_more_and_in_the_table(
    misure: Run, small_network: Path, picture: Path, tmp_path: Path
) -> None:
    truth = tmp_path / "truth.png"
    cv2.imwrite(str(truth), tiny_models.disc_image())
    wanted = ("--metrics", "standard", "--truth", truth, "--metric-set", "insertion.steps=4")
    document = misure("explain", small_network, picture, *FAST, *wanted, "--json").document()
    assert_complete(document)
    more = document["metrics"]["more"]
    assert list(more) == list(make_metrics("standard", truth=True))
    assert more["insertion"]["parameters"]["steps"] == 4
    shown = misure("explain", small_network, picture, *FAST, *wanted)
    assert shown.status == 0
    for name, record in more.items():
        assert f"\n{name} " in shown.out
        assert f"{record['value']:.3f}" in shown.out
    assert shown.out.count("  at random places") == len(more)


def test_a_ground_truth_of_another_size_is_refused(
    misure: Run, small_network: Path, picture: Path, tmp_path: Path
) -> None:
    truth = tmp_path / "truth.png"
    cv2.imwrite(str(truth), tiny_models.disc_image((30, 31)))
    options = ("--metrics", "mass_in_truth", "--truth", truth, "--json")
    misure("explain", small_network, picture, *FAST, *options).assert_refused(
        "the ground truth is 31x30, the image 24x20: pass a ground truth of the image's size"
    )


def test_maps_of_channels_are_told_in_numbers(misure: Run, small_network: Path, picture: Path) -> None:
    options = ("--preprocess", "unit", "--method", "smooth_grad", "--set", "samples=2", "--set", "ring=4")
    document = misure("explain", small_network, picture, *options, "--json").document()
    assert_complete(document)
    assert sum(channel["share"] for channel in document["channels"]["channels"]) == pytest.approx(1)
    text = misure("explain", small_network, picture, *options)
    assert "smooth_grad, logit per input unit" in text.out
    assert "within 4 px" in text.out


def test_a_contrast_and_an_error_are_asked_for_by_options(
    misure: Run, small_network: Path, picture: Path, tmp_path: Path
) -> None:
    asked = misure("explain", small_network, picture, *FAST, "--class", "1", "--against", "2", "--json").document()
    assert asked["target"]["against"] == {"class_index": 2, "class_name": None}
    image = cv2.imread(str(picture))
    assert image is not None
    truth = tmp_path / "truth.png"
    labels = np.zeros(image.shape[:2], np.uint8)
    labels[: labels.shape[0] // 2] = 1
    cv2.imwrite(str(truth), labels)
    options = ("--class", "1", "--truth", truth, "--error")
    missed = misure("explain", small_network, picture, *FAST, *options, "missed", "--json").document()
    assert missed["target"]["kind"] == "region"
    assert missed["target"]["against"]["class_index"] == 1
    false = misure("explain", small_network, picture, *FAST, *options, "false", "--json").document()
    assert (false["target"]["class_index"], false["target"]["against"]) == (1, None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--error", "missed"), ("--error needs the class (--class)", "--truth FILE")),
        (("--error", "false", "--class", "1", "--truth", "t.png", "--at", "1,1"), ("--at does not go with --error",)),
        (("--every-object", "--against", "2"), ("--against does not go with --every-object",)),
        (("--every-object", "--border", "2"), ("--border does not go with --every-object",)),
        (("--class", "1", "--against", "1"), ("cannot be explained against itself",)),
        (("--truth", "t.png"), ("--truth goes with --metrics", "--error")),
    ],
)
def test_targets_that_do_not_go_together_are_refused(
    options: tuple[str, ...], words: tuple[str, ...], misure: Run, small_network: Path, picture: Path
) -> None:
    misure("explain", small_network, picture, *FAST, *options).assert_refused(*words)
