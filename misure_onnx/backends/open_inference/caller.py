"""One request: images in, scores out, and everything about the answer checked."""

import dataclasses

from misure_onnx.backends.open_inference.tensors import TensorSpec
from misure_onnx.backends.open_inference.wire import Answer, Wire
from misure_onnx.backends.resize import resize_scores
from misure_onnx.errors import ServerError
from misure_onnx.graph.input_signature import InputSignature
from misure_onnx.graph.output_signature import OutputSignature
from misure_onnx.types import Images, Scores

_DATATYPES = {"float32": "FP32", "float16": "FP16", "float64": "FP64", "uint8": "UINT8"}


@dataclasses.dataclass(frozen=True)
class Explained:
    """The output that is explained.

    Attributes:
        signature: name, layout, classes, meaning.
        rank: its number of axes.
        model_version: that gave the first answer; None: the server does not say.
    """

    signature: OutputSignature
    rank: int
    model_version: str | None


class Caller:
    """Asks the server about images.

    Args:
        wire: the protocol.
        taken: the input.
        explained: the output; None while it is not known yet.
    """

    def __init__(self, wire: Wire, taken: InputSignature, explained: Explained | None = None) -> None:
        self.wire, self.taken, self._explained = wire, taken, explained
        self._spec = TensorSpec(taken.name, _DATATYPES[taken.dtype.name], ())

    def explaining(self, explained: Explained) -> "Caller":
        """The same, knowing the output."""
        return Caller(self.wire, self.taken, explained)

    def answer(self, images: Images) -> Answer:
        """Every output, or the one that is explained, for images in one request."""
        tensor = self.taken.to_network(self.taken.filled(images))
        wanted = (self._explained.signature.name,) if self._explained else ()
        spec = dataclasses.replace(self._spec, shape=tensor.shape)
        return self.wire.infer(spec, tensor, wanted)

    def scores(self, images: Images) -> Scores:
        """(N, C, H, W) -> scores (N, L, H, W), in one request.

        Raises:
            Refusal: the server will not take so many, or these.
            ServerError: what came is no scores of these images, or another version of the model answered.
            ModelOutputError: labels beyond the classes.
        """
        if self._explained is None:
            raise ValueError("which output is explained is not known yet")
        found, (signature, size) = self.answer(images), (self._explained.signature, images.shape[2:])
        self._check_version(found.model_version)
        output = found.outputs.get(signature.name)
        if output is None:
            raise ServerError(
                f"the server left out output {signature.name!r}; it gave {', '.join(found.outputs) or 'none'}"
            )
        sent = self.taken.batch or len(images)
        if output.ndim != self._explained.rank or (output.ndim > len(size) and len(output) != sent):
            raise ServerError(
                f"output {signature.name!r} of {sent} images has shape {list(output.shape)}; expected "
                f"{self._explained.rank} axes, the first one of {sent}"
            )
        try:
            scores = signature.to_scores(output, size)
        except ValueError as error:
            raise ServerError(
                f"output {signature.name!r} has shape {list(output.shape)}: no {signature.layout}"
            ) from error
        if scores.shape[1] != signature.classes:
            raise ServerError(
                f"output {signature.name!r} has {scores.shape[1]} classes, at first it had {signature.classes}"
            )
        return resize_scores(scores[: len(images)], size, signature.head)

    def _check_version(self, version: str | None) -> None:
        first = self._explained.model_version if self._explained else None
        if version != first:
            raise ServerError(
                f"version {version} of the model answers, at first it was version {first}: the server changed it; "
                "start again, best with a version in the address (.../versions/N)"
            )
