"""The commands and examples of the first page and of the how-tos run as they are written, on a small model."""

import re
import shlex
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from misure_onnx.cli import main
from tests.tiny_models import small_network

ROOT = Path(__file__).resolve().parents[2]
SIZE = (40, 48)
PAGES = ["start.md", "howto/your-model.md", "howto/audit.md", "howto/gate.md", "howto/no-gradient.md"]
_BLOCK = re.compile(r"^```(sh|python|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the pages suppose that a user has: models, a photo in which all classes are predicted, a few more."""
    for name in ("model", "old", "new"):
        small_network(tmp_path / f"{name}.onnx", size=SIZE)
    photo(tmp_path / "photo.jpg", seed=0)
    (tmp_path / "photos").mkdir()
    for seed in (0, 1):
        photo(tmp_path / "photos" / f"{seed}.jpg", seed)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def photo(path: Path, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    blurred = cv2.GaussianBlur(noise, (0, 0), 3)
    cv2.imwrite(str(path), cv2.normalize(blurred, np.empty_like(blurred), 0, 255, cv2.NORM_MINMAX))


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_example_of_the_page_runs(
    page: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "start" in page or "your-model" in page:
        pytest.importorskip("torch", reason="torch is not installed: the page's presets need a gradient or minutes")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # commands that start processes of their own
    names: dict[str, object] = {}
    ran = 0
    for kind, block in _BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8")):
        if kind == "python":
            exec(compile(block, page, "exec"), names)  # noqa: S102 - the example is what is tested
        elif kind == "yaml":
            (folder / "model.yaml").write_text(block, encoding="utf-8")
        else:
            ran += sum(run(line, capsys) for line in block.splitlines())
    assert ran > 0


def run(line: str, capsys: pytest.CaptureFixture[str]) -> bool:
    """Whether it was a command of `misure`; one that sets up an environment is only looked up."""
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        assert f"\n{words[1]}: " in (ROOT / "Makefile").read_text(encoding="utf-8")
    if words[0] != "misure":
        assert words[0] in ("make", ".")
        return False
    status = main(words[1:])
    assert status == 0 or (words[1] == "doctor" and status == 1), f"{line}\n{capsys.readouterr().err}"
    return True


def test_what_the_first_page_says_was_written_is_written(folder: Path) -> None:
    shutil.rmtree(folder / "out", ignore_errors=True)
    arguments = ["explain", "model.onnx", "photo.jpg", "--preprocess", "imagenet", "--method", "sufficient_region"]
    assert main([*arguments, "--out", "out"]) == 0
    page = (ROOT / "docs/start.md").read_text(encoding="utf-8").split("### What was written")[1].split("\n## ")[0]
    named = {name for name in re.findall(r"`([\w.-]+\.(?:png|npy|json))`", page) if "schema" not in name}
    assert named == {path.name for path in (folder / "out").iterdir()}
