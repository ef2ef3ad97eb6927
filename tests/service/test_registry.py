from pathlib import Path

import pytest

from misure_onnx.errors import InputError
from misure_onnx.service.registry import chosen, read_registry, without_folders
from tests import tiny_models
from tests.service.examples import models_folder


def test_the_bundled_model_is_served_where_no_folder_is_named() -> None:
    (entry,) = read_registry(None).values()
    assert entry.name == "triangle"


def test_the_preprocessing_beside_a_model_is_its_own(tmp_path: Path) -> None:
    registry = read_registry(models_folder(tmp_path / "models"))
    bright, broken = chosen(registry, "bright"), chosen(registry, "broken")
    assert bright is not None
    assert broken is not None
    assert bright.preprocess == str(tmp_path / "models" / "bright.yaml")
    assert broken.preprocess is None
    before = bright.described_as
    (tmp_path / "models" / "bright.yaml").write_text("scale: 1\n")
    changed = read_registry(tmp_path / "models")[bright.id]
    assert changed.described_as != before


def test_a_remote_model_is_one_that_the_operator_lists(tmp_path: Path) -> None:
    (tmp_path / "vendor.remote.yaml").write_text("url: http://host/v2/models/m\npreprocess: {scale: 1}\n")
    entry = chosen(read_registry(tmp_path), "vendor")
    assert entry is not None
    assert (entry.source, entry.preprocess) == ("http://host/v2/models/m", {"scale": 1})
    (tmp_path / "vendor.remote.yaml").write_text("url: http://host/v2/models/m\nremote: {colour: red}\n")
    with pytest.raises(InputError, match=r"'remote' expects fields of .*timeout"):
        read_registry(tmp_path)
    (tmp_path / "vendor.remote.yaml").write_text("address: http://host\n")
    with pytest.raises(InputError, match="expected 'url"):
        read_registry(tmp_path)


def test_the_same_file_twice_is_refused(tmp_path: Path) -> None:
    content = tiny_models.bright_pixels(tmp_path / "a.onnx").read_bytes()
    (tmp_path / "b.onnx").write_bytes(content)
    with pytest.raises(InputError, match="'a' and 'b'"):
        read_registry(tmp_path)


def test_a_client_learns_no_folder(tmp_path: Path) -> None:
    registry = read_registry(models_folder(tmp_path / "models"))
    text = f"{tmp_path}/models/bright.onnx and {tmp_path}/jobs/1/image"
    assert without_folders(text, registry, tmp_path / "jobs" / "1") == "bright.onnx and image"
