"""What `misure serve` refuses before it serves."""

from pathlib import Path

import pytest

from tests.cli.process import started
from tests.cli.test_without_extras import without

pytest.importorskip("fastapi", reason="the service is an extra")


def test_it_is_not_open_to_other_machines_without_keys(tmp_path: Path) -> None:
    started("serve", "--host", "0.0.0.0", "--data", tmp_path).assert_refused("--keys FILE")  # noqa: S104 - refused


def test_a_key_is_printed_once_and_kept_as_a_hash(tmp_path: Path) -> None:
    key = started("serve", "--new-key", "clinic", "--keys", tmp_path / "keys").out.strip()
    assert len(key) > 40
    assert key not in (tmp_path / "keys").read_text()
    started("serve", "--new-key", "clinic").assert_refused("--keys FILE")


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    started("serve", "--models", tmp_path / "none", "--data", tmp_path / "d").assert_refused("folder of ONNX files")
    (tmp_path / "empty").mkdir()
    started("serve", "--models", tmp_path / "empty", "--data", tmp_path / "d").assert_refused("holds no .onnx file")


def test_without_the_extra_it_says_how_to_install_it(tmp_path: Path) -> None:
    started("serve", "--data", tmp_path, prelude=without("fastapi")).assert_refused(
        "pip install 'misure-onnx[service]'"
    )
