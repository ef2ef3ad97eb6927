"""Every data set by its name."""

from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.datasets.coco import open_coco
from benchmarks.datasets.folder import open_folder
from benchmarks.datasets.labelled import Dataset, Part
from benchmarks.datasets.synapse import open_synapse
from benchmarks.datasets.triangle_scenes import open_triangle

DATASETS: Mapping[str, Callable[[Path | None, Part], Dataset]] = {
    "triangle": open_triangle,
    "synapse": open_synapse,
    "coco": open_coco,
    "folder": open_folder,
}
"""(directory, part) -> data set."""


def open_dataset(name: str, directory: Path | None, part: Part) -> Dataset:
    """One part of a data set.

    Raises:
        ValueError: no such data set, or its files are not as expected.
        FileNotFoundError: it is not there.
    """
    if name not in DATASETS:
        raise ValueError(f"data set {name!r} is unknown; the known ones are {', '.join(DATASETS)}")
    return DATASETS[name](directory, part)
