"""What a file is tried on: noise, and pictures or volumes as its user brings them."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.images import load_image
from misure_onnx.mask import resize_map
from misure_onnx.network_input import network_input
from misure_onnx.segmenter import load_input
from misure_onnx.types import Images, Size
from misure_onnx.volumes import LoadedVolume, load_volume

RANDOM_IMAGES = 2
_SEED = 0
_FREE_SIZES: dict[int, Size] = {2: (96, 128), 3: (32, 32, 32)}
_BUNDLED = "triangle.png"


def random_inputs(deployed: OnnxRuntimeSegmenter) -> Images:
    """(2, C, *size): two pictures of uniform noise, brought to the network as pictures are; of volumes, the voxels."""
    rng, spec = np.random.default_rng(_SEED), deployed.spec
    size = spec.size or _FREE_SIZES[spec.rank]
    if spec.rank == 3:
        return np.asarray(rng.random((RANDOM_IMAGES, spec.channels, *size)), np.float32)
    pictures = rng.integers(0, 256, (RANDOM_IMAGES, *size, spec.channels), np.uint8)
    return np.concatenate([network_input(picture, spec.preprocessing, spec.channels, size) for picture in pictures])


def real_inputs(deployed: OnnxRuntimeSegmenter, paths: Sequence[Path]) -> dict[str, Images]:
    """Network inputs (1, C, *size) by name: of files, or of the bundled picture where there are none.

    Raises:
        ImageError: a file cannot be read, or does not fit the network.
    """
    if not paths:
        return {f"{_BUNDLED} (bundled)": _bundled(deployed)}
    found: dict[str, Images] = {}
    for path in paths:
        item = load_input(path)
        if isinstance(item, LoadedVolume) and deployed.spec.size:
            item = _centre(item, deployed)
        found[path.name] = deployed.prepare(item)
    return found


def _bundled(deployed: OnnxRuntimeSegmenter) -> Images:
    """The bundled picture in as many channels as the network takes; in a volume it lies in every slice."""
    picture = load_image(Path(str(files("misure_onnx") / "demo" / _BUNDLED))).pixels
    spec = deployed.spec
    if spec.rank == 2:
        return deployed.prepare(load_image(np.repeat(picture[..., :1], spec.channels, axis=2)))
    depth, height, width = spec.size or _FREE_SIZES[3]
    grey = resize_map(np.asarray(picture[..., 0], np.float32), (height, width))
    return deployed.prepare(load_volume(np.broadcast_to(grey[None, ..., None], (depth, height, width, spec.channels))))


def _centre(volume: LoadedVolume, deployed: OnnxRuntimeSegmenter) -> LoadedVolume:
    """The middle part of the network's size, of a volume that is larger."""
    taken = deployed.spec.size or volume.size
    if deployed.spec.preprocessing.axes == "zyx":
        taken = taken[::-1]
    size = [min(own, wanted) for own, wanted in zip(volume.size, taken, strict=True)]
    origin = [(own - part) // 2 for own, part in zip(volume.size, size, strict=True)]
    return volume.cropped(origin, size)
