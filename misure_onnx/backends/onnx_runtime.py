"""An ONNX file run by ONNX Runtime."""

import dataclasses
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from misure_onnx.backends.assumptions import (
    PROBED_SIZES,
    assumed_preprocessing,
    check_range,
    head_notes,
    picture_for,
    probe_image,
)
from misure_onnx.backends.fused_scoring import FusedScorer
from misure_onnx.backends.providers import TF32, check_loaded, requested_providers
from misure_onnx.backends.resize import resize_scores
from misure_onnx.backends.session import Runtime, Session, create_session, first_line, run_of
from misure_onnx.backends.workers import most_workers, side_by_side
from misure_onnx.errors import ModelError
from misure_onnx.execution_providers import CPU, in_session, on_cuda
from misure_onnx.file_hash import sha256_of
from misure_onnx.graph.derived import Derived
from misure_onnx.graph.graph_backed import Run
from misure_onnx.graph.input_signature import InputSignature, find_input
from misure_onnx.graph.load import load_structure, load_with_weights, opset_version
from misure_onnx.graph.output_signature import OutputSignature, candidate_heads, find_output
from misure_onnx.graph.permuted_weights import permute_weights
from misure_onnx.preprocessing import METADATA_KEY, Preprocessing, from_metadata
from misure_onnx.segmenter import Identity, Item, LoadedInput, Predict, Result, Segmenter, SegmenterSpec
from misure_onnx.target import ResolvedTarget
from misure_onnx.types import Images, Scores, Size

_CUDA_BATCH = 8


