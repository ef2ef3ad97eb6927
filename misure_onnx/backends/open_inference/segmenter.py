"""A model behind an inference server, as a segmenter."""

import weakref
from collections.abc import Callable, Iterable, Iterator
from threading import BoundedSemaphore

import numpy as np

from misure_onnx.backends.assumptions import picture_for
from misure_onnx.backends.open_inference.address import parse_address
from misure_onnx.backends.open_inference.connect import connect
from misure_onnx.backends.open_inference.discovery import Discovered, discover
from misure_onnx.backends.open_inference.meter import Meter
from misure_onnx.backends.open_inference.options import RemoteOptions
from misure_onnx.backends.open_inference.wire import Refusal
from misure_onnx.backends.workers import side_by_side
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.segmenter import Identity, Item, LoadedInput, Predict, Result, SegmenterSpec, Server, Traffic
from misure_onnx.types import Images, Scores


class OpenInferenceSegmenter:
    """A segmenter whose forwards are requests to a server; there is no gradient.

    Args:
        address: of the model; see `parse_address`.
        preprocessing: declared by the user, who is believed before the server; None: an assumption that stands in
            `identity.notes`.
        options: see there.

    Raises:
        InputError: the address, a header, a certificate file or the host cannot be used, or a package is missing.
        ServerError: the server does not answer, refuses, or does not keep to its protocol.
        UnsupportedModel: it is no segmentation model.
        PreprocessingError: the declaration contradicts what the server says.
    """

    def __init__(
        self, address: str, *, preprocessing: Preprocessing | None = None, options: RemoteOptions | None = None
    ) -> None:
        self.address, self._meter = parse_address(address), Meter()
        chosen = options or RemoteOptions()
        wire = connect(self.address, chosen, self._meter)
        weakref.finalize(self, wire.close)
        self.found: Discovered = discover(wire, preprocessing, chosen)
        taken, batches, signature = self.found.caller.taken, self.found.batches, self.found.explained.signature
        self.spec = SegmenterSpec(
            channels=taken.channels,
            classes=signature.classes,
            head=signature.head,
            size=taken.size,
            class_names=self.found.declared.class_names,
            preprocessing=self.found.declared,
            batch_size=batches.images,
            workers=batches.concurrency,
            rank=taken.rank,
        )
        self._room = BoundedSemaphore(batches.concurrency)
        about = self.found.description
        server = Server(
            address=str(self.address),
            protocol=wire.name,
            software=about.server,
            software_version=about.server_version,
            model=self.address.model or None,
            model_version=self.found.explained.model_version or self.address.version,
        )
        self.identity = Identity(None, None, (), (), self.found.notes, server)

    @property
    def traffic(self) -> Traffic:
        """What was exchanged with the server up to now."""
        return self._meter.traffic

    def prepare(self, image: LoadedInput) -> Images:
        """The network input (1, C, H, W) for a picture; a free size follows the picture, in steps of 32.

        Raises:
            ImageError: it does not fit the network.
            PreprocessingError: the network takes bytes, and measurements were not brought to their range.
        """
        return picture_for(self.found.caller.taken, self.spec, image)

    def predict(self, images: Images) -> Scores:
        """(N, C, H, W) float32 -> scores (N, L, H, W) float32, for any N: as many requests as that takes.

        Raises:
            ServerError: the server failed.
        """
        step = self.found.batches.at_once(images.shape[2:])
        parts = [images[start : start + step] for start in range(0, len(images), step)]
        if len(parts) == 1:
            return self._asked(images)
        return np.concatenate(list(side_by_side(self._asked, parts, min(self.spec.workers, len(parts)), None)))

    def concurrently(
        self,
        work: Callable[[Predict, Item], Result],
        items: Iterable[Item],
        until: Callable[[Result], bool] | None = None,
    ) -> Iterator[Result]:
        """`work(predict, item)` of every item, `spec.workers` at the same time; see `ConcurrentSegmenter`.

        Raises:
            ServerError: the server failed.
        """
        return side_by_side(lambda item: work(self.predict, item), items, self.spec.workers, until)

    def _asked(self, images: Images) -> Scores:
        """One request; larger images than those that were tried may have to be asked about in halves."""
        try:
            with self._room:
                return self.found.caller.scores(images)
        except Refusal:
            if len(images) == 1:
                raise
        half = len(images) // 2
        return np.concatenate([self._asked(images[:half]), self._asked(images[half:])])
