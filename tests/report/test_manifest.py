"""What differs from a manifest is named."""

import json
from pathlib import Path

import pytest

from misure_onnx.errors import InputError
from misure_onnx.file_hash import sha256_of
from misure_onnx.report.manifest import LEFT_OUT, MANIFEST, verify, write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "maps").mkdir()
    (tmp_path / "shards").mkdir()
    for name in ("a.json", "maps/b.png", "shards/c.json"):
        (tmp_path / name).write_text(name)
    write_manifest(tmp_path)
    return tmp_path


def test_sha256_is_that_of_the_standard(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_an_untouched_folder_differs_in_nothing(folder: Path) -> None:
    assert verify(folder).none


def test_changed_missing_and_added_files_are_named(folder: Path) -> None:
    (folder / "a.json").write_text("A.json")
    (folder / "maps/b.png").unlink()
    (folder / "maps/new.png").write_text("new")
    found = verify(folder)
    assert (found.changed, found.missing, found.added) == (("a.json",), ("maps/b.png",), ("maps/new.png",))


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_written_after_the_report_is_no_artefact(folder: Path, name: str) -> None:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "d.json").write_text("more")
    assert verify(folder).none


def test_a_folder_counts_as_its_manifest_says(folder: Path) -> None:
    document = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**document, "left_out": []}))
    assert verify(folder).added == ("shards/c.json",)


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": "other", "files": {}}', '{"schema": "x", "files": 3}'])
def test_what_is_no_manifest_is_refused(folder: Path, content: str) -> None:
    (folder / MANIFEST).write_text(content)
    with pytest.raises(InputError, match="manifest"):
        verify(folder)
