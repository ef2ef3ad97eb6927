"""Wheels of several names that write the same files: two overwrite each other, and removing one breaks the other."""

import importlib
import platform
import sys
from dataclasses import dataclass

from misure_onnx.doctor.check import Check
from misure_onnx.doctor.requirements import requirement, wanted_by
from misure_onnx.installed import versions_of


def _has_gpu_wheel() -> bool:
    """Whether ONNX Runtime's GPU wheel exists for this platform: the same condition as in pyproject.toml."""
    return sys.platform in ("linux", "win32") and platform.machine() in ("x86_64", "AMD64")


@dataclass(frozen=True)
class Family:
    """Distributions that all install one module.

    Attributes:
        name: of the check.
        module: what they install, and `member`, without which it does not work.
        wanted: the distribution this project asks for.
        others: the rest.
    """

    name: str
    module: str
    member: str
    wanted: str
    others: tuple[str, ...]

    def check(self) -> Check:
        """That there is one, and that it works."""
        names = (self.wanted, *self.others)
        versions = versions_of(names)
        listed = " and ".join(sorted(f"{name} {version}" for name, version in versions.items()))
        if not versions:
            return Check(self.name, "fault", "not installed", f"pip install {requirement(self.wanted)}")
        if len(versions) > 1:
            others = wanted_by(set(versions) - {self.wanted})
            asked_for = f"; asked for by {', '.join(others)}" if others else ""
            repair = f"pip uninstall -y {' '.join(versions)} && pip install {requirement(self.wanted)}"
            return Check(self.name, "fault", f"{listed} overwrite each other{asked_for}", repair)
        ((name, version),) = versions.items()
        broken = self.broken()
        if broken:
            found = f"{listed} is installed, but its files are not complete ({broken}): was another build removed?"
            return Check(self.name, "fault", found, f"pip install --force-reinstall --no-deps {name}=={version}")
        return Check(self.name, "ok", listed)

    def broken(self) -> str:
        """Why the module does not work; empty where it does."""
        try:
            module = importlib.import_module(self.module)
        except Exception as error:  # noqa: BLE001 - half a library may fail in any way
            return f"{type(error).__name__}: {error}"
        return "" if hasattr(module, self.member) else f"{self.module} has no {self.member}"


_GPU, _CPU = "onnxruntime-gpu", "onnxruntime"
_WANTED = _GPU if _has_gpu_wheel() else _CPU

ONNX_RUNTIME = Family(
    name="onnxruntime",
    module="onnxruntime",
    member="InferenceSession",
    wanted=_WANTED,
    others=(
        _CPU if _WANTED == _GPU else _GPU,
        "onnxruntime-directml",
        "onnxruntime-openvino",
        "onnxruntime-qnn",
        "onnxruntime-rocm",
        "onnxruntime-migraphx",
        "onnxruntime-silicon",
    ),
)
OPENCV = Family(
    name="opencv",
    module="cv2",
    member="imdecode",
    wanted="opencv-python-headless",
    others=("opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless"),
)
