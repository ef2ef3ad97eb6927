"""Triangle scenes with their truth, each in several degrees of a spoiled picture; a scene is a group."""

import csv
import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.datasets.triangle import Sample, Triangle, handwritten_digits

Picture = npt.NDArray[np.float32]

SEVERITIES = 4
"""Of a scene: as it is, and three degrees of one kind of damage, so that a group holds good and bad pictures."""


def _noise(picture: Picture, degree: float, rng: np.random.Generator) -> Picture:
    """Gaussian noise with a standard deviation of up to 0.12."""
    return np.asarray(picture + rng.normal(0, 0.12 * degree, picture.shape), np.float32)


def _blur(picture: Picture, degree: float, rng: np.random.Generator) -> Picture:
    """Gaussian blur with a standard deviation of up to 5 pixels."""
    del rng
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.01 + 5 * degree), np.float32)


def _contrast(picture: Picture, degree: float, rng: np.random.Generator) -> Picture:
    """Contrast lowered to a twentieth."""
    del rng
    return np.asarray(picture * (1 - 0.95 * degree), np.float32)


def _holes(picture: Picture, degree: float, rng: np.random.Generator) -> Picture:
    """Up to 60 black squares of 20x20 pixels at random places."""
    spoiled = picture.copy()
    for row, column in rng.integers(0, np.array(picture.shape) - 20, (round(60 * degree), 2)):
        spoiled[row : row + 20, column : column + 20] = 0
    return spoiled


DAMAGES: dict[str, Callable[[Picture, float, np.random.Generator], Picture]] = {
    "noise": _noise,
    "blur": _blur,
    "contrast": _contrast,
    "holes": _holes,
}


def write_scenes(folder: Path, count: int, *, seed: int = 0) -> Path:
    """Writes pictures, masks and `list.csv` (image, truth, group, damage, degree), and gives the table's place.

    Args:
        folder: gets them.
        count: scenes, of those that the bundled model was validated on.
        seed: of the damages.
    """
    recorded = json.loads((files("misure_onnx") / "demo" / "triangle.json").read_text(encoding="utf-8"))
    _, validation = handwritten_digits().split(seed=recorded["settings"]["seed"])
    triangle = Triangle(validation, length=count, seed=recorded["scenes"]["validation"]["seed"])
    rng = np.random.default_rng(seed)
    rows = list[tuple[str, ...]]()
    for number in range(count):
        rows += _write_scene(folder, number, triangle[number], rng)
    with (folder / "list.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("image", "truth", "group", "damage", "degree"))
        writer.writerows(rows)
    return folder / "list.csv"


def _write_scene(folder: Path, number: int, scene: Sample, rng: np.random.Generator) -> list[tuple[str, ...]]:
    damage = list(DAMAGES)[number % len(DAMAGES)]
    degrees = [0.0, *np.sort(rng.uniform(0.05, 1, SEVERITIES - 1)).tolist()]
    truth = f"scene-{number:03}-truth.png"
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / truth), scene.mask.astype(np.uint8) * 255)
    rows = list[tuple[str, ...]]()
    for step, degree in enumerate(degrees):
        spoiled = scene.image if degree == 0 else DAMAGES[damage](scene.image, degree, rng)
        name = f"scene-{number:03}-{step}.png"
        grey = np.rint(np.clip(spoiled, 0, 1) * 255).astype(np.uint8)
        cv2.imwrite(str(folder / name), np.repeat(grey[..., None], 3, axis=2))
        rows.append((name, truth, f"scene {number}", damage if degree else "none", f"{degree:.3f}"))
    return rows
