"""Which extras are there."""

import importlib.util

from misure_onnx.doctor.check import Check
from misure_onnx.installed import version_of

EXTRAS = (
    ("torch", "gradient route 'torch'", "torch"),
    ("openvino", "forwards in OpenVINO (--provider openvino)", "openvino"),
    ("nibabel", "NIfTI", "medical"),
    ("pydicom", "DICOM", "medical"),
    ("tifffile", "TIFF of bands", "geo"),
    ("imagecodecs", "compressed TIFF of bands", "geo"),
    ("pyarrow", "tables of audits", "reports"),
    ("jinja2", "audits and explanations as a page", "reports"),
    ("ray", "audits on Ray", "ray"),
    ("httpx2", "models behind a server by HTTP", "remote"),
    ("grpcio", "models behind a server by gRPC", "remote"),
    ("fastapi", "misure serve", "service"),
    ("mlserver", "a runtime of MLServer", "mlserver"),
)
"""Optional packages: what they serve, and the extra that brings them."""


_MODULES = {"grpcio": "grpc"}
"""Those whose module has another name."""


def extras() -> list[Check]:
    """One check a package."""
    return [_extra(*row) for row in EXTRAS]


def _extra(package: str, serves: str, extra: str) -> Check:
    version = version_of(package)
    if version is None or importlib.util.find_spec(_MODULES.get(package, package)) is None:
        return Check(package, "absent", f"{serves}: not available", f"pip install 'misure-onnx[{extra}]'")
    return Check(package, "ok", f"{package} {version}: {serves}")
