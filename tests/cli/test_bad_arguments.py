"""Targets, methods, parameters, providers and preprocessing that do not exist: status 2 and nothing written."""

from pathlib import Path

import cv2
import pytest

from tests import tiny_models
from tests.cli.outcome import Run

NAMES = "class_names: [background, person, bicycle, aeroplane]"

REFUSED: dict[str, tuple[str, tuple[str, ...]]] = {
    # targets
    "class out of range": ("--class 4", ("class 4 is out of range; the model has classes 0 to 3",)),
    "negative class": ("--class=-1", ("class -1 is out of range; the model has classes 0 to 3",)),
    "class far out of range": ("--class 99999999999999999999", ("is out of range; the model has classes 0 to 3",)),
    "class with a superscript": ("--class ²", ("class '²' is unknown", "the classes are background, person")),
    "class misspelt": ("--class bycicle", ("class 'bycicle' is unknown: did you mean bicycle?",)),
    "class unlike any other": ("--class xyz", ("class 'xyz' is unknown: the classes are background, person, bicycle",)),
    "class without a name": ("--class=", ("class '' is unknown",)),
    "point right of the image": ("--at 24,0", ("point 24,0 lies outside the image, which is 24x20 pixels",)),
    "point below the image": ("--at 0,20", ("point 0,20 lies outside the image, which is 24x20 pixels",)),
    "negative point": ("--at=-1,5", ("point -1,5 lies outside the image",)),
    "point of one number": ("--at 3", ("--at expects X,Y or X,Y,Z in pixels of the image", "got '3'")),
    "point of three numbers": ("--at 1,2,3", ("expected a point of 2 coordinates", "got 1,2,3")),
    "point between pixels": ("--at 1.5,2", ("--at expects X,Y", "got '1.5,2'")),
    "point in words": ("--at left,top", ("--at expects X,Y", "got 'left,top'")),
    "empty point": ("--at=", ("--at expects X,Y", "got ''")),
    "point and every object": ("--at 1,1 --every-object", ("--at, --mask and --every-object exclude each other",)),
    "point and mask": ("--at 1,1 --mask m.png", ("--at, --mask and --every-object exclude each other",)),
    # methods
    "unknown method": ("--method grad_cam", ("method 'grad_cam' is unknown; the known ones are", "misure", "rise")),
    "empty method": ("--method=", ("method '' is unknown",)),
    "an empty one among methods": ("--method rise,,misure", ("method '' is unknown",)),
    "the same method twice": ("--method rise,rise", ("every method can be chosen once, got rise, rise",)),
    "unknown preset": ("--preset best", ("no chosen method has a preset 'best'", "minimal", "smooth")),
    "preset of another method": (
        "--method sufficient_region --preset smooth",
        ("no chosen method has a preset",),
    ),
    "unknown parameter": ("--set depth=3", ("no chosen method has a parameter 'depth'; theirs are", "tau")),
    "parameter of another method": ("--method rise --set tau=0.5", ("no chosen method has a parameter 'tau'", "masks")),
    "parameter without a name": ("--set =3", ("no chosen method has a parameter ''",)),
    "parameter without a value": ("--set tau", ("--set expects NAME=VALUE, got 'tau'",)),
    "no number": ("--set tau=high", ("tau must be a number, got 'high'",)),
    "not a number": ("--set tau=nan", ("tau must be finite, got 'nan'",)),
    "an infinite number": ("--set learning_rate=inf", ("learning_rate must be finite, got 'inf'",)),
    "an empty number": ("--set tau=", ("tau must be a number, got ''",)),
    "no whole number": ("--method rise --set masks=1.5", ("masks must be a whole number, got '1.5'",)),
    "no truth value": ("--method rise --set debias=maybe", ("debias must be true or false, got 'maybe'",)),
    "a number out of range": ("--set tau=1", ("tau must lie in [0, 1), got 1.0",)),
    "unknown choice": ("--set loss=hinge", ("loss must be dice or cross_entropy, got 'hinge'",)),
    "unknown baseline": ("--method rise --set baseline=pink", ("baseline 'pink' is unknown; the known ones are zero",)),
    "unknown route": (
        "--method misure --route tensorflow",
        ("route 'tensorflow' is unknown; the known ones are auto",),
    ),
    "route of a method without one": ("--method rise --route torch", ("no chosen method has a parameter 'route'",)),
    "budget of a method without one": (
        "--method rise --budget 100",
        ("no chosen method has a parameter 'budget'",),
    ),
    "no budget": ("--route search --budget 0", ("budget must be at least 1 forward, got 0",)),
    "budget in words": ("--budget much", ("--budget", "invalid int value: 'much'")),
    "soft mask by forwards alone": ("--preset paper --route search", ("needs constrained=true", "minimal and smooth")),
    "unknown layer": (
        "--method seg_grad_cam --set layer=actve",
        ("layer 'actve' is no tensor between the image and the scores", "did you mean active", "--layers"),
    ),
    "layer of a method without one": (
        "--method rise --set layer=active",
        ("no chosen method has a parameter 'layer'",),
    ),
    "a search for a map's gradient": ("--method seg_grad_cam --route search", ("route 'search' is unknown",)),
    "negative seed": ("--seed=-1", ("--seed must not be negative, got -1",)),
    "seed in words": ("--seed one", ("--seed", "invalid int value: 'one'")),
    "no image a call": ("--batch-size 0", ("--batch-size must be at least 1, got 0",)),
    # metrics
    "unknown metric": ("--metrics insert", ("metric 'insert' is unknown: did you mean insertion",)),
    "metric without the ground truth": ("--metrics pointing_game", ("pointing_game needs a ground truth", "--truth")),
    "ground truth without a metric": ("--truth t.png", ("--truth goes with --metrics",)),
    "ground truth that nothing uses": ("--metrics insertion --truth t.png", ("none of insertion uses --truth",)),
    "ground truth that is not there": ("--metrics pointing_game --truth t.png", ("'t.png' is no existing file",)),
    "metric's Dice out of range": (
        "--metrics restoring_area --metric-set restoring_area.tau=1.1",
        ("tau must lie in (0, 1], got 1.1",),
    ),
    "metric's parameter without a metric": ("--metrics insertion --metric-set tau=1", ("METRIC.NAME=VALUE", "'tau=1'")),
    # models
    "unknown provider": ("--provider gpu", ("execution provider 'gpu' is unknown; ONNX Runtime knows", "cpu, cuda")),
    "provider that is not built in": (
        "--provider coreml",
        ("CoreMLExecutionProvider was asked for", "was built with", "--provider auto"),
    ),
    # the command line itself
    "unknown option": ("--colour red", ("unrecognized arguments: --colour red",)),
    "option without a value": ("--class", ("argument --class: expected one argument",)),
    "preprocessing with a name that is too long": ("--preprocess " + "p" * 300, ("not a readable YAML file",)),
    "a third file": ("more.png", ("unrecognized arguments: more.png",)),
}


