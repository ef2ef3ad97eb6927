"""What may be declared about a model, by name, file, mapping or in the model itself."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from misure_onnx.errors import PreprocessingError
from misure_onnx.preprocessing import PRESETS, Preprocessing, from_metadata, load_preprocessing

EVERYTHING = Preprocessing(
    scale=0.5,
    mean=(1.0, 2.0, 3.0),
    std=(4.0, 5.0, 6.0),
    color="BGR",
    size=(20, 24),
    layout="NHWC",
    batch=3,
    class_names=("background", "car", "Straße"),
    output="logits",
    output_layout="NHWC",
    head="main",
    threshold=0.25,
    interpolation="area",
    source="trained on our own photographs",
    licence="CC-BY-4.0",
)


# What may be declared


def test_every_field_survives_a_mapping_json_and_yaml(tmp_path: Path) -> None:
    mapping = EVERYTHING.to_mapping()
    file = tmp_path / "preprocessing.yaml"
    file.write_text(yaml.safe_dump(mapping, allow_unicode=True), encoding="utf-8")
    assert load_preprocessing(mapping) == EVERYTHING
    assert load_preprocessing(file) == EVERYTHING
    assert load_preprocessing(str(file)) == EVERYTHING
    assert from_metadata(json.dumps(mapping)) == EVERYTHING


def test_what_is_left_to_the_graph_is_not_written() -> None:
    assert Preprocessing().to_mapping() == {
        "scale": 1.0,
        "mean": [0.0],
        "std": [1.0],
        "threshold": 0.5,
        "interpolation": "linear",
        "axes": "xyz",
    }


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_found_by_name_and_survive_a_mapping(name: str) -> None:
    assert load_preprocessing(name) is PRESETS[name]
    assert load_preprocessing(PRESETS[name].to_mapping()) == PRESETS[name]


def test_the_object_itself_is_taken_as_it_is() -> None:
    assert load_preprocessing(EVERYTHING) is EVERYTHING


def test_a_yaml_file_as_a_user_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "size: 224\nmean: 0.5\nstd: [0.1, 0.2, 0.3]\nscale: 0.00392\nlayout:\nclass_names: {1: road, 0: sky}\n",
        encoding="utf-8",
    )
    declared = load_preprocessing(file)
    assert declared == Preprocessing(
        scale=0.00392, mean=(0.5,), std=(0.1, 0.2, 0.3), size=(224, 224), class_names=("sky", "road")
    )


@pytest.mark.parametrize(
    "names", [["sky", "road", "3"], {0: "sky", 1: "road", 2: "3"}, {"2": 3, "0": "sky", "1": "road"}]
)
def test_class_names_are_a_list_or_names_by_index(names: Any) -> None:
    assert load_preprocessing({"class_names": names}).class_names == ("sky", "road", "3")


BAD_FIELDS = {
    "unknown field": ({"sizes": 3}, r"unknown field sizes; the known ones are axes, .*, threshold"),
    "key that is no text": ({1: 2}, "unknown field 1"),
    "unknown layout": ({"layout": "nchw"}, "layout must be one of NCHW, NHWC, NCDHW, NDHWC; got 'nchw'"),
    "unknown colour": ({"color": "HSV"}, "color must be one of RGB, BGR, GRAY; got 'HSV'"),
    "unknown output": ({"output": "probs"}, "output must be one of logits, softmax, .*; got 'probs'"),
    "unknown output layout": ({"output_layout": "CHW"}, "output_layout must be one of NCHW"),
    "unknown interpolation": ({"interpolation": "lanczos"}, "interpolation must be one of linear"),
    "scale as a fraction": ({"scale": "1/255"}, "scale must be a number; got '1/255'"),
    "scale of nothing": ({"scale": 0}, "scale must not be 0"),
    "scale true": ({"scale": True}, "scale must be a number; got True"),
    "scale not finite": ({"scale": math.nan}, "scale must be finite"),
    "mean not finite": ({"mean": [0.0, math.inf, 0.0]}, "mean must be finite"),
    "mean of texts": ({"mean": ["a"]}, "mean must be a number, or a list of one a channel"),
    "mean by name": ({"mean": {"r": 1}}, "mean must be a number"),
    "std with a zero": ({"std": [1, 0, 1]}, "std must not be 0"),
    "size of four": ({"size": [1, 2, 3, 4]}, r"size must be .*\[depth, height, width\]; got \[1, 2, 3, 4\]"),
    "size of nothing": ({"size": [0, 4]}, r"size must be \[height, width\]"),
    "unknown rescaling": ({"rescale": "minmax"}, "rescale must be one of min_max, z_score, z_score_foreground"),
    "unknown axes": ({"axes": "yxz"}, "axes must be one of xyz, zyx"),
    "size with a half": ({"size": [10.5, 4]}, "size must be .* in whole pixels"),
    "size as text": ({"size": "224x224"}, "size must be"),
    "size without end": ({"size": math.inf}, "size must be"),
    "batch of nothing": ({"batch": 0}, "batch must be at least 1; got 0"),
    "batch as text": ({"batch": "many"}, "batch must be a whole number; got 'many'"),
    "threshold of 1": ({"threshold": 1}, "threshold must lie between 0 and 1; got 1"),
    "threshold not a number": ({"threshold": math.nan}, "threshold must lie between 0 and 1"),
    "class names as one text": ({"class_names": "cat,dog"}, "class_names must be a list of names"),
    "class names as a number": ({"class_names": 5}, "class_names must be a list of names"),
    "class names with a gap": ({"class_names": {0: "a", 2: "b"}}, r"class_names must be .*from 0 on.*\[0, 2\]"),
    "class names twice": ({"class_names": {0: "a", "0": "b"}}, "class_names must be"),
    "class names by name": ({"class_names": {"a": "b"}}, "class_names must be"),
}


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_a_bad_field_is_refused_by_name(case: str) -> None:
    declared, message = BAD_FIELDS[case]
    with pytest.raises(PreprocessingError, match=message):
        load_preprocessing(declared)  # type: ignore[arg-type]


def test_messages_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("batch: many", encoding="utf-8")
    with pytest.raises(PreprocessingError, match=r"mine\.yaml: batch must be a whole number"):
        load_preprocessing(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- 1\n- 2", "expected fields like .*, got list"),
        (b"", "expected fields like .*, got NoneType"),
        (b"size: [1", "not a readable YAML file"),
        (b"\xff\xfe\x00", "not a readable YAML file"),
        (b"!!python/object/apply:os.getcwd []", "not a readable YAML file"),
    ],
)
def test_a_file_that_is_no_declaration_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_bytes(content)
    with pytest.raises(PreprocessingError, match=message):
        load_preprocessing(file)


@pytest.mark.parametrize("name", ["ImageNet", "no/such/file.yaml", "."])
def test_neither_preset_nor_file_is_refused_with_the_presets(name: str) -> None:
    with pytest.raises(PreprocessingError, match=r"neither a preset \(imagenet, unit, minus1_1, raw, caffe\)"):
        load_preprocessing(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected a JSON object"),
        ("[1]", "expected a JSON object, got list"),
        ('{"mean": "x"}', "metadata 'misure_onnx' of the model: mean must be"),
    ],
)
def test_metadata_that_is_no_declaration_is_refused(text: str, message: str) -> None:
    with pytest.raises(PreprocessingError, match=message):
        from_metadata(text)


@pytest.mark.parametrize(
    ("declared", "kind", "classes", "message"),
    [
        ({"class_names": ["a", "b"]}, "logits", 3, "2 class names are declared, the model gives 3 classes"),
        ({}, "logits", 1, "output logits needs two classes or more.*sigmoid_logits"),
        ({}, "softmax", 1, "output softmax needs two classes or more.*'output: sigmoid'"),
    ],
)
def test_scores_that_contradict_the_declaration_are_refused(
    declared: dict[str, Any], kind: Any, classes: int, message: str
) -> None:
    with pytest.raises(PreprocessingError, match=message):
        load_preprocessing(declared).check_scores(kind, classes)


def test_scores_that_fit_the_declaration_are_accepted() -> None:
    EVERYTHING.check_scores("logits", 3)
    Preprocessing().check_scores("sigmoid", 1)
