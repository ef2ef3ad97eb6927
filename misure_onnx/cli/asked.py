"""What is explained: the image, the part of it, and the target that were asked for."""

import argparse
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from misure_onnx.errors import ImageError, ParameterError
from misure_onnx.sizes import width_first

if TYPE_CHECKING:  # these import numpy and more
    import numpy as np
    import numpy.typing as npt

    from misure_onnx.segmenter import LoadedInput, Segmenter
    from misure_onnx.target import ResolvedTarget, Target


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """What to explain."""
    group = parser.add_argument_group("target (default: the largest predicted class that is not background)")
    group.add_argument("--class", dest="class_spec", metavar="ID|NAME", help="a class, by index or declared name")
    group.add_argument("--at", metavar="X,Y[,Z]", help="the one object under this pixel of the image")
    group.add_argument(
        "--against", metavar="ID|NAME", help="why this class and not that one? Only the two are compared"
    )
    group.add_argument(
        "--error",
        choices=("missed", "false"),
        help="where the prediction of --class differs from --truth: what is missed, or what is not there",
    )
    group.add_argument(
        "--border", type=int, metavar="PX", help="only pixels so near to the target's border: why does it end there?"
    )
    group.add_argument(
        "--crop", metavar="X,Y,Z", help="of a volume only the part, as large as the model takes, from here"
    )
    group.add_argument("--mask", metavar="FILE", help="only the part of the class inside this mask (white = inside)")
    group.add_argument("--every-object", action="store_true", help="every connected object, one explanation each")


def check_target_arguments(arguments: argparse.Namespace) -> None:
    """Refuses what does not go together.

    Raises:
        ParameterError: see there.
    """
    if sum([arguments.at is not None, arguments.mask is not None, arguments.every_object]) > 1:
        raise ParameterError("--at, --mask and --every-object exclude each other")
    narrowed = {"--border": arguments.border, "--against": arguments.against}
    if arguments.error is not None:
        narrowed |= {"--at": arguments.at, "--mask": arguments.mask, "--every-object": arguments.every_object or None}
        if arguments.class_spec is None or arguments.truth is None:
            raise ParameterError("--error needs the class (--class) and where it truly is (--truth FILE)")
    if arguments.error is not None or arguments.every_object:
        option = "--error" if arguments.error is not None else "--every-object"
        for name, value in narrowed.items():
            if value is not None:
                raise ParameterError(f"{name} does not go with {option}")


def requested_input(text: str) -> "LoadedInput":
    """The image, or the volume of one file or of several."""
    from misure_onnx.segmenter import load_input  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.volumes import is_volume  # noqa: PLC0415

    parts = text.split(",")
    return load_input(parts if len(parts) > 1 and is_volume(parts) else text)


def cropped(image: "LoadedInput", text: str, segmenter: "Segmenter") -> "LoadedInput":
    """The part of a volume that begins at X,Y,Z and is as large as the model takes."""
    from misure_onnx.network_input import size_in_network_axes  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.volumes import LoadedVolume  # noqa: PLC0415

    size = segmenter.spec.size
    if not isinstance(image, LoadedVolume):
        raise ParameterError("--crop is for volumes (NIfTI, DICOM series); crop an image before it is passed")
    if size is None:
        raise ParameterError("--crop needs a model that takes one size; declare 'size' in the preprocessing file")
    origin = _numbers(text, "--crop", "X,Y,Z", (3,))
    return image.cropped(origin, size_in_network_axes(size, segmenter.spec.preprocessing))


def requested_targets(
    arguments: argparse.Namespace, segmenter: "Segmenter", image: "LoadedInput"
) -> Sequence["Target | ResolvedTarget"]:
    """One target, or every object."""
    from misure_onnx.api import error_target, every_object  # noqa: PLC0415 - `--help` must start fast
    from misure_onnx.target import Target  # noqa: PLC0415

    if arguments.every_object:
        return every_object(segmenter, image, arguments.class_spec)
    if arguments.error is not None:
        return [error_target(segmenter, image, arguments.truth, arguments.class_spec, arguments.error)]
    target = Target(class_spec=arguments.class_spec, border=arguments.border, against=arguments.against)
    if arguments.at is not None:
        return [dataclasses.replace(target, point=_numbers(arguments.at, "--at", "X,Y or X,Y,Z", (2, 3)))]
    if arguments.mask is not None:
        return [dataclasses.replace(target, mask=_mask(arguments, segmenter, image) > 0)]
    return [target]


def _mask(arguments: argparse.Namespace, segmenter: "Segmenter", image: "LoadedInput") -> "npt.NDArray[np.number[Any]]":
    """The target mask's brightest channel."""
    import numpy as np  # noqa: PLC0415 - `--help` must start fast

    from misure_onnx.volumes import LoadedVolume  # noqa: PLC0415 - `--help` must start fast

    mask = requested_input(arguments.mask)
    if isinstance(mask, LoadedVolume) and arguments.crop is not None:
        mask = cropped(mask, arguments.crop, segmenter)
    if mask.size != image.size:
        own, wanted = width_first(mask.size), width_first(image.size)
        raise ImageError(f"the target mask is {own}, the image {wanted}: pass a mask of the image's size")
    values: npt.NDArray[np.number[Any]] = mask.voxels if isinstance(mask, LoadedVolume) else mask.pixels
    return np.asarray(values.max(axis=-1))


def _numbers(text: str, option: str, expected: str, lengths: tuple[int, ...]) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise ParameterError(
            f"{option} expects {expected} in pixels of the image, e.g. 120,80; got {text!r}"
        ) from error
    if len(numbers) not in lengths:
        raise ParameterError(f"{option} expects {expected} in pixels of the image, e.g. 120,80; got {text!r}")
    return numbers
