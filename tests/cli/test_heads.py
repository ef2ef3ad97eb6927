"""Models with several outputs, with classes that overlap, and without a gradient, from the command line."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.images import load_image
from tests import tiny_models
from tests.cli.outcome import Run
from tests.pixel_forest import export_forest, scene

FAST = ("--method", "sufficient_region", "--json")


def logits_of(picture: Path) -> npt.NDArray[np.float64]:
    """(L, H, W) what `pointwise` computes for a picture scaled to [0, 1]."""
    pixels = load_image(picture).pixels / 255
    return np.asarray(tiny_models.pointwise_logits(pixels.transpose(2, 0, 1)[None])[0])


def declared(folder: Path, text: str) -> Path:
    path = folder / "declared.yaml"
    path.write_text(f"scale: {1 / 255}\n{text}", encoding="utf-8")
    return path


@pytest.mark.parametrize(("head", "sign"), [(None, 1), ("main", 1), ("auxiliary", -1)])
def test_the_head_that_is_declared_is_explained_and_the_first_otherwise(
    head: str | None, sign: int, misure: Run, picture: Path, tmp_path: Path
) -> None:
    model = tiny_models.two_heads(tmp_path / "heads.onnx")
    text = f"head: {head}\n" if head else ""
    document = misure("explain", model, picture, "--preprocess", declared(tmp_path, text), *FAST).document()
    labels = (sign * logits_of(picture)).argmax(axis=0)
    index = np.bincount(labels.ravel())[1:].argmax() + 1
    assert document["target"]["class_index"] == index
    assert document["target"]["pixels"] == (labels == index).sum()
    notes = " ".join(document["provenance"]["notes"])
    assert ("several heads: 'main' is explained; declare 'head' for auxiliary" in notes) == (head is None)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("aux", ("the model has no output 'aux'", "its outputs are pooled", "main", "auxiliary")),
        ("pooled", ("pooled",)),
    ],
)
def test_a_head_that_is_none_is_refused(
    head: str, words: tuple[str, ...], misure: Run, picture: Path, tmp_path: Path
) -> None:
    model = tiny_models.two_heads(tmp_path / "heads.onnx")
    preprocessing = declared(tmp_path, f"head: {head}\n")
    misure("explain", model, picture, "--preprocess", preprocessing, *FAST).assert_refused(*words)


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_classes_that_overlap_are_each_explained_by_themselves(
    threshold: float, misure: Run, picture: Path, tmp_path: Path
) -> None:
    """A pixel belongs to every class whose probability is above the threshold, not to the likeliest alone."""
    model = tiny_models.pointwise(tmp_path / "multi.onnx", ending="sigmoid")
    preprocessing = declared(tmp_path, f"output: sigmoid\nthreshold: {threshold}\n")
    expected = 1 / (1 + np.exp(-logits_of(picture))) > threshold
    assert (expected.sum(axis=0) > 1).any()
    found = []
    for index in range(tiny_models.CLASSES):
        out = tmp_path / f"{threshold}-{index}"
        options = ("--preprocess", preprocessing, "--class", index, "--out", out)
        document = misure("explain", model, picture, *options, *FAST).document()
        assert document["target"]["class_index"] == index
        assert document["certificate"]["dice"] > 0.9
        found.append(load_image(out / "prediction.png").pixels[..., 0] > 0)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("method", ["misure", "rise", "smooth_grad", "seg_grad_cam"])
def test_every_kind_of_method_explains_one_of_several_overlapping_classes(
    method: str, misure: Run, picture: Path, tmp_path: Path
) -> None:
    model = tiny_models.pointwise(tmp_path / "multi.onnx", ending="sigmoid")
    quick = {"misure": "iterations=5", "rise": "masks=8", "smooth_grad": "samples=2", "seg_grad_cam": "layer=logits"}
    options = ("--preprocess", declared(tmp_path, "output: sigmoid\n"), "--class", "2", "--set", quick[method])
    document = misure("explain", model, picture, *options, "--method", method, "--json").document()
    assert document["target"]["pixels"] == (logits_of(picture)[2] > 0).sum()


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model whose operators have no gradient, and a picture of its kind."""
    folder = tmp_path_factory.mktemp("forest")
    cv2.imwrite(str(folder / "scene.png"), np.ascontiguousarray(scene(9)[0][..., ::-1]))
    return export_forest(folder / "forest.onnx", "probabilities"), folder / "scene.png"


@pytest.mark.parametrize(
    ("options", "remains"),
    [
        (("--method", "gradient"), "methods that need forwards only (see `misure methods`)"),
        (("--method", "grid_saliency"), "methods that need forwards only (see `misure methods`)"),
        (("--method", "seg_grad_cam"), "methods that need forwards only (see `misure methods`)"),
        (("--route", "gradient"), "search and finite_difference"),
        (("--preset", "paper"), "search and finite_difference"),
    ],
)
def test_without_a_gradient_what_remains_is_named(
    options: tuple[str, ...], remains: str, misure: Run, forest: tuple[Path, Path]
) -> None:
    misure("explain", *forest, "--preprocess", "unit", *options, "--json").assert_refused(remains)
