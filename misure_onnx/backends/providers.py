"""Which of ONNX Runtime's execution providers to ask for, and whether they really loaded."""

import ctypes
import sys
from collections.abc import Sequence

import onnxruntime as ort

from misure_onnx.errors import ProviderError
from misure_onnx.execution_providers import CPU, CUDA, CUDA_TF32

TF32 = "cuda-tf32"
"""How a user asks for it."""


def provider_name(short: str) -> str:
    """ONNX Runtime's own string for `cpu`, `cuda`, `openvino`, ...: the full string is taken as it is.

    Raises:
        ProviderError: ONNX Runtime knows no such provider.
    """
    known: dict[str, str] = {name.removesuffix("ExecutionProvider").lower(): name for name in ort.get_all_providers()}
    name = known.get(short.removesuffix("ExecutionProvider").lower())
    if name is None:
        raise ProviderError(f"execution provider {short!r} is unknown; ONNX Runtime knows {', '.join(sorted(known))}")
    return name


def requested_providers(choice: str) -> tuple[str, ...]:
    """The providers to ask a session for; `auto` is CUDA where a CUDA driver loads, else the CPU.

    CUDA computes with the 32 bits of the file, `cuda-tf32` with fewer.

    Raises:
        ProviderError: the provider named is not in the installed build of ONNX Runtime.
    """
    available = ort.get_available_providers()
    if choice == "auto":
        return (CUDA, CPU) if CUDA in available and cuda_driver_loads() else (CPU,)
    if choice.lower() == TF32:
        return CUDA_TF32, *requested_providers(CUDA)[1:]
    name = provider_name(choice)
    if name not in available:
        raise ProviderError(
            f"{name} was asked for; the installed onnxruntime {ort.__version__} was built with "
            f"{', '.join(available)}: install a build that has it, or use --provider auto"
        )
    return (name,) if name == CPU else (name, CPU)


def check_loaded(choice: str, requested: Sequence[str], used: Sequence[str]) -> None:
    """Refuses a session that fell back from a provider the user named.

    ONNX Runtime lists providers that it was built with, and falls back to the CPU without an error
    when their libraries are missing; only the session knows.

    Raises:
        ProviderError: the session does not use the provider asked for.
    """
    if choice != "auto" and requested[0] not in used:
        raise ProviderError(
            f"{requested[0]} was asked for, but the session runs on {', '.join(used)}: its libraries did not load "
            "(`misure doctor` says which); use --provider auto to accept the CPU"
        )


def cuda_driver_loads() -> bool:
    """Whether an NVIDIA driver is present; asked first, since ONNX Runtime prints an error when it is not."""
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
