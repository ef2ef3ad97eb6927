"""The published schema of explanation.json: real documents are valid, others are not; it has what the code has."""

import dataclasses
import json
import types
import typing
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from misure_onnx.api import load_segmenter
from misure_onnx.explanation import SCHEMA, Explanation
from misure_onnx.gradients.base import Fidelity
from misure_onnx.methods.base import Method
from misure_onnx.methods.misure import MiSuRe
from misure_onnx.methods.rise import Rise
from misure_onnx.methods.sufficient_region import SufficientRegion
from misure_onnx.metrics import ALWAYS
from misure_onnx.records import (
    Alternatives,
    Certificate,
    ChannelRecord,
    Channels,
    Cost,
    MethodRecord,
    MetricRecord,
    Metrics,
    Minimality,
    Provenance,
    SamplingError,
    ServerRecord,
    Stability,
    Status,
    SufficientRegionRecord,
    TargetRecord,
    YardstickRecord,
)
from misure_onnx.target import Target, TargetKind
from tests.test_explanation import KEYS, explained_disc
from tests.tiny_models import noise_image, small_network


def published_schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(
        (files("misure_onnx") / "schemas" / "explanation-1.schema.json").read_text(encoding="utf-8")
    )
    return schema


@pytest.fixture
def of_a_disc(tmp_path: Path) -> Explanation:
    return explained_disc(tmp_path)


def test_the_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(published_schema())


def of_every_kind() -> list[Method]:
    """Methods with and without stage 1, gradient, preset and aim."""
    found: list[Method] = [SufficientRegion(), Rise(masks=20), Rise.from_preset("paper", masks=20)]
    try:
        import torch  # noqa: F401, PLC0415 - the document of a method with a gradient needs it
    except ImportError:
        return found
    return [*found, MiSuRe(iterations=2, mask_size=8)]


@pytest.mark.parametrize("method", of_every_kind(), ids=lambda method: f"{method.name}-{method.preset()}")
@pytest.mark.parametrize("target", [Target(), Target.at(20, 20), Target.from_mask(np.ones((31, 45)))])
def test_real_explanations_are_valid(tmp_path: Path, method: Method, target: Target) -> None:
    segmenter = load_segmenter(small_network(tmp_path / "m.onnx"))
    explanation = method.explain(segmenter, noise_image((31, 45)), target)
    jsonschema.Draft202012Validator(published_schema()).validate(explanation.to_json())


def test_an_explanation_of_a_python_function_is_valid() -> None:
    segmenter = load_segmenter(lambda x: 4 * x[:, :2], {"size": [20, 24], "output": "sigmoid_logits"})
    document = Rise(masks=20).explain(segmenter, noise_image()).to_json()
    jsonschema.Draft202012Validator(published_schema()).validate(document)
    assert (document["provenance"]["model_sha256"], document["provenance"]["opset"]) == (None, None)
    assert document["certificate"]["verified_on"] == "python function"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("surprise",), 1),
        (("method", "surprise"), 1),
        (("metrics", "random_mask", "surprise"), 1),
        (("schema",), "misure-onnx/explanation/2"),
        (("target", "kind"), "thing"),
        (("target", "centroid_xy"), [1, 2, 3, 4]),
        (("metrics", "dice_explained"), 1.5),
        (("metrics", "sufficient_region"), {}),
        (("certificate", "tau"), 1),
        (("certificate", "passed"), "yes"),
        (("certificate", "minimality"), {}),
        (("certificate", "stability", "surprise"), 1),
        (("alternatives",), {"regions": [], "overlap": [[1]]}),
        (("channels",), {"units": "score per input unit", "ring_px": 0, "channels": []}),
        (("cost", "forwards"), -1),
        (("cost", "forwards"), None),
        (("provenance", "status"), "fine"),
        (("provenance", "model_sha256"), "abc"),
        (("provenance", "gradient_fidelity"), {"max_difference": 0}),
    ],
)
def test_other_documents_are_not_valid(of_a_disc: Explanation, path: tuple[str, ...], value: object) -> None:
    document = of_a_disc.to_json()
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(published_schema()).validate(document)


@pytest.mark.parametrize("record", [name for name in KEYS if KEYS[name]])
def test_no_key_may_be_missing(of_a_disc: Explanation, record: str) -> None:
    validator = jsonschema.Draft202012Validator(published_schema())
    for key in KEYS[record]:
        document = of_a_disc.to_json()
        del document[record][key]
        assert not validator.is_valid(document)
    document = of_a_disc.to_json()
    del document[record]
    assert not validator.is_valid(document)


RECORDS: dict[str, type] = {
    "method": MethodRecord,
    "target": TargetRecord,
    "metrics": Metrics,
    "certificate": Certificate,
    "cost": Cost,
    "provenance": Provenance,
}
DEFINITIONS: dict[str, type] = {
    "sufficient_region": SufficientRegionRecord,
    "yardstick": YardstickRecord,
    "fidelity": Fidelity,
    "minimality": Minimality,
    "stability": Stability,
    "alternatives": Alternatives,
    "channel": ChannelRecord,
    "channels": Channels,
    "sampling_error": SamplingError,
    "metric": MetricRecord,
    "server": ServerRecord,
}


@pytest.mark.parametrize("name", [*RECORDS, *DEFINITIONS])
def test_the_schema_lists_exactly_the_fields_of_the_records(name: str) -> None:
    schema = published_schema()
    described = schema["properties"][name] if name in RECORDS else schema["$defs"][name]
    record = {**RECORDS, **DEFINITIONS}[name]
    names = [field.name for field in dataclasses.fields(record)]
    assert list(described["properties"]) == described["required"] == names
    assert described["additionalProperties"] is False
    nullable = {name for name in names if allows_none(typing.get_type_hints(record)[name])}
    assert {name for name, field in described["properties"].items() if allows_null(field)} == nullable


def allows_none(annotation: Any) -> bool:
    return isinstance(annotation, types.UnionType) and type(None) in typing.get_args(annotation)


def allows_null(field: dict[str, Any]) -> bool:
    return "null" in field.get("type", ()) or any(option.get("type") == "null" for option in field.get("anyOf", ()))


def test_the_schema_s_lists_are_those_of_the_code() -> None:
    schema = published_schema()
    properties = schema["properties"]
    assert schema["required"] == list(properties) == list(KEYS)
    assert properties["schema"]["const"] == schema["$id"] == SCHEMA
    assert properties["target"]["properties"]["kind"]["enum"] == list(typing.get_args(TargetKind))
    assert properties["provenance"]["properties"]["status"]["enum"] == list(typing.get_args(Status))
    assert list(properties["metrics"]["properties"])[:3] == list(ALWAYS)
