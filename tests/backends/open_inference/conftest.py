"""A server in this process with the tiny network."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.open_inference.small_server import SmallServer


@pytest.fixture
def server(small_network: Path) -> Iterator[SmallServer]:
    with SmallServer(small_network).running() as running:
        yield running
