import base64
import dataclasses
import re
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="jinja2 is not installed: reports need it")

from misure_onnx.api import load_segmenter, make_method
from misure_onnx.certificate_in_words import certificate_in_words
from misure_onnx.explanation import Explanation
from misure_onnx.report.explanation_page import explanation_page
from misure_onnx.target import Target
from tests import tiny_models


@pytest.fixture
def found(tmp_path: Path) -> Explanation:
    segmenter = load_segmenter(tiny_models.bright_pixels(tmp_path / "m.onnx"), {"scale": 1 / 255, "color": "GRAY"})
    return make_method("sufficient_region").explain(segmenter, tiny_models.disc_image(), Target.from_class(1))


def test_it_says_what_the_certificate_says_and_holds_the_figure(found: Explanation) -> None:
    page = explanation_page(found, b"figure").decode()
    for finding in certificate_in_words(found.certificate)[2]:
        assert finding.text in page
    assert base64.b64encode(b"figure").decode() in page
    assert str(found.provenance.model_sha256) in page


def test_it_loads_and_runs_nothing(found: Explanation) -> None:
    page = explanation_page(found, b"figure").decode()
    assert not re.findall(r"<(script|iframe|link|object|form)|\bon\w+=|@import|url\(", page)
    assert all(source.startswith("data:") for source in re.findall(r'src="([^"]*)"', page))


def test_names_from_a_model_become_text(found: Explanation) -> None:
    named = dataclasses.replace(found, target=dataclasses.replace(found.target, class_name="<img src=x onerror=y>"))
    page = explanation_page(named, b"").decode()
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=y&gt;" in page
