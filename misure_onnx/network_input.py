"""From a picture or a volume to the network's input, as a `Preprocessing` declares it."""

from typing import Any

import numpy as np
import numpy.typing as npt

from misure_onnx.errors import ImageError, PreprocessingError
from misure_onnx.images import LoadedImage
from misure_onnx.intensities import Intensities, intensities
from misure_onnx.preprocessing import PRESETS, Color, Preprocessing, Rescale
from misure_onnx.sizes import by
from misure_onnx.types import AnyArray, FloatArray, Images, Picture, Size
from misure_onnx.volumes import LoadedVolume

_FOR_BRIGHTNESS = ("imagenet", "unit", "minus1_1", "caffe")
"""Presets that expect values from 0 to 255."""


def prepared(image: LoadedImage | LoadedVolume, declared: Preprocessing, channels: int, size: Size) -> Images:
    """The network input (1, channels, *size) for a picture, resized, or a volume, which has that size already.

    Raises:
        ImageError: it does not fit the network.
        PreprocessingError: the declaration contradicts the channels.
    """
    if isinstance(image, LoadedVolume) != (len(size) == 3):
        volumes = "volumes (NIfTI, or the folder of a DICOM series)"
        given, taken = ("a volume", "images") if isinstance(image, LoadedVolume) else ("an image", volumes)
        raise ImageError(f"the model takes {taken}, {given} was given")
    if isinstance(image, LoadedVolume):
        return network_volume(image, declared, channels, size)
    if image.measured:
        _refuse_brightness(image.pixels, declared)
    without_alpha = image.alpha and image.pixels.shape[2] > channels
    return network_input(image.pixels[..., :-1] if without_alpha else image.pixels, declared, channels, size)


def _refuse_brightness(pixels: Picture, declared: Preprocessing) -> None:
    """Measurements have no white; a preset for photographs would send them anywhere."""
    preset = next((name for name in _FOR_BRIGHTNESS if PRESETS[name] == declared), None)
    if preset:
        raise PreprocessingError(
            f"the image holds measurements from {pixels.min():.6g} to {pixels.max():.6g}, the preprocessing {preset!r} "
            "is for pixels from 0 to 255: declare in a file how the model takes them: scale, mean, std in their unit, "
            "'clip: [low, high]', or 'rescale: min_max' (or z_score); 'raw' leaves them as they are"
        )


def network_volume(volume: LoadedVolume, declared: Preprocessing, channels: int, size: Size) -> Images:
    """Normalises a volume: (D, H, W, C) -> (1, channels, depth, height, width), the network's axes.

    Raises:
        ImageError: another number of channels or voxels than the network takes. Resizing would change what a voxel
            is in millimetres, so it is left to the user.
    """
    given = volume.voxels.shape[3]
    if given != channels:
        raise ImageError(
            f"the model takes {channels} channels, the volume has {given}: pass one file a channel, or a file with "
            f"{channels} channels along its last axis"
        )
    values = np.stack([in_network_axes(channel, declared) for channel in np.moveaxis(volume.voxels, 3, 0)])
    if values.shape[1:] != size:
        raise ImageError(
            f"the model takes {by(size)} voxels, the volume has {by(values.shape[1:])} "
            "(in the model's axes): choose a part (--crop), or slide the model over it (--window)"
        )
    shift, width = np.transpose([_rescaling(declared.rescale, channel) for channel in volume.intensities])
    as_channel = (channels, 1, 1, 1)
    mean, std = (_per_channel(getattr(declared, name), channels, name) for name in ("mean", "std"))
    rescaled = (_clipped(values, declared) - shift.reshape(as_channel)) / width.reshape(as_channel)
    normalised = (rescaled * declared.scale - mean.reshape(-1, 1, 1, 1)) / std.reshape(-1, 1, 1, 1)
    return np.ascontiguousarray(normalised[None], np.float32)


def in_network_axes(array: npt.NDArray[Any], declared: Preprocessing) -> npt.NDArray[Any]:
    """An array with the axes of a volume's file, in the order in which the network takes them; and the way back."""
    return array.T if declared.axes == "zyx" and array.ndim == 3 else array


def size_in_network_axes(size: Size, declared: Preprocessing) -> Size:
    """The same of a size, and the way back."""
    return size[::-1] if declared.axes == "zyx" and len(size) == 3 else size


def _clipped(values: AnyArray, declared: Preprocessing) -> AnyArray:
    return values if declared.clip is None else np.clip(values, *declared.clip)


def _rescaling(how: Rescale | None, channel: Intensities) -> tuple[float, float]:
    """What is subtracted, and what the rest is divided by."""
    if how == "min_max":
        return channel.low, (channel.high - channel.low) or 1.0
    if how == "z_score":
        return channel.mean, channel.std or 1.0
    if how == "z_score_foreground":
        return channel.foreground_mean, channel.foreground_std or 1.0
    return 0.0, 1.0


def network_input(pixels: Picture, declared: Preprocessing, channels: int, size: Size) -> Images:
    """Resizes and normalises one picture: (H, W, C) uint8, uint16 or float32 -> (1, channels, height, width).

    Raises:
        ImageError: the picture's channels do not fit the network's.
        PreprocessingError: color contradicts the number of channels, or mean or std has neither one value nor one a
            channel.
    """
    import cv2  # noqa: PLC0415 - the command line must start fast

    interpolation = {
        "linear": cv2.INTER_LINEAR,
        "area": cv2.INTER_AREA,
        "cubic": cv2.INTER_CUBIC,
        "nearest": cv2.INTER_NEAREST,
    }[declared.interpolation]
    values = _ordered(pixels, declared.color, channels).astype(np.float32)
    if pixels.dtype == np.uint16:
        values /= 257
    values = _clipped(values, declared)
    if declared.rescale:
        shift, width = np.transpose([_rescaling(declared.rescale, intensities(c)) for c in np.moveaxis(values, 2, 0)])
        values = ((values - shift) / width).astype(np.float32)
    if values.shape[:2] != size:
        bands = [cv2.resize(band, size[::-1], interpolation=interpolation) for band in np.moveaxis(values, 2, 0)]
        values = np.stack(bands, axis=2)  # one by one: OpenCV takes at most four at once
    mean, std = (_per_channel(getattr(declared, name), channels, name) for name in ("mean", "std"))
    normalised = (values * np.float32(declared.scale) - mean) / std
    return np.ascontiguousarray(normalised.transpose(2, 0, 1)[None], np.float32)


def _ordered(pixels: Picture, color: Color | None, channels: int) -> Picture:
    """The picture's channels in the order and number that the network expects."""
    import cv2  # noqa: PLC0415 - the command line must start fast

    given = pixels.shape[2]
    if color is not None and (color == "GRAY") != (channels == 1):
        raise PreprocessingError(f"preprocessing: color {color} was declared, the model takes {channels} channels")
    if channels == 1 and given == 3:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))[..., None]
    if channels == 3 and given == 1:
        return np.repeat(pixels, 3, axis=2)
    if given != channels:
        raise ImageError(f"the model takes {channels} channels, the image has {given}: pass an image with {channels}")
    return pixels[..., ::-1] if color == "BGR" and channels == 3 else pixels


def _per_channel(values: tuple[float, ...], channels: int, name: str) -> FloatArray:
    if len(values) not in (1, channels):
        raise PreprocessingError(
            f"preprocessing: {name} has {len(values)} values, the model takes {channels} channels: give 1 or {channels}"
        )
    return np.asarray(values, np.float32)
