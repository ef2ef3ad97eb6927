"""ONNX Runtime writes warnings about most models, and errors about providers: none of it reaches the terminal."""

import contextlib
from pathlib import Path

import pytest
import yaml

from benchmarks.shared_data import data_directory, triples
from misure_onnx.api import load_segmenter
from misure_onnx.backends.providers import cuda_driver_loads
from misure_onnx.errors import InputError
from tests.cli.documents import assert_complete
from tests.cli.outcome import Run
from tests.cli.process import started
from tests.shared_data import shared_data

_FOLDER = data_directory()
_MODELS = sorted(path.name for path in (_FOLDER / "models").glob("*.onnx")) if _FOLDER else ["none"]


@pytest.mark.parametrize("name", _MODELS)
def test_loading_a_real_model_writes_nothing(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    path = shared_data() / "models" / name
    with contextlib.suppress(InputError):  # some are no segmentation of pictures, and say so
        assert load_segmenter(path, "unit").spec.classes
    assert capfd.readouterr() == ("", "")


def test_explaining_with_a_real_model_writes_notes_alone(tmp_path: Path) -> None:
    shared_data()
    triple, declared = triples()[0], tmp_path / "declared.yaml"
    declared.write_text(yaml.safe_dump(triple.preprocessing.to_mapping()), encoding="utf-8")
    options = ("--preprocess", declared, "--class", str(triple.class_index), "--method", "predicted_mask", "--json")
    outcome = started("explain", triple.model, triple.image, *options)
    assert_complete(outcome.document())
    assert all(line.startswith("misure: note: ") for line in outcome.err.splitlines())


@pytest.mark.skipif(cuda_driver_loads(), reason="a CUDA driver loads here")
@pytest.mark.parametrize("provider", ["cuda", "CUDAExecutionProvider", "tensorrt"])
def test_a_provider_that_cannot_load_is_refused_in_one_line(
    provider: str, misure: Run, small_network: Path, picture: Path
) -> None:
    outcome = misure("explain", small_network, picture, "--preprocess", "unit", "--provider", provider, "--json")
    outcome.assert_refused("ExecutionProvider was asked for", "--provider auto")
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.skipif(cuda_driver_loads(), reason="a CUDA driver loads here")
def test_it_is_refused_in_a_fresh_process_too(small_network: Path, picture: Path) -> None:
    """There, no session was made before that could have silenced the log."""
    outcome = started("explain", small_network, picture, "--preprocess", "unit", "--provider", "cuda", "--json")
    outcome.assert_refused("CUDAExecutionProvider was asked for")
    assert len(outcome.err.splitlines()) == 1
