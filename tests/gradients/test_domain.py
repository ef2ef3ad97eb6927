"""The user is told which function was differentiated."""

from pathlib import Path

from onnx import TensorProto

from misure_onnx.api import load_segmenter
from misure_onnx.gradients.domain import domain_notes
from misure_onnx.methods.misure import MiSuRe
from tests.tiny_models import SIZE, noise_image, pointwise


def test_scores_of_float_pixels_need_no_note(tmp_path: Path) -> None:
    assert domain_notes(load_segmenter(pointwise(tmp_path / "m.onnx"), "unit")) == ()


def test_a_label_map_is_cut_off_and_the_tensor_before_it_named(tmp_path: Path) -> None:
    path = pointwise(tmp_path / "m.onnx", ending="argmax", output_layout="NHW")
    (note,) = domain_notes(load_segmenter(path, "unit"))
    assert "'logits', the scores before its ArgMax" in note


def test_bytes_are_differentiated_before_they_are_rounded(tmp_path: Path) -> None:
    path = pointwise(tmp_path / "m.onnx", input_type=TensorProto.UINT8)
    (note,) = domain_notes(load_segmenter(path, "raw"))
    assert "takes bytes" in note


def test_the_provenance_of_a_minimal_region_says_both(tmp_path: Path) -> None:
    path = pointwise(tmp_path / "m.onnx", ending="argmax", output_layout="NHW", input_type=TensorProto.UINT8)
    explanation = MiSuRe(iterations=2, route="onnx_gradient").explain(load_segmenter(path, "raw"), noise_image(SIZE, 3))
    notes = " ".join(explanation.provenance.notes)
    assert "before its ArgMax" in notes
    assert "takes bytes" in notes
    fidelity = explanation.provenance.gradient_fidelity
    assert fidelity is not None
    assert fidelity["max_difference"] is not None, "labels are no excuse: the scores before them were compared"
    assert fidelity["directional_error"] is not None
