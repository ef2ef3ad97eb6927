"""Which execution providers really load."""

from misure_onnx.doctor.check import Check
from misure_onnx.doctor.requirements import requirement
from misure_onnx.doctor.shared_files import ONNX_RUNTIME, OPENCV
from misure_onnx.errors import MisureError
from misure_onnx.execution_providers import CPU, CUDA
from misure_onnx.installed import version_of
from misure_onnx.processors import usable_cores

_MODEL = "bundled model"


def providers() -> list[Check]:
    """The processors, CUDA, and a forward of the bundled model."""
    cores = Check(CPU, "ok", f"{usable_cores()} threads")
    broken = [family.name for family in (ONNX_RUNTIME, OPENCV) if family.broken()]
    if broken:
        return [cores, Check(_MODEL, "fault", f"cannot run without {' and '.join(broken)}: see above")]
    return [cores, _cuda(), _demo()]


def _cuda() -> Check:
    import onnxruntime as ort  # noqa: PLC0415 - a broken installation must reach the checks before this one

    from misure_onnx.backends.providers import cuda_driver_loads  # noqa: PLC0415 - imports onnxruntime

    if CUDA not in ort.get_available_providers():
        return Check(CUDA, "absent", f"onnxruntime {ort.__version__} was built without it", _another_build())
    if not cuda_driver_loads():
        return Check(CUDA, "absent", "built in, but no NVIDIA driver is present", "models run on the CPU")
    used = _providers_of_demo("cuda")
    if CUDA in used:
        return Check(CUDA, "ok", "a session really runs on it")
    return Check(
        CUDA,
        "fault",
        f"an NVIDIA driver is present, but CUDA's libraries do not load: {used}",
        "pip install 'misure-onnx[cuda]' brings CUDA and cuDNN",
    )


def _another_build() -> str:
    """How to come from a build without CUDA to the one with it: never one beside the other."""
    if ONNX_RUNTIME.wanted != "onnxruntime-gpu":
        return "there is no build with it for this platform: models run on the CPU"
    installed = [name for name in ONNX_RUNTIME.others if version_of(name)]
    return f"pip uninstall -y {' '.join(installed)} && pip install {requirement(ONNX_RUNTIME.wanted)}"


def _demo() -> Check:
    used = _providers_of_demo("auto")
    fine = used.endswith("ExecutionProvider")
    return Check(_MODEL, "ok" if fine else "fault", f"runs on {used}" if fine else used)


def _providers_of_demo(provider: str) -> str:
    """The providers a session of the bundled model really uses, or why there is none."""
    from importlib.resources import as_file, files  # noqa: PLC0415 - only here

    from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter  # noqa: PLC0415 - imports onnxruntime

    with as_file(files("misure_onnx") / "demo" / "triangle.onnx") as path:
        try:
            return ", ".join(OnnxRuntimeSegmenter(path, provider=provider).identity.providers_used)
        except MisureError as error:
            return str(error)
