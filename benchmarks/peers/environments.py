"""The peers and their environments: one folder each, made with `venv` and pip where it is missing, with exact pins."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LEAST_FREE = 8 * 2**30
"""Bytes on the disk before an environment is made: the largest takes 7 GB."""

_TORCH = ("torch==2.13.0",)
_TORCHVISION = ("torch==2.14.1", "torchvision==0.29.1")
_RUNTIME = "onnxruntime==1.31.1"


class NoEnvironment(Exception):  # noqa: N818 - reads as what it is
    """An environment cannot be made; the message says why."""


@dataclass(frozen=True)
class Peer:
    """An explainer.

    Attributes:
        distribution: its name for pip; the version is that of the environment.
        install: arguments of one `pip install` after the other; nothing: the project's own environment.
        licence: of the explainer. What is not permissive is measured here and no dependency of anything.
    """

    distribution: str
    install: tuple[tuple[str, ...], ...] = ()
    licence: str = "Apache-2.0"

    @property
    def own(self) -> bool:
        """Whether it is this library."""
        return not self.install


PEERS = {
    "misure": Peer("misure-onnx"),
    "dianna": Peer("dianna", (_TORCH, ("dianna==1.8.1", _RUNTIME, *_TORCH))),
    "openvino_xai": Peer("openvino-xai", (("openvino-xai==1.1.0",),)),
    "xplique": Peer(
        "xplique",
        (
            ("tensorflow==2.20.0", "tf_keras==2.20.1", "tensorflow-probability==0.25.0", "scikit-image==0.25.2"),
            ("scikit-learn==1.7.2", "scipy==1.15.3", "matplotlib", "opencv-python-headless", _RUNTIME),
            ("deprecated", "einops", "tqdm"),
            ("--no-deps", "xplique==2.0.2"),  # its own pins bring TensorFlow's CUDA build
        ),
        "MIT",
    ),
    "captum": Peer("captum", (_TORCH, ("captum==0.9.0", "scikit-learn==1.7.2", _RUNTIME, *_TORCH)), "BSD-3-Clause"),
    "grad_cam": Peer("grad-cam", (_TORCHVISION, ("grad-cam==1.5.7", *_TORCHVISION)), "MIT"),
    "shap": Peer("shap", (("shap==0.51.0", _RUNTIME, "opencv-python-headless"),), "MIT"),
    "monai": Peer("monai", (_TORCH, ("monai==1.6.1", _RUNTIME, *_TORCH))),
    "xaitk": Peer("xaitk-saliency", (("xaitk-saliency==0.15.0", "typing_extensions", _RUNTIME),), "BSD-3-Clause"),
    "torchray": Peer("torchray", (_TORCHVISION, ("torchray==1.0.0.2", _RUNTIME, *_TORCHVISION)), "CC-BY-NC-4.0"),
}


def interpreter(name: str, environments: Path | None) -> Path:
    """The interpreter of a peer's environment, which is made where it is missing.

    Raises:
        NoEnvironment: no folder was given, the disk is full, or pip failed.
    """
    peer = PEERS[name]
    if peer.own:
        return Path(sys.executable)
    if environments is None:
        raise NoEnvironment("--environments DIR was not given")
    place = environments.resolve() / name
    if not (place / "installed").exists():
        _make(peer, place)
        (place / "installed").touch()
    return place / "bin" / "python"


def _make(peer: Peer, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    system = os.statvfs(place.parent)
    if system.f_bavail * system.f_frsize < LEAST_FREE:
        raise NoEnvironment(f"less than {LEAST_FREE >> 30} GiB are free in {place.parent}")
    _run([sys.executable, "-m", "venv", str(place)])
    for packages in peer.install:
        _run([str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - pip and venv
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise NoEnvironment(f"not installed: {said[-1] if said else 'pip failed without a word'}")
