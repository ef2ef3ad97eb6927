"""Smaller files of the same network, and what they keep of its answers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from exporters.inputs import random_inputs
from exporters.metadata import write_metadata
from exporters.parity import Agreement
from exporters.quantised import quantise
from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.errors import InputError, ModelError
from misure_onnx.overlap import hard_dice
from misure_onnx.scores import Head
from misure_onnx.types import BoolArray, Images, Scores

_TREES = "ai.onnx.ml"


def write_float16(path: Path, out: Path, calibration: Sequence[Images]) -> None:
    """Weights and arithmetic in float16; input and scores stay float32."""
    from onnxruntime.transformers.float16 import convert_float_to_float16  # noqa: PLC0415 - slow, and rarely asked for
    from onnxruntime.transformers.onnx_model import OnnxModel  # noqa: PLC0415

    del calibration
    converted = OnnxModel(convert_float_to_float16(onnx.load(path), keep_io_types=True))
    _drop_repeated(converted.model.graph)
    converted.topological_sort()  # the converter puts its casts at the end
    onnx.save(converted.model, out)


def _drop_repeated(graph: onnx.GraphProto) -> None:
    """The converter casts a tensor once for every reader, always under the same name."""
    made: set[str] = set()
    for node in list(graph.node):
        if made.issuperset(node.output):
            graph.node.remove(node)
        made.update(node.output)


def write_int8(path: Path, out: Path, calibration: Sequence[Images]) -> None:
    """QuantizeLinear/DequantizeLinear pairs, with ranges from the images, and from their mirror images."""
    both = chain.from_iterable((images, images[..., ::-1]) for images in calibration)
    quantise(path, out, [np.ascontiguousarray(image) for images in both for image in images])


VARIANTS: dict[str, Callable[[Path, Path, Sequence[Images]], None]] = {"float16": write_float16, "int8": write_int8}
"""name -> writes a file from another one and images in that file's own layout."""


def write_variant(name: str, path: Path, out: Path, real: Mapping[str, Images]) -> dict[str, Any]:
    """Writes a variant with its metadata.

    Args:
        name: a key of `VARIANTS`.
        path: the float32 file, with its metadata.
        out: of the variant.
        real: network inputs (1, C, *size) by name; int8 takes its ranges from them.

    Returns:
        A JSON-ready record of what the variant keeps: see `kept`.

    Raises:
        InputError: the file has no arithmetic that could be made smaller.
    """
    if any(entry.domain == _TREES for entry in onnx.load(path, load_external_data=False).opset_import):
        raise InputError(f"{name} is for networks: trees and other classical models have no such form")
    original = OnnxRuntimeSegmenter(path, provider="cpu")
    VARIANTS[name](path, out, [original.input.to_network(images) for images in real.values()])
    write_metadata(out, original.spec.preprocessing)
    try:
        variant = OnnxRuntimeSegmenter(out, provider="cpu")
    except ModelError as error:
        raise InputError(
            f"ONNX Runtime's own tool made an {name} file that it cannot run: {error}; leave this variant out, or try "
            "the other --exporter"
        ) from error
    inputs = [random_inputs(original), *real.values()]
    answers = [(variant.predict(images), original.predict(images)) for images in inputs]
    return {"bytes": out.stat().st_size, "random": kept(answers[:1], original.spec.head),
            "real": kept(answers[1:], original.spec.head)}  # fmt: skip


def kept(answers: Sequence[tuple[Scores, Scores]], head: Head) -> dict[str, float]:
    """What of a prediction is left.

    Args:
        answers: scores (N, L, H, W) of the variant and of the original, for the same images.
        head: what the scores mean.

    Returns:
        `dice`: mean Dice of the classes that the original predicts; `smallest_dice`: of the worst of them; both 1
        where it predicts none. `same_class`, `largest_deviation`: see `Agreement`.
    """
    dice = [
        float(hard_dice(np.concatenate([m.ravel() for m in ours]), np.concatenate([m.ravel() for m in theirs])))
        for ours, theirs in _memberships(answers, head)
        if any(m.any() for m in theirs)
    ]
    found = {"dice": float(np.mean(dice)), "smallest_dice": min(dice)} if dice else {"dice": 1.0, "smallest_dice": 1.0}
    return found | asdict(Agreement.of(answers, head))


def _memberships(
    answers: Sequence[tuple[Scores, Scores]], head: Head
) -> Iterator[tuple[list[BoolArray], list[BoolArray]]]:
    """Of every class: where the variant and where the original predicts it, an array an answer."""
    for index in range(answers[0][0].shape[1]):
        found = [head.membership(ours, index) for ours, _ in answers]
        yield found, [head.membership(theirs, index) for _, theirs in answers]
