"""A service with a real worker, in this process, once for all tests that do not change how it is set up."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the service is an extra")

from starlette.testclient import TestClient

from misure_onnx.service.app import create_app
from misure_onnx.service.settings import Limits, ServiceSettings
from tests.service.examples import models_folder

HOST = "testserver"


@contextmanager
def serving(settings: ServiceSettings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models_folder(tmp_path_factory.mktemp("service") / "models")


@pytest.fixture(scope="session")
def client(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    data = tmp_path_factory.mktemp("service-data")
    limits = Limits(jobs_per_minute=100_000, requests_per_minute=1_000_000)
    settings = ServiceSettings(data=data, models=models, devices=("cpu",), hosts=(HOST,), limits=limits)
    with serving(settings) as running:
        yield running
