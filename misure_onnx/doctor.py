"""What is installed, what really loads, and what to do about it."""

import dataclasses
import importlib.metadata
import importlib.util
import platform
from dataclasses import dataclass
from typing import Any, Literal

from misure_onnx.backends.providers import CPU, CUDA, cuda_driver_loads
from misure_onnx.errors import MisureError
from misure_onnx.processors import usable_cores


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        name: what was looked at.
        status: ok, absent (optional and not there), or fault.
        found: what was found.
        repair: what to do, where there is something to do.
    """

    name: str
    status: Literal["ok", "absent", "fault"]
    found: str
    repair: str = ""

    def to_json(self) -> dict[str, Any]:
        """The fields."""
        return dataclasses.asdict(self)


def examine() -> list[Check]:
    """Every check."""
    return [
        Check("python", "ok", f"{platform.python_version()} on {platform.platform()}"),
        _clash("onnxruntime", "onnxruntime", "onnxruntime-gpu"),
        _clash("opencv", "opencv-python", "opencv-python-headless"),
        _cpu(),
        _cuda(),
        _torch(),
        *(_extra(package, serves, extra) for package, serves, extra in _EXTRAS),
        _demo(),
    ]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _clash(name: str, one: str, wanted: str) -> Check:
    """Two wheels that write the same files: the one installed last wins, and removing one breaks the other."""
    versions = {package: _version(package) for package in (one, wanted)}
    installed = [f"{package} {version}" for package, version in versions.items() if version]
    if len(installed) == 2:
        repair = f"pip uninstall -y {one} {wanted} && pip install {wanted}"
        return Check(name, "fault", f"{' and '.join(installed)} overwrite each other", repair)
    if not installed:
        return Check(name, "fault", "not installed", f"pip install {wanted}")
    return Check(name, "ok", installed[0])


def _cpu() -> Check:
    return Check(CPU, "ok", f"{usable_cores()} threads")


def _cuda() -> Check:
    import onnxruntime as ort  # noqa: PLC0415 - a broken installation must reach the checks before this one

    if CUDA not in ort.get_available_providers():
        return Check(
            CUDA, "absent", f"onnxruntime {ort.__version__} was built without it", "pip install onnxruntime-gpu"
        )
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


def _torch() -> Check:
    if importlib.util.find_spec("torch") is None:
        return Check("torch", "absent", "gradient route 'torch' is not available", "pip install 'misure-onnx[torch]'")
    return Check("torch", "ok", f"torch {_version('torch')}: gradient route 'torch' is available")


_EXTRAS = (
    ("openvino", "forwards in OpenVINO (--provider openvino)", "openvino"),
    ("nibabel", "NIfTI", "medical"),
    ("pydicom", "DICOM", "medical"),
    ("tifffile", "TIFF of bands", "geo"),
    ("pyarrow", "tables of audits", "reports"),
    ("ray", "audits on Ray", "ray"),
    ("httpx2", "models behind a server by HTTP", "remote"),
    ("grpcio", "models behind a server by gRPC", "remote"),
)
"""Optional packages: what they serve, and the extra that brings them."""


def _extra(package: str, serves: str, extra: str) -> Check:
    version = _version(package)
    if version is None:
        return Check(package, "absent", f"{serves}: not available", f"pip install 'misure-onnx[{extra}]'")
    return Check(package, "ok", f"{package} {version}: {serves}")


def _demo() -> Check:
    used = _providers_of_demo("auto")
    fine = used.endswith("ExecutionProvider")
    return Check("bundled model", "ok" if fine else "fault", f"runs on {used}" if fine else used)


def _providers_of_demo(provider: str) -> str:
    """The providers a session of the bundled model really uses, or why there is none."""
    from importlib.resources import as_file, files  # noqa: PLC0415 - only here

    from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter  # noqa: PLC0415 - imports onnxruntime

    with as_file(files("misure_onnx") / "demo" / "triangle.onnx") as path:
        try:
            return ", ".join(OnnxRuntimeSegmenter(path, provider=provider).identity.providers_used)
        except MisureError as error:
            return str(error)
