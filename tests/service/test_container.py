"""What can be known about the container without an engine: its files ask for what the command and the package have."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient

from misure_onnx.cli import _parser

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture
def composed() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return found


def instruction(name: str) -> str:
    """The last one of this name."""
    return str(re.findall(rf"^{name} (.+)$", DOCKERFILE, flags=re.MULTILINE)[-1])


def test_it_starts_a_command_that_exists_with_options_that_exist() -> None:
    program, *arguments = json.loads(instruction("ENTRYPOINT")) + json.loads(instruction("CMD"))
    parsed = _parser().parse_args(arguments)
    assert (program, parsed.command) == ("misure", "serve")
    assert (str(parsed.data), str(parsed.models), str(parsed.keys)) == ("/data", "/models", "/run/secrets/misure_keys")


def test_it_installs_extras_that_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    installed = re.search(r'"\.\[([\w,]+)\$\{EXTRA', DOCKERFILE)
    assert installed is not None
    assert set(installed[1].split(",")) <= set(extras)
    assert "cuda" in extras
    assert "service" in installed[1]


def test_it_is_not_root_and_writes_where_it_may(composed: dict[str, Any]) -> None:
    assert int(instruction("USER")) > 0
    service = composed["services"]["misure"]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - the container's
    assert "data:/data" in service["volumes"]
    assert "./models:/models:ro" in service["volumes"]
    assert service["cap_drop"] == ["ALL"]


def test_its_health_check_asks_a_path_that_exists(client: TestClient) -> None:
    (path,) = re.findall(r"http://127\.0\.0\.1:8000(/[\w/]+)", DOCKERFILE)
    assert client.get(path).status_code in (200, 503)


def test_what_is_copied_is_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE))
    assert {name for names in copied for name in names.split()} == kept
    assert all((ROOT / name).exists() for name in kept)
