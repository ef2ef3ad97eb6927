"""The document describes the service, and the service keeps to it whatever it is sent."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from starlette.testclient import TestClient

from tests.service.examples import models_folder
from tests.service.running import server

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

EXAMPLES = 25


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
        case.call_and_validate(timeout=60)

    send()


def test_the_documents_own_example_is_accepted(client: TestClient, models: Path) -> None:
    del models
    document = client.get("/openapi.json").json()
    body = document["components"]["schemas"]["Body_create_v1_explanations_post"]
    assert body["properties"]["spec"]["examples"]
