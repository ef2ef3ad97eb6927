"""What is found out about a model before it is explained.

A server says little and need not be right, so it is asked: a picture, twice (does it repeat itself?), then several at
once (does it take them, and keep them apart?). What a file's graph says for sure is told from the answers here.
"""

import math
from dataclasses import dataclass

import numpy as np

from misure_onnx.backends.assumptions import PROBED_SIZES, assumed_preprocessing, check_range, head_notes, probe_image
from misure_onnx.backends.open_inference.batches import Batches, find_batches
from misure_onnx.backends.open_inference.caller import Caller, Explained
from misure_onnx.backends.open_inference.options import RemoteOptions
from misure_onnx.backends.open_inference.rest import RestWire
from misure_onnx.backends.open_inference.signature import described_inputs, model_of
from misure_onnx.backends.open_inference.wire import Answer, BrokenOff, Description, Refusal, Wire
from misure_onnx.errors import ServerError
from misure_onnx.graph.input_signature import find_input
from misure_onnx.graph.output_signature import candidate_heads, find_output
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.types import AnyArray, Images

_MOST_VALUES = 2**28
_SPELT_OUT = (
    "the server takes no binary tensors: they are sent as JSON, which is about ten times slower; if it also listens by "
    "gRPC, take that address (grpc://HOST:PORT/NAME)"
)


@dataclass(frozen=True)
class Discovered:
    """The model as it will be asked.

    Attributes:
        caller: asks it.
        description: what the server says.
        declared: preprocessing, the user's or assumed.
        explained: the output.
        outputs: name, type and shape of every output, in words.
        batches: how many images a request.
        notes: what was assumed or chosen, a sentence each.
    """

    caller: Caller
    description: Description
    declared: Preprocessing
    explained: Explained
    outputs: tuple[str, ...]
    batches: Batches
    notes: tuple[str, ...]


def discover(wire: Wire, preprocessing: Preprocessing | None, options: RemoteOptions) -> Discovered:
    """Asks the server; raises as `OpenInferenceSegmenter`."""
    description, notes = wire.describe(), list[str]()
    model = model_of(described_inputs(description, preprocessing, options))
    declared = preprocessing or assumed_preprocessing(model, notes)
    taken = find_input(model, declared)
    size = taken.size or PROBED_SIZES[taken.rank]
    _check_extent("images", (taken.batch or 1, taken.channels, *size))
    picture = probe_image(declared, taken.channels, size)
    check_range(taken, picture)
    asking = Caller(wire, taken)
    first, chosen = _first_answer(asking, picture, options)
    notes += chosen
    n = taken.batch or 1
    signature = find_output(model, first.outputs, (n, *size), declared)
    notes += head_notes(signature, list(candidate_heads(first.outputs, (n, *size))), declared)
    if declared.output is None:
        notes.append(
            f"the output's kind, {signature.head.kind}, was told from its values: declare 'output' if it is wrong"
        )
    _check_extent("scores", (n, signature.classes, *size))
    output = first.outputs[signature.name]
    explained = Explained(signature, output.ndim, first.model_version)
    caller = asking.explaining(explained)
    notes += _repeated(caller.answer(picture).outputs.get(signature.name), output)
    batches = find_batches(caller, description, options, picture, output)
    outputs = tuple(f"{name} {array.dtype}{list(array.shape)}" for name, array in first.outputs.items())
    return Discovered(caller, description, declared, explained, outputs, batches, tuple(notes))


def _check_extent(what: str, shape: tuple[int, ...]) -> None:
    """Refuses what would fill the memory because a server says so."""
    if math.prod(shape) > _MOST_VALUES:
        raise ServerError(
            f"by what the server says, {what} have the shape {list(shape)}; at most {_MOST_VALUES:,} values are taken: "
            "declare the input (--server-input), or 'class_names' of a label map"
        )


def _first_answer(asking: Caller, picture: Images, options: RemoteOptions) -> tuple[Answer, list[str]]:
    """Of a server that does not announce binary tensors it is tried whether it takes them."""
    wire = asking.wire
    try:
        return asking.answer(picture), []
    except (Refusal, BrokenOff) as refusal:
        if not isinstance(wire, RestWire) or options.protocol != "auto" or wire.announces_binary:
            raise _with_advice(refusal, options) from refusal
        wire.encoding = (
            "json"  # MLServer answers 422 to bytes that are text by chance, and ends the connection otherwise
        )
        try:
            answer = asking.answer(picture)
        except Refusal as second:
            raise _with_advice(second, options) from second
        return answer, [_SPELT_OUT]


def _with_advice(refusal: ServerError, options: RemoteOptions) -> ServerError:
    if options.input is not None:
        return ServerError(f"{refusal}; the input was declared as {options.input}")
    return ServerError(
        f"{refusal}; if the server describes its input wrongly, declare it: --server-input NAME:DATATYPE:SHAPE"
    )


def _repeated(second: AnyArray | None, first: AnyArray) -> list[str]:
    """A sentence where the same question has two answers."""
    if second is None or second.shape != first.shape or np.array_equal(second, first):
        return []  # what is left out or has another shape is refused when scores are read
    difference = float(np.abs(second.astype(np.float64) - first.astype(np.float64)).max())
    return [f"the server answers the same picture differently (by up to {difference:.3g}): results need not repeat"]
