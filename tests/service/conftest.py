"""A service once for all tests that do not change how it is set up; nothing here without the extra."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from starlette.testclient import TestClient

collect_ignore_glob = [] if find_spec("fastapi") else ["test_*.py"]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.service.examples import models_folder  # noqa: PLC0415 - the extra may be missing

    return models_folder(tmp_path_factory.mktemp("service") / "models")


@pytest.fixture(scope="session")
def client(models: Path, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[TestClient]":
    from misure_onnx.service.settings import Limits, ServiceSettings  # noqa: PLC0415 - the extra may be missing
    from tests.service.serving import HOST, serving  # noqa: PLC0415

    data = tmp_path_factory.mktemp("service-data")
    limits = Limits(jobs_per_minute=100_000, requests_per_minute=1_000_000)
    settings = ServiceSettings(data=data, models=models, devices=("cpu",), hosts=(HOST,), limits=limits)
    with serving(settings) as running:
        yield running
