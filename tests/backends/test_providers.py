"""Execution providers: names, and no silent fallback."""

from pathlib import Path

import onnxruntime as ort
import pytest

from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.backends.providers import (
    check_loaded,
    cuda_driver_loads,
    provider_name,
    requested_providers,
)
from misure_onnx.backends.session import create_session
from misure_onnx.errors import ModelError, ProviderError
from misure_onnx.execution_providers import CPU, CUDA, CUDA_TF32
from misure_onnx.preprocessing import PRESETS
from misure_onnx.segmenter import Identity

NOT_BUILT_IN = next(name for name in ort.get_all_providers() if name not in ort.get_available_providers())
BUILT_IN = [name for name in ort.get_available_providers() if name != CPU]


def identity(model: Path, provider: str) -> Identity:
    return OnnxRuntimeSegmenter(model, preprocessing=PRESETS["unit"], provider=provider).identity


@pytest.mark.parametrize(
    ("short", "name"),
    [
        ("cpu", "CPUExecutionProvider"),
        ("CPU", "CPUExecutionProvider"),
        ("CPUExecutionProvider", "CPUExecutionProvider"),
        ("cuda", "CUDAExecutionProvider"),
        ("tensorrt", "TensorrtExecutionProvider"),
        ("openvino", "OpenVINOExecutionProvider"),
        ("OpenVINOExecutionProvider", "OpenVINOExecutionProvider"),
    ],
)
def test_short_names_stand_for_onnx_runtime_s_own(short: str, name: str) -> None:
    assert provider_name(short) == name


@pytest.mark.parametrize("name", ["gpu", "", "cuda:0"])
def test_an_unknown_provider_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(ProviderError, match=rf"execution provider '{name}' is unknown; .*cpu, .*cuda, .*tensorrt"):
        requested_providers(name)


def test_a_provider_that_is_not_built_in_is_refused_with_those_that_are(bright_pixels: Path) -> None:
    with pytest.raises(ProviderError, match=rf"{NOT_BUILT_IN} was asked for; .* was built with .*CPUExecutionProvider"):
        identity(bright_pixels, NOT_BUILT_IN)


def test_the_cpu_is_asked_for_alone(bright_pixels: Path) -> None:
    assert requested_providers("cpu") == (CPU,)
    found = identity(bright_pixels, "cpu")
    assert (found.providers_requested, found.providers_used) == ((CPU,), (CPU,))


@pytest.mark.parametrize("name", BUILT_IN)
def test_any_other_provider_is_asked_for_before_the_cpu(name: str) -> None:
    assert requested_providers(name) == (name, CPU)


@pytest.mark.skipif(CUDA not in BUILT_IN, reason="onnxruntime was built without CUDA")
@pytest.mark.parametrize("choice", ["cuda-tf32", "CUDA-TF32"])
def test_fewer_bits_on_cuda_are_asked_for_by_name(choice: str) -> None:
    assert requested_providers(choice) == (CUDA_TF32, CPU)


@pytest.mark.skipif(CUDA not in BUILT_IN or cuda_driver_loads(), reason="a machine with CUDA in its build alone")
def test_fewer_bits_on_cuda_are_refused_where_there_is_none(bright_pixels: Path) -> None:
    with pytest.raises(ProviderError, match=r"CUDAExecutionProvider TF32 was asked for.*provider auto"):
        identity(bright_pixels, "cuda-tf32")


def test_a_model_on_processors_has_the_bits_of_its_file(bright_pixels: Path) -> None:
    segmenter = OnnxRuntimeSegmenter(bright_pixels, preprocessing=PRESETS["unit"], provider="cpu")
    assert segmenter.full_precision() is None


def test_auto_asks_for_cuda_only_where_a_driver_loads() -> None:
    expected = (CUDA, CPU) if CUDA in ort.get_available_providers() and cuda_driver_loads() else (CPU,)
    assert requested_providers("auto") == expected


def test_auto_always_runs_and_says_on_what(bright_pixels: Path) -> None:
    found = identity(bright_pixels, "auto")
    assert found.providers_requested == requested_providers("auto")
    assert found.providers_used[-1] == CPU
    fell_back = found.providers_requested[0] not in found.providers_used
    assert any("did not load" in note for note in found.notes) == fell_back


def test_a_session_that_fell_back_from_a_named_provider_is_refused() -> None:
    with pytest.raises(ProviderError, match=rf"{CUDA} was asked for, but the session runs on {CPU}: .*provider auto"):
        check_loaded("cuda", (CUDA, CPU), (CPU,))


@pytest.mark.parametrize(
    ("choice", "requested", "used"),
    [
        ("auto", (CUDA, CPU), (CPU,)),
        ("auto", (CUDA, CPU), (CUDA, CPU)),
        ("cuda", (CUDA, CPU), (CUDA, CPU)),
        ("cpu", (CPU,), (CPU,)),
    ],
)
def test_a_session_on_what_was_asked_for_is_accepted_and_auto_accepts_all(
    choice: str, requested: tuple[str, ...], used: tuple[str, ...]
) -> None:
    check_loaded(choice, requested, used)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_provider_whose_libraries_are_missing_is_refused_and_stdout_stays_empty(
    bright_pixels: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where they are there, it runs on what was asked for."""
    refusal = None
    try:
        assert identity(bright_pixels, name).providers_used[0] == name
    except ProviderError as error:
        refusal = str(error)
    assert refusal is None or (name in refusal and "provider auto" in refusal)
    assert capfd.readouterr().out == "", "stdout belongs to the result"


@pytest.mark.parametrize("name", BUILT_IN)
def test_where_the_user_left_the_choice_a_provider_that_fails_gives_way_to_the_cpu(
    bright_pixels: Path, name: str
) -> None:
    session = create_session(bright_pixels, "auto", (name, CPU))
    assert session.get_providers()[-1] == CPU


def test_a_model_that_no_provider_can_run_is_the_model_s_fault(tmp_path: Path) -> None:
    nonsense = tmp_path / "m.onnx"
    nonsense.write_bytes(b"nonsense")
    for requested in ((CPU,), *((name, CPU) for name in BUILT_IN)):
        with pytest.raises(ModelError, match=r"cannot load .*m\.onnx"):
            create_session(nonsense, "auto", requested)
