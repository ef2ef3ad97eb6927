"""How many images a request may hold, and how many requests run at the same time."""

import math
from dataclasses import dataclass

import numpy as np

from misure_onnx.backends.open_inference.caller import Caller
from misure_onnx.backends.open_inference.options import RemoteOptions
from misure_onnx.backends.open_inference.wire import Description, Refusal
from misure_onnx.types import AnyArray, Images, Size

_MOST = 8
"""More images a request bring little speed, and a method that may stop early pays for them."""
_SEVERAL, _SINGLE = 2, 4
"""Requests at the same time, of several images and of one each."""
_REQUEST_BYTES = {"gRPC": 4_000_000}
"""gRPC's own limit, which servers keep unless they are told otherwise, less the rest of the message."""
_OTHER_REQUEST_BYTES = 32_000_000
_JSON_BYTES = 20
"""Of a float32 with all its digits, and a comma."""


@dataclass(frozen=True)
class Batches:
    """What was found.

    Attributes:
        images: most images a request, of the size that was tried.
        concurrency: most requests at the same time.
        reason: what set the number of images.
        pixels: most pixels a request, whatever the size of its images; None: a model of a fixed batch.
    """

    images: int
    concurrency: int
    reason: str
    pixels: int | None = None

    def at_once(self, size: Size) -> int:
        """How many images of a size go into a request."""
        return self.images if self.pixels is None else max(1, min(self.images, self.pixels // math.prod(size)))


def find_batches(
    caller: Caller, description: Description, options: RemoteOptions, picture: Images, output: AnyArray
) -> Batches:
    """By what is known of the model, and by trying: half as many while the server refuses or mixes them up.

    Args:
        caller: knows which output is explained.
        description: of the server.
        options: of the user.
        picture: (1, C, H, W) that the model was asked about.
        output: its answer.

    Raises:
        ServerError: it does not answer.
    """
    fixed = caller.taken.batch
    if fixed is not None:
        return _chosen(fixed, options, f"the model is fixed to {fixed}")
    pixels = _pixels(caller, options, picture, output)
    most, reason = _bound(description, picture, pixels)
    tried = _tried(caller, picture, most)
    if tried != most:
        reason = f"{most} were refused or mixed up"
    return _chosen(tried, options, reason, pixels)


def _chosen(images: int, options: RemoteOptions, reason: str, pixels: int | None = None) -> Batches:
    return Batches(images, options.concurrency or (_SINGLE if images == 1 else _SEVERAL), reason, pixels)


def _pixels(caller: Caller, options: RemoteOptions, picture: Images, output: AnyArray) -> int:
    """As many as the bytes of a request, or of its answer, allow."""
    name = caller.wire.name
    most_bytes = options.request_bytes or _REQUEST_BYTES.get(name, _OTHER_REQUEST_BYTES)
    taken, text = caller.taken.to_network(picture), name in ("REST JSON", "MLflow")
    largest = max(array.size * _JSON_BYTES if text else array.nbytes for array in (taken, output))
    return most_bytes * math.prod(picture.shape[2:]) // largest


def _bound(description: Description, picture: Images, pixels: int) -> tuple[int, str]:
    by_bytes = max(1, pixels // math.prod(picture.shape[2:]))
    bounds = [(_MOST, "more bring little"), (by_bytes, "a request may have no more bytes (--request-bytes)")]
    if description.max_batch:
        bounds.append((description.max_batch, f"the server's configuration allows {description.max_batch}"))
    return min(bounds)


def _tried(caller: Caller, picture: Images, most: int) -> int:
    """The most images, halved from `most`, that the server answers as it answers them alone."""
    if most == 1:
        return 1
    other = np.ascontiguousarray(picture[..., ::-1] * np.float32(0.5))  # with another mean and deviation, too
    alone = np.concatenate([caller.scores(picture), caller.scores(other)])
    scale = float(np.abs(alone).max()) or 1.0
    while most > 1:
        batch = np.concatenate([picture, other, *[picture] * (most - 2)])
        try:
            together = caller.scores(batch)
        except Refusal:
            most //= 2
            continue
        if float(np.abs(together[:2] - alone).max()) <= 1e-3 * scale:
            return most
        return 1
    return 1
