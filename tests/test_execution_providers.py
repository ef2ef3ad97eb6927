"""Providers by the names of a provenance."""

import onnxruntime as ort
import pytest

from misure_onnx.execution_providers import CPU, CUDA, CUDA_TF32, for_session, in_session, of_onnx_runtime, on_cuda


@pytest.mark.parametrize(("name", "rounds"), [(CUDA, "0"), (CUDA_TF32, "1")])
def test_cuda_rounds_to_fewer_bits_only_where_that_was_asked_for(name: str, rounds: str) -> None:
    assert for_session((name, CPU)) == [(CUDA, {"use_tf32": rounds}), CPU]


@pytest.mark.parametrize("requested", [(CPU,), (CUDA, CPU), (CUDA_TF32, CPU)])
def test_a_session_s_providers_have_the_names_they_were_requested_by(requested: tuple[str, ...]) -> None:
    assert in_session([name.split()[0] for name in requested], requested) == requested
    assert in_session([CPU], requested) == (CPU,)


def test_cuda_is_cuda_in_every_precision_and_openvino_is_not_onnx_runtime_s() -> None:
    assert all(on_cuda(names) for names in ((CUDA, CPU), (CUDA_TF32, CPU)))
    assert not any(on_cuda(names) for names in ((CPU,), ("OpenVINO CPU f32",)))
    assert [of_onnx_runtime(name) for name in (CUDA_TF32, CPU, "OpenVINO CPU f32")] == [True, True, False]
    assert all(of_onnx_runtime(name) for name in ort.get_available_providers())