@pytest.fixture
def files(small_network: Path, picture: Path) -> tuple[Path, Path]:
    """A model and a picture that go together."""
    return small_network, picture


@pytest.mark.parametrize(("arguments", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_bad_arguments_are_refused(
    arguments: str, words: tuple[str, ...], misure: Run, files: tuple[Path, Path], tmp_path: Path
) -> None:
    declared, out = tmp_path / "declared.yaml", tmp_path / "out"
    declared.write_text(f"scale: 0.0039\n{NAMES}\n", encoding="utf-8")
    always = ("--preprocess", declared, "--json", "--out", out)
    misure("explain", *files, *always, *arguments.split(" ")).assert_refused(*words)
    assert not out.exists()


def test_a_class_that_is_not_predicted_is_refused_with_those_that_are(
    misure: Run, bright_pixels: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "disc.png"
    cv2.imwrite(str(picture), tiny_models.disc_image() // 4)
    outcome = misure("explain", bright_pixels, picture, "--class", "1", "--preprocess", "unit", "--json")
    outcome.assert_refused("class 1 is not predicted in this image", "class 0 (480 pixels)")


def test_a_picture_of_nothing_but_background_is_refused(misure: Run, bright_pixels: Path, tmp_path: Path) -> None:
    picture = tmp_path / "disc.png"
    cv2.imwrite(str(picture), tiny_models.disc_image() // 4)
    options = ("--preprocess", "unit", "--json")
    misure("explain", bright_pixels, picture, *options).assert_refused("predicts only", "nothing to explain")
    misure("explain", bright_pixels, picture, *options, "--every-object").assert_refused("no object")


def test_a_point_without_the_class_is_refused_with_the_classes_that_are_there(
    misure: Run, bright_pixels: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "disc.png"
    cv2.imwrite(str(picture), tiny_models.disc_image())
    options = ("--at", "0,0", "--class", "1", "--preprocess", "unit", "--json")
    outcome = misure("explain", bright_pixels, picture, *options)
    outcome.assert_refused("not class 1 at point 0,0", "class 0 (399 pixels)", "class 1 (81 pixels)")


def test_a_class_by_name_without_names_is_refused(misure: Run, small_network: Path, picture: Path) -> None:
    outcome = misure("explain", small_network, picture, "--preprocess", "unit", "--class", "person", "--json")
    outcome.assert_refused("asked for by name, but no class names are declared", "'class_names'", "0 to 3")


@pytest.mark.parametrize("address", ["http://localhost/v1/models/net", "grpc://localhost:8001", "s3://bucket/net.onnx"])
def test_an_address_of_another_kind_is_refused(address: str, misure: Run, picture: Path) -> None:
    misure("explain", address, picture, "--json").assert_refused(address, "expected", "grpc://HOST:PORT/NAME")


BAD_PREPROCESSING: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "missing": (None, ("neither a preset (imagenet, unit", "nor an existing YAML file")),
    "no YAML": ("scale: [1", ("not a readable YAML file",)),
    "no text": ("\x00\x01", ("not a readable YAML file",)),
    "no date": ("scale: 2001-99-99", ("declared.yaml",)),
    "nested too deeply": ("scale: " + "[" * 2000, ("declared.yaml",)),
    "empty": ("", ("expected fields like",)),
    "list": ("- scale\n- mean\n", ("expected fields like", "got list")),
    "text": ("imagenet", ("expected fields like", "got str")),
    "unknown field": ("scale: 1\nmeans: [0, 0, 0]", ("unknown field means; the known ones are", "mean")),
    "std of 0": ("std: [1, 0, 1]", ("std must not be 0",)),
    "scale of 0": ("scale: 0", ("scale must not be 0",)),
    "mean that is no number": ("mean: [.nan, 0, 0]", ("mean must be finite",)),
    "mean in words": ("mean: grey", ("mean must be a number, or a list of one a channel", "got 'grey'")),
    "two means for three channels": ("mean: [1, 2]", ("mean has 2 values, the model takes 3 channels",)),
    "too few class names": ("class_names: [a, b]", ("2 class names are declared, the model gives 4 classes",)),
    "class names with a gap": ("class_names: {0: a, 2: b}", ("class_names must be", "[0, 2]")),
    "class names in one text": ("class_names: person", ("class_names must be a list of names",)),
    "another size": ("size: [10, 10]", ("20x24", "size [10, 10] was declared")),
    "half a size": ("size: [10]", ("size must be [height, width]",)),
    "size in words": ("size: 10x10", ("size must be [height, width]",)),
    "unknown layout": ("layout: CHW", ("layout must be one of NCHW, NHWC, NCDHW, NDHWC; got 'CHW'",)),
    "layout of another model": ("layout: NHWC", ("no output is a segmentation", "3x20")),
    "unknown colour": ("color: BRG", ("color must be one of RGB, BGR, GRAY",)),
    "unknown output": ("output: probabilities", ("output must be one of logits, softmax",)),
    "layout of another output": ("output_layout: NPL", ("output_layout NPL", "[1, 4, 20, 24]")),
    "unknown head": ("head: aux", ("the model has no output 'aux'; its outputs are scores",)),
    "threshold of a certainty": ("threshold: 1", ("threshold must lie between 0 and 1",)),
    "no image a batch": ("batch: 0", ("batch must be at least 1",)),
}


@pytest.mark.parametrize(("content", "words"), BAD_PREPROCESSING.values(), ids=BAD_PREPROCESSING.keys())
def test_bad_preprocessing_is_refused(
    content: str | None, words: tuple[str, ...], misure: Run, files: tuple[Path, Path], tmp_path: Path
) -> None:
    declared, out = tmp_path / "declared.yaml", tmp_path / "out"
    if content is not None:
        declared.write_text(content, encoding="utf-8")
    options = ("--method", "sufficient_region", "--preprocess", declared, "--json", "--out", out)
    misure("explain", *files, *options).assert_refused(*words)
    assert not out.exists()


@pytest.mark.parametrize("content", ["{", "[]", '{"scales": 1}', '{"std": "a"}', "[" * 100_000])
def test_bad_preprocessing_inside_a_model_is_refused(content: str, misure: Run, picture: Path, tmp_path: Path) -> None:
    model = tiny_models.pointwise(tmp_path / "model.onnx", metadata={"misure_onnx": content})
    misure("explain", model, picture, "--method", "sufficient_region", "--json").assert_refused(
        "metadata 'misure_onnx'"
    )
