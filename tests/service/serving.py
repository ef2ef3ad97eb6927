"""The service in this process, with real workers."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.testclient import TestClient

from misure_onnx.service.app import create_app
from misure_onnx.service.settings import ServiceSettings

HOST = "testserver"
"""The name by which a test client calls it."""


@contextmanager
def serving(settings: ServiceSettings) -> Iterator[TestClient]:
    """A client of a service that ends with the block."""
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client
