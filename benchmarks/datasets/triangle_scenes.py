"""The paper's two parts of the Triangle task: 1400 scenes to train on, 600 to validate with (section 4.1).

The objects of the two parts are different ones. With both halves of Fashion-MNIST they are its own training and test
half; where there is the test half alone, 70 % of it go into the first part and 30 % into the second.

The paper does not say what of an object is labelled: here, as in its author's code, the pixels above 0.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.datasets.labelled import LabelledImage, Part
from benchmarks.datasets.triangle import Objects, Sample, Triangle, fashion_mnist, handwritten_digits

SCENES: dict[Part, int] = {"training": 1400, "validation": 600}
_SEEDS: dict[Part, int] = {"training": 1, "validation": 2}


class TriangleScenes:
    """One part of it; scenes are grey, 224x224, 8 bits."""

    class_names = ("background", "triangle")

    def __init__(self, objects: Objects, part: Part) -> None:
        self._part: Part = part
        self.scenes = Triangle(objects, length=SCENES[part], seed=_SEEDS[part])

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> LabelledImage:
        sample = self.sample(index)
        name = f"{self._part} scene {index}"
        return LabelledImage(name, picture(sample), sample.mask.astype(np.int64), name)

    def sample(self, index: int) -> Sample:
        """The scene with its objects told apart."""
        return self.scenes[index]


def picture(sample: Sample) -> npt.NDArray[np.uint8]:
    """(H, W) 8 bits."""
    return np.rint(sample.image * 255).astype(np.uint8)


def open_triangle(directory: Path | None, part: Part) -> TriangleScenes:
    """The scenes of Fashion-MNIST's gzipped IDX files; without a directory of the digits that scikit-learn has.

    Raises:
        FileNotFoundError: the directory has no test half.
    """
    return TriangleScenes(_objects(directory, part), part)


def _objects(directory: Path | None, part: Part) -> Objects:
    if directory is not None and (directory / "train-images-idx3-ubyte.gz").exists():
        return fashion_mnist(directory, "train" if part == "training" else "t10k")
    pool = handwritten_digits() if directory is None else fashion_mnist(directory, "t10k")
    return pool.split()[0 if part == "training" else 1]
