"""The document describes the service, and the service keeps to it whatever it is sent."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from misure_onnx.methods import METHODS
from misure_onnx.metrics import METRICS
from misure_onnx.service.settings import Limits, ServiceSettings
from tests.service.examples import asked, disc, models_folder, noise
from tests.service.running import server
from tests.service.serving import HOST, serving

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

EXAMPLES = 25
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
    schemathesis.checks.response_headers_conformance,
]
"""Without the one that wants every image accepted that the schema allows: it cannot say what a picture is."""

SETTINGS = st.dictionaries(
    st.sampled_from(sorted({f.name for method in METHODS.values() for f in dataclasses.fields(method)})),  # type: ignore[arg-type]
    st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20)),
    max_size=3,
)
NAMES = st.one_of(st.integers(-3, 9), st.text(max_size=10), st.none())
TARGETS = st.fixed_dictionaries(
    {},
    optional={
        "class": NAMES,
        "against": NAMES,
        "point": st.lists(st.integers(), max_size=3),
        "component": st.integers(),
        "border": st.integers(),
    },
)
SPECS = st.fixed_dictionaries(
    {"model": st.sampled_from(["bright", "network", "http://host/x"]), "method": st.sampled_from([*METHODS, "none"])},
    optional={
        "preset": st.one_of(st.none(), st.sampled_from(["paper", "minimal", "none"])),
        "settings": SETTINGS,
        "target": TARGETS,
        "metrics": st.lists(st.sampled_from([*METRICS, "standard", "all", "none"]), max_size=3),
        "seed": st.integers(),
    },
)
"""Nearly right, so that what comes after the first look is met too."""


def test_the_document_is_openapi_3_1_and_names_every_problem(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert len(document["paths"]) >= 12
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert "application/problem+json" in operation["responses"]["default"]["content"]
            assert "422" not in operation["responses"]
            assert ("security" in operation) == path.startswith("/v1/")
            assert operation["description"]


def test_the_reference_page_needs_nothing_from_elsewhere(client: TestClient) -> None:
    for name in ("index.html", "reference.js", "reference.css"):
        answer = client.get(f"/docs/{name}")
        assert answer.status_code == 200
        assert "//" not in answer.text.replace("// Draws", "").replace("https://json-schema.org", "")


def test_nothing_that_is_sent_makes_the_server_fail(tmp_path: Path) -> None:
    """Room for everything, so that no answer is about being busy; every answer is checked against the document."""
    limits = ("--queue", "100000", "--jobs-per-minute", "1000000", "--requests-per-minute", "1000000")
    with server(tmp_path / "data", "--models", str(models_folder(tmp_path / "models")), *limits) as one:
        described = schemathesis.openapi.from_url(f"http://127.0.0.1:{one.port}/openapi.json")
        operations = [found.ok() for found in described.get_all_operations()]
        assert len(operations) >= 15
        for operation in operations:
            send_whatever_it_allows(operation)


def send_whatever_it_allows(operation: Any) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        case.call_and_validate(checks=CHECKS, timeout=60)

    send()


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(spec=SPECS, image=st.sampled_from([disc(), noise(), b"", disc()[:60]]))
def test_no_spec_makes_the_server_fail(unattended: TestClient, spec: dict[str, Any], image: bytes) -> None:
    answer = unattended.post("/v1/explanations", **asked(image, spec))
    assert answer.status_code in (202, 403, 413, 415, 422), answer.text


@pytest.fixture(scope="module")
def unattended(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[TestClient]:
    """A service without workers: whatever is accepted waits."""
    limits = Limits(queue=10**6, jobs_per_minute=10**6)
    data = tmp_path_factory.mktemp("unattended")
    with serving(ServiceSettings(data=data, models=models, devices=(), hosts=(HOST,), limits=limits)) as client:
        yield client


def test_the_documents_own_example_is_accepted(client: TestClient, models: Path) -> None:
    del models
    document = client.get("/openapi.json").json()
    body = document["components"]["schemas"]["Body_create_v1_explanations_post"]
    assert body["properties"]["spec"]["examples"]
