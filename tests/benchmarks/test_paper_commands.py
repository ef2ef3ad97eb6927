"""The paper's commands from end to end, on small files in the official formats."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("h5py", reason="Synapse's preprocessed files need h5py: pip install --group paper")

from benchmarks.datasets.coco import open_coco
from benchmarks.datasets.synapse import ORGANS
from benchmarks.paper.__main__ import main
from benchmarks.paper.deeplab import VOC
from benchmarks.paper.experiments import EXPERIMENTS
from benchmarks.paper.settings import GRID, PAPER, RISE_MASKS, SIZES, TABLE_1
from tests.benchmarks.brightness_model import brightness_model
from tests.benchmarks.coco_files import SIZE, write_coco
from tests.benchmarks.synapse_files import write_preprocessed


@pytest.fixture(autouse=True)
def _few_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """RISE's number of masks changes nothing that is tested here."""
    monkeypatch.setitem(RISE_MASKS, "small", 20)


@pytest.fixture
def synapse(tmp_path: Path) -> list[str]:
    """Options for a validation part of two patients and a model that finds their organs."""
    data = write_preprocessed(tmp_path / "synapse", ("0005",), ("0001", "0002"), tuple(range(1, 9)))
    model = brightness_model(tmp_path / "ct.onnx", ("background", *ORGANS), (64, 64), channels=1)
    return ["--data", str(data), "--onnx", str(model), "--small", "--out", str(tmp_path / "synapse.json")]


@pytest.fixture
def coco(tmp_path: Path) -> list[str]:
    """The same for COCO: images whose red channel tells the class of Pascal VOC."""
    labels = open_coco(write_coco(tmp_path / "labels"), "validation")
    level = [VOC.index(name) for name in labels.class_names]
    image = np.zeros((*SIZE, 3), np.uint8)
    image[..., 0] = np.rint(255 * (np.array(level)[np.maximum(labels[0].labels, 0)] + 0.5) / len(VOC))
    data = write_coco(tmp_path / "coco", image)
    model = brightness_model(tmp_path / "photo.onnx", VOC, SIZE, channels=3)
    return ["--data", str(data), "--onnx", str(model), "--small", "--out", str(tmp_path / "coco.json")]


def document(options: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(options[-1]).read_text(encoding="utf-8"))
    return found


def test_table_1_of_synapse(synapse: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table1", "--dataset", "synapse", "--samples", "3", *synapse]) == 0
    found, printed = document(synapse), capsys.readouterr().out
    assert found["header"]["small"] is True
    assert "small version" in printed
    assert {question["class"] for question in found["questions"].values()} == {"aorta", "gallbladder", "left kidney"}
    assert len(found["rows"]) == 3 * len(TABLE_1)
    for name, question in found["questions"].items():
        assert question["pixels"] == 256
        assert question["truth_dice"] == 1
        # Every pixel is judged by itself: half of the pixels give Dice 2/3, and so on.
        region = found["rows"][f"{name} | smooth"]["regions"][""]
        assert region["dice"] == pytest.approx(2 * region["ratio"] / (1 + region["ratio"]), abs=0.01)
        assert region["dice"] > 0.9
    assert "| RISE > 0.2 | 0.935 | 319.1 | 3 |" in printed


def test_what_is_finished_is_not_measured_again(synapse: list[str]) -> None:
    command = ["table6", "--dataset", "synapse", "--samples", "1", *synapse]
    main(command)
    before = document(synapse)
    assert {key.split(" | ")[1] for key in before["rows"]} == set(SIZES)
    place = Path(synapse[-1])
    before["rows"].popitem()
    kept = {key: row["seconds"] for key, row in before["rows"].items()}
    place.write_text(json.dumps(before), encoding="utf-8")
    main(command)
    after = document(synapse)["rows"]
    assert len(after) == len(kept) + 1
    assert all(after[key]["seconds"] == seconds for key, seconds in kept.items())


def test_results_of_another_model_are_not_mixed(
    synapse: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["figure4", "--samples", "1", *synapse])
    other = brightness_model(tmp_path / "other.onnx", ("background", *ORGANS[::-1]), (64, 64), channels=1)
    assert main(["figure4", "--samples", "1", *synapse[:2], "--onnx", str(other), *synapse[4:]]) == 2
    assert "model_sha256" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["table3", "table7", "figure2", "figure8", "figure9"])
def test_the_commands_of_synapse(synapse: list[str], what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([what, "--samples", "1", *synapse]) == 0
    wanted = {"table3": set(GRID), "figure2": {"seg_grad_cam", "rise", PAPER}}.get(what, {PAPER})
    assert {key.split(" | ")[1] for key in document(synapse)["rows"]} == wanted
    picture = cv2.imread(str(Path(synapse[-1]).with_name(f"synapse_{what}.png")))
    assert picture is not None
    assert picture.std() > 1
    if what == "table3":
        assert "| 0.01 | 0.1 | 0.797 | 11.4 | 1 |" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["table1", "figure3", "figure7"])
def test_the_commands_of_coco(coco: list[str], what: str) -> None:
    assert main([what, "--dataset", "coco", "--samples", "8", *coco]) == 0
    questions = document(coco)["questions"]
    assert {question["class"] for question in questions.values()} == {"bus", "dog", "person"}
    assert all(question["truth_dice"] > 0.95 for question in questions.values())  # a crowd is not counted
    assert Path(coco[-1]).with_name(f"coco_{what}.png").exists()


def test_every_table_and_figure_of_the_paper_has_a_command() -> None:
    paper = {f"table{number}" for number in range(1, 8)} | {f"figure{number}" for number in range(1, 10)}
    assert paper <= set(EXPERIMENTS)


def test_without_a_model_the_command_says_what_makes_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["table1"])
    assert "benchmarks.paper.train" in capsys.readouterr().err
