"""What every backend does with a model that says little about itself: assume, probe, and check."""

import numpy as np
import onnx

from misure_onnx.errors import PreprocessingError
from misure_onnx.graph.input_signature import InputSignature, find_input
from misure_onnx.graph.output_signature import OutputSignature
from misure_onnx.network_input import network_input, prepared
from misure_onnx.preprocessing import PRESETS, Preprocessing
from misure_onnx.segmenter import LoadedInput, SegmenterSpec
from misure_onnx.types import Images, Size
from misure_onnx.volumes import LoadedVolume

PROBED_SIZES: dict[int, Size] = {2: (256, 256), 3: (64, 64, 64)}
"""Where the model takes any size."""
_FREE_SIZE_LIMIT, _FREE_SIZE_STEP = 1024, 32


def assumed_preprocessing(model: onnx.ModelProto, notes: list[str]) -> Preprocessing:
    """What most exports of each input type expect, said aloud."""
    found = find_input(model, PRESETS["raw"])
    if found.rank == 3:
        notes.append(
            "preprocessing was not declared: every channel's voxels were brought to [0, 1] (rescale: min_max); pass "
            "--preprocess FILE if the prediction looks wrong"
        )
        return Preprocessing(rescale="min_max")
    name = "raw" if found.dtype == np.uint8 else "imagenet" if found.channels == 3 else "unit"
    notes.append(
        f"preprocessing was not declared: {name!r} was assumed; pass --preprocess "
        f"({', '.join(PRESETS)}, or a YAML file) if the prediction looks wrong"
    )
    return PRESETS[name]


def head_notes(output: OutputSignature, candidates: list[str], declared: Preprocessing) -> list[str]:
    """A sentence where a head was chosen for the user."""
    if len(candidates) > 1 and not declared.head:
        others = ", ".join(name for name in candidates if name != output.name)
        return [f"the model has several heads: {output.name!r} is explained; declare 'head' for {others}"]
    return []


def check_range(taken: InputSignature, picture: Images) -> None:
    """Refuses a preprocessing whose values a uint8 input would cut off."""
    if taken.dtype == np.uint8 and not np.array_equal(picture, np.clip(np.rint(picture), 0, 255)):
        raise PreprocessingError(
            f"input {taken.name!r} takes whole numbers from 0 to 255 (uint8), the declared preprocessing gives "
            f"{picture.min():.3g} to {picture.max():.3g}: declare 'raw', or a scale, mean and std that keep the pixels"
        )


def _check_bytes(taken: InputSignature, picture: Images) -> None:
    """Refuses measurements that a uint8 input would cut off; photographs cannot leave its range."""
    if taken.dtype == np.uint8 and (picture.min() < 0 or picture.max() > 255):
        raise PreprocessingError(
            f"input {taken.name!r} takes numbers from 0 to 255 (uint8), the measurements give {picture.min():.6g} to "
            f"{picture.max():.6g}: declare a clip, scale and mean that bring them there"
        )


def probe_image(declared: Preprocessing, channels: int, size: Size) -> Images:
    """Noise as a picture would bring it: tells the output's shape and range."""
    rng = np.random.default_rng(0)
    if len(size) == 3:
        return np.asarray(rng.random((1, channels, *size)), np.float32)
    return network_input(rng.integers(0, 256, (*size, channels), np.uint8), declared, channels, size)


def picture_for(taken: InputSignature, spec: SegmenterSpec, image: LoadedInput) -> Images:
    """The network input (1, C, H, W) for a picture or volume; a free size follows the picture, in steps of 32.

    Raises:
        ImageError: it does not fit the network.
        PreprocessingError: the network takes bytes, and measurements were not brought to their range.
    """
    picture = prepared(image, spec.preprocessing, spec.channels, spec.size or _free_size(image.size))
    if isinstance(image, LoadedVolume) or image.measured:
        _check_bytes(taken, picture)
    return picture


def _free_size(size: Size) -> Size:
    if len(size) == 3:
        return size
    shrink = min(1.0, _FREE_SIZE_LIMIT / max(size))
    return tuple(max(_FREE_SIZE_STEP, round(s * shrink / _FREE_SIZE_STEP) * _FREE_SIZE_STEP) for s in size)
