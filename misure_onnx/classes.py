"""The classes of a model: by index or name, predicted or not."""

import difflib
import re

from misure_onnx.errors import TargetError
from misure_onnx.segmenter import SegmenterSpec
from misure_onnx.types import Region, Scores

_INDEX = re.compile(r"-?[0-9]+")


def class_index(spec: SegmenterSpec, class_spec: int | str) -> int:
    """The index of a class given by index or name; a name that is declared goes before all else.

    The case of names does not matter, unless two differ by nothing else.

    Raises:
        TargetError: out of range, or an unknown name; the nearest names are offered.
    """
    if spec.class_names and class_spec in spec.class_names:
        return spec.class_names.index(str(class_spec))
    if isinstance(class_spec, str) and _INDEX.fullmatch(class_spec):
        class_spec = int(class_spec)
    if not isinstance(class_spec, str):
        if not 0 <= class_spec < spec.classes:
            raise TargetError(f"class {class_spec} is out of range; the model has classes 0 to {spec.classes - 1}")
        return int(class_spec)
    if spec.class_names is None:
        raise TargetError(
            f"class {class_spec!r} was asked for by name, but no class names are declared: give an index "
            f"(0 to {spec.classes - 1}), or 'class_names' in the preprocessing file"
        )
    by_name = {name.lower(): index for index, name in reversed(list(enumerate(spec.class_names)))}
    if class_spec.lower() in by_name:
        return by_name[class_spec.lower()]
    near = difflib.get_close_matches(class_spec.lower(), by_name, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else f"the classes are {', '.join(spec.class_names)}"
    raise TargetError(f"class {class_spec!r} is unknown: {hint}")


def predicted_region(spec: SegmenterSpec, scores: Scores, index: int) -> Region:
    """(H, W) pixels predicted as a class.

    Raises:
        TargetError: there are none; the message lists the classes that are present.
    """
    region: Region = spec.head.membership(scores, index)[0]
    if not region.any():
        raise TargetError(
            f"{spec.class_label(index)} is not predicted in this image; predicted are: {present_classes(spec, scores)}"
        )
    return region


def present_classes(spec: SegmenterSpec, scores: Scores) -> str:
    """Names and pixel counts, most pixels first: person (12,345 pixels), dog (678 pixels)."""
    counts = {index: int(spec.head.membership(scores, index).sum()) for index in range(spec.classes)}
    shown = sorted(((count, index) for index, count in counts.items() if count), key=lambda item: (-item[0], item[1]))
    return ", ".join(f"{spec.class_label(i)} ({count:,} pixels)" for count, i in shown) or "nothing"


def assumed_background(spec: SegmenterSpec) -> int | None:
    """The declared background; class 0 of several exclusive classes where no names are declared."""
    if spec.class_names is None and spec.head.exclusive and spec.classes > 1:
        return 0
    return spec.background
