"""For each extra: what a user may ask who has not installed it."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.tiny_models import bright_pixels

Arguments = list[str | Path]


@dataclass(frozen=True)
class Case:
    """A command that needs a package.

    Attributes:
        package: the module that is missing.
        extra: what brings it.
        arguments: of `misure`, for files that are made in a folder.
    """

    package: str
    extra: str
    arguments: Callable[[Path], Arguments]

    def __str__(self) -> str:
        """For pytest."""
        return f"{self.package}-{self.extra}"


def declared_extras() -> set[str]:
    """Those of pyproject.toml."""
    text = Path(__file__).parents[2].joinpath("pyproject.toml").read_text(encoding="utf-8")
    return set(tomllib.loads(text)["project"]["optional-dependencies"])


def _explain(folder: Path, image: Path | str, *options: str) -> Arguments:
    model = bright_pixels(folder / "model.onnx")
    return ["explain", model, image, "--method", "sufficient_region", "--preprocess", "unit", *options]


def _picture(folder: Path) -> Path:
    import cv2  # noqa: PLC0415 - as the others

    cv2.imwrite(str(folder / "picture.png"), np.full((20, 24), 200, np.uint8))
    return folder / "picture.png"


def _nifti(folder: Path) -> Path:
    import nibabel  # noqa: PLC0415 - an extra

    volume = nibabel.Nifti1Image(np.zeros((4, 5, 6), np.float32), np.eye(4))  # type: ignore[no-untyped-call]
    nibabel.save(volume, folder / "scan.nii.gz")
    return folder / "scan.nii.gz"


def _dicom(folder: Path) -> Path:
    from tests import dicom_files  # noqa: PLC0415 - an extra

    return dicom_files.save(dicom_files.dataset(np.zeros((20, 24), np.uint16)), folder / "slice.dcm")


def _bands(folder: Path, **options: Any) -> Path:
    from tests import geotiff_files  # noqa: PLC0415 - an extra

    return geotiff_files.write(folder / "bands.tif", np.zeros((20, 24, 1), np.float32), **options)


def _audit(folder: Path, *options: str) -> Arguments:
    data = folder / "data"
    data.mkdir()
    _picture(data)
    return ["audit", data, "--model", bright_pixels(folder / "model.onnx"), "--out", folder / "out", *options]


def _serve(folder: Path) -> Arguments:
    return ["serve", "--data", folder / "jobs", "--models", folder, "--port", "0"]


CASES = [
    Case("torch", "torch", lambda f: _explain(f, _picture(f), "--method", "misure", "--route", "torch")),
    Case("openvino", "openvino", lambda f: _explain(f, _picture(f), "--provider", "openvino")),
    Case("nibabel", "medical", lambda f: _explain(f, _nifti(f))),
    Case("pydicom", "medical", lambda f: _explain(f, _dicom(f))),
    Case("tifffile", "geo", lambda f: _explain(f, _bands(f))),
    Case("imagecodecs", "geo", lambda f: _explain(f, _bands(f, compression="lzw"))),
    Case("pyarrow", "reports", _audit),
    Case("jinja2", "reports", _audit),
    Case("ray", "ray", lambda f: _audit(f, "--engine", "ray")),
    Case("httpx2", "remote", lambda f: ["explain", "http://127.0.0.1:1/v2/models/m", _picture(f)]),
    Case("grpc", "remote", lambda f: ["explain", "grpc://127.0.0.1:1/m", _picture(f)]),
    *(
        Case(package, "service", _serve)
        for package in ("fastapi", "jinja2", "prometheus_client", "python_multipart", "uvicorn")
    ),
]
