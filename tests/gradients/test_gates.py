"""The user is told where a gradient cannot see."""

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from misure_onnx.api import load_segmenter
from misure_onnx.errors import GradientError
from misure_onnx.gradients.gates import gate_notes
from tests.shared_data import shared_data
from tests.tiny_models import SIZE, pointwise, save_model


def test_a_model_without_decisions_needs_no_note(tmp_path: Path) -> None:
    assert gate_notes(load_segmenter(pointwise(tmp_path / "m.onnx"), "unit")) == ()


def test_the_argmax_at_the_end_is_no_gate_since_the_scores_before_it_are_differentiated(tmp_path: Path) -> None:
    path = pointwise(tmp_path / "m.onnx", ending="argmax", output_layout="NHW")
    assert gate_notes(load_segmenter(path, "unit")) == ()


def test_a_gated_model_gets_a_note_with_the_node_and_the_way_out(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Greater", ["image", "half"], ["open"], name="/decoder/mask"),
        helper.make_node("Cast", ["open"], ["kept"], to=1),
        helper.make_node("Mul", ["image", "kept"], ["scores"]),
    ]
    path = save_model(
        tmp_path / "m.onnx", nodes, input_shape=["N", 3, *SIZE], constants={"half": np.array(0.5, np.float32)}
    )
    (note,) = gate_notes(load_segmenter(path, {"output": "logits", "scale": 1 / 255}))
    assert "Greater '/decoder/mask'" in note
    assert "--route search" in note


def test_a_function_has_no_graph_to_look_at() -> None:
    with pytest.raises(GradientError, match="no ONNX file"):
        gate_notes(load_segmenter(lambda images: images, {"size": [*SIZE], "output": "logits"}))


def test_real_networks_without_decisions_are_not_accused() -> None:
    folder = shared_data() / "models"
    accused = [
        file.stem
        for file in sorted(folder.glob("*.onnx"))
        if "brainchop" not in file.stem and gate_notes(load_segmenter(file, "raw"))
    ]
    assert accused == []
