"""Models, pictures and requests for a small service."""

import json
import time
from pathlib import Path
from typing import Any

import cv2
import httpx2
import numpy as np
import numpy.typing as npt

from tests import tiny_models

SIZE = tiny_models.SIZE
PATIENCE = 120.0
"""Seconds that a test waits at most; machines are shared."""

QUICK: dict[str, Any] = {"model": "bright", "method": "sufficient_region", "target": {"class": 1}}


def models_folder(folder: Path) -> Path:
    """Two tiny models with their preprocessing beside them, and one that is none."""
    folder.mkdir()
    tiny_models.bright_pixels(folder / "bright.onnx")
    (folder / "bright.yaml").write_text("scale: 0.00392156862745098\nclass_names: [background, disc]\n")
    tiny_models.small_network(folder / "network.onnx", size=SIZE)
    (folder / "network.yaml").write_text("scale: 0.00392156862745098\n")
    (folder / "broken.onnx").write_bytes(b"no model")
    return folder


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """RGB or grey as PNG."""
    return bytes(cv2.imencode(".png", pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1])


def disc() -> bytes:
    """A bright disc on black."""
    return png(np.ascontiguousarray(np.broadcast_to(tiny_models.disc_image().reshape(*SIZE, -1)[..., :1], (*SIZE, 3))))


def noise() -> bytes:
    """Many objects."""
    return png(tiny_models.noise_image(SIZE))


def asked(image: bytes, spec: dict[str, Any] | str) -> dict[str, Any]:
    """Arguments of `post`."""
    text = spec if isinstance(spec, str) else json.dumps(spec)
    return {"files": {"image": ("a.png", image, "image/png")}, "data": {"spec": text}}


def submitted(client: httpx2.Client, image: bytes, spec: dict[str, Any], **headers: str) -> str:
    """The path of a new job."""
    answer = client.post("/v1/explanations", headers=headers, **asked(image, spec))
    assert answer.status_code == 202, answer.text
    return str(answer.headers["Location"])


def ended(client: httpx2.Client, path: str) -> dict[str, Any]:
    """The job, once it has ended."""
    return until(client, path, lambda job: job["state"] in ("succeeded", "failed", "cancelled"))


def until(client: httpx2.Client, path: str, condition: Any) -> dict[str, Any]:
    """The job, once the condition holds."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        job: dict[str, Any] = client.get(path).json()
        if condition(job):
            return job
        time.sleep(0.05)
    raise AssertionError(f"after {PATIENCE} seconds: {job}")


def without_time(document: dict[str, Any]) -> dict[str, Any]:
    """An explanation's JSON without what differs from run to run."""
    return {**document, "cost": {**document["cost"], "seconds": None}}


def problem(answer: httpx2.Response, status: int) -> str:
    """What a problem document says, which must be one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    return str(document["detail"])