class OnnxRuntimeSegmenter:
    """A segmenter whose forwards run in ONNX Runtime.

    Args:
        path: the ONNX file.
        preprocessing: declared by the user; None: the file's own metadata, else an assumption that
            stands in `identity.notes`.
        provider: `auto`, a short name (`cpu`, `cuda`), `cuda-tf32` or ONNX Runtime's own string.

    Raises:
        ModelError, UnsupportedModel: the file cannot be run, or is no segmentation model.
        PreprocessingError: the declaration contradicts the graph.
        ProviderError: a provider asked for by name did not load.
    """

    def __init__(self, path: str | Path, *, preprocessing: Preprocessing | None = None, provider: str = "auto") -> None:
        self.path, self._provider, self.derived = Path(path), provider, Derived()
        model = load_structure(self.path)
        notes: list[str] = []
        declared = preprocessing or _own_preprocessing(model) or assumed_preprocessing(model, notes)
        self.input: InputSignature = find_input(model, declared)
        runtime = self._start(provider)
        self._session, notes = runtime.session, [*notes, *runtime.notes]
        size = self.input.size or PROBED_SIZES[self.input.rank]
        picture = probe_image(declared, self.input.channels, size)
        check_range(self.input, picture)
        probe, n = self._run(self.input.filled(picture), self._session), self.input.batch or 1
        self.output: OutputSignature = find_output(model, probe, (n, *size), declared)
        notes += head_notes(self.output, list(candidate_heads(probe, (n, *size))), declared)
        self.spec = SegmenterSpec(
            channels=self.input.channels,
            classes=self.output.classes,
            head=self.output.head,
            size=self.input.size,
            class_names=declared.class_names,
            preprocessing=declared,
            batch_size=self.input.batch or runtime.batch_size,
            workers=runtime.workers,
            rank=self.input.rank,
        )
        self.identity = Identity(
            sha256_of(self.path), opset_version(model), runtime.requested, runtime.used, tuple(notes)
        )
        self._batch_verified: bool | None = None
        self._shared: Session | None = None

    def _start(self, provider: str) -> Runtime:
        """Where the forwards run."""
        requested = requested_providers(provider)
        session = create_session(self.path, provider, requested)
        used = in_session(session.get_providers(), requested)
        check_loaded(provider, requested, used)
        missing = f"{requested[0]} did not load, the model runs on {', '.join(used)}: `misure doctor` says why"
        notes = () if requested[0] in used else (missing,)
        workers, batch_size = most_workers() if used == (CPU,) else 1, _CUDA_BATCH if on_cuda(used) else 1
        return Runtime(session, requested, used, notes, workers, batch_size)

    def _start_shared(self) -> Session:
        """A session for `spec.workers` calls at the same time, each with its share of the processors."""
        session: Session = create_session(self.path, "cpu", (CPU,), workers=self.spec.workers)
        return session

    def full_precision(self) -> Segmenter | None:
        """The same model in float32, to compare with; None where it already is. See `ReducedPrecision`."""
        return None if self._provider.lower() != TF32 else self._exact

    @cached_property
    def _exact(self) -> "OnnxRuntimeSegmenter":
        return OnnxRuntimeSegmenter(self.path, preprocessing=self.spec.preprocessing, provider="cuda")

    def prepare(self, image: LoadedInput) -> Images:
        """The network input (1, C, H, W) for a picture; a free size follows the picture, in steps of 32.

        Raises:
            ImageError: it does not fit the network.
            PreprocessingError: the network takes bytes, and measurements were not brought to their range.
        """
        return picture_for(self.input, self.spec, image)

    def predict(self, images: Images) -> Scores:
        """(N, C, H, W) float32 -> scores (N, L, H, W) float32, for any N, whatever batch the graph is fixed to.

        Raises:
            ModelError: ONNX Runtime failed.
        """
        return self._predict(images, self._session)

    def concurrently(
        self,
        work: Callable[[Predict, Item], Result],
        items: Iterable[Item],
        until: Callable[[Result], bool] | None = None,
    ) -> Iterator[Result]:
        """`work(predict, item)` of every item, `spec.workers` at the same time; see `ConcurrentSegmenter`.

        Several forwards side by side, each with its share of the processors, end sooner than as many after each
        other that use all of them. They need a session of their own, made when it is first asked for.

        Raises:
            ModelError: ONNX Runtime failed.
        """
        if self._shared is None:
            self._shared = self._start_shared()
        session = self._shared
        return side_by_side(
            lambda item: work(lambda images: self._predict(images, session), item), items, self.spec.workers, until
        )

    def fused_scorer(self, image: Images, target: ResolvedTarget) -> FusedScorer:
        """Dice of a target through masks, counted inside the graph.

        Raises:
            UnsupportedModel: the graph cannot be extended faithfully.
        """
        return FusedScorer(self, image, target)

    def run_edited(self, model: onnx.ModelProto) -> Run:
        """An edited copy of the file on the same providers; see `GraphBacked`.

        Raises:
            ModelError: ONNX Runtime cannot load it, or, when called, cannot run it.
        """
        return run_of(create_session(model, "edited", self.identity.providers_used), self.path.name)

    @contextmanager
    def randomised(self, share: float, seed: int) -> Iterator["OnnxRuntimeSegmenter"]:
        """The same model with the weights of its last layers permuted; see `Randomisable`.

        It is a file as long as the context lasts, so that every gradient route serves it. What was found about the
        original's input and output is declared, so that random scores are not read as something else.

        Raises:
            UnsupportedModel: no layer has weights.
        """
        model = permute_weights(load_with_weights(self.path), self.output.name, share, np.random.default_rng(seed))
        declared = dataclasses.replace(
            self.spec.preprocessing,
            output=self.output.head.kind,
            output_layout=self.output.layout,
            head=self.output.name,
            class_names=self.spec.class_names or tuple(f"class {index}" for index in range(self.spec.classes)),
        )
        with tempfile.TemporaryDirectory(prefix="misure-") as folder:
            path = Path(folder, self.path.name)
            onnx.save(model, path)
            yield type(self)(path, preprocessing=declared, provider=self._provider)

    def output_size(self, image: Images) -> Size:
        """(height, width) of the graph's own output for an image (1, C, H, W)."""
        output = self._run(self.input.filled(image), self._session, only=self.output.name)[self.output.name]
        return self.output.size_of(output.shape, image.shape[2:])

    def _predict(self, images: Images, session: Session) -> Scores:
        step = (self.input.batch or len(images)) if self.takes_batches(images) else 1
        parts = [self._scores(images[start : start + step], session) for start in range(0, len(images), step)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _scores(self, images: Images, session: Session) -> Scores:
        """Scores of images in one call."""
        output = self._run(self.input.filled(images), session, only=self.output.name)[self.output.name]
        size = images.shape[2:]
        scores = self.output.to_scores(output, size)[: len(images)]
        return resize_scores(scores, size, self.output.head)

    def _run(self, images: Images, session: Session, only: str | None = None) -> dict[str, npt.NDArray[Any]]:
        names = [only] if only else [output.name for output in session.get_outputs()]
        try:
            values = session.run(names, {self.input.name: self.input.to_network(images)})
        except Exception as error:
            raise ModelError(f"ONNX Runtime could not run {self.path.name}: {first_line(error)}") from error
        return {name: value for name, value in zip(names, values, strict=True) if isinstance(value, np.ndarray)}

    def takes_batches(self, images: Images) -> bool:
        """Whether images of a batch are kept apart: some exports mix them without an error.

        Looked at once, with the first image beside noise: methods ask about many copies of one image.
        """
        if len(images) == 1 or self.input.batch == 1:
            return True
        if self._batch_verified is None:
            size = images.shape[2:]
            pair = np.concatenate([images[:1], probe_image(self.spec.preprocessing, self.spec.channels, size)])
            try:
                together = self._scores(pair, self._session)
            except ModelError:
                self._batch_verified = False
            else:
                alone = np.concatenate([self._scores(part, self._session) for part in (pair[:1], pair[1:])])
                scale = float(np.abs(alone).max()) or 1.0
                same = together.shape == alone.shape and float(np.abs(together - alone).max()) <= 1e-3 * scale
                self._batch_verified = same
        return self._batch_verified


def _own_preprocessing(model: onnx.ModelProto) -> Preprocessing | None:
    text = next((entry.value for entry in model.metadata_props if entry.key == METADATA_KEY), None)
    return from_metadata(text) if text else None
