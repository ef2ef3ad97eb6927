"""The deployed model cut at a layer: what the target's score becomes when the layer is changed. Needs no gradient."""

from collections.abc import Iterable, Iterator

import numpy as np

from misure_onnx.errors import ModelError
from misure_onnx.gradients.base import ScoreProblem
from misure_onnx.gradients.score_subject import ScoreSubject
from misure_onnx.graph.cut import cut_at, typed_tail
from misure_onnx.graph.graph_backed import graph_of
from misure_onnx.graph.layers import Layer
from misure_onnx.methods.task import Task
from misure_onnx.target import ResolvedTarget
from misure_onnx.types import AnyArray, FloatArray, Scores

_BOUND, _AGREEMENT = 1e-3, 0.999


class CutScores:
    """Head and tail of the file, run by ONNX Runtime on the segmenter's providers; the head runs once, on the image.

    Args:
        task: image, target and deployed model.
        layer: where the graph is cut.

    Attributes:
        planes: the layer's activations (K, h, w).
        notes: which scores are asked about, where not the file's output.

    Raises:
        ParameterError: the graph cannot be cut there.
        ModelError: the two parts do not give what the whole model gives.
        GradientError: nothing but labels comes out of the model.
    """

    def __init__(self, task: Task, layer: Layer) -> None:
        deployed = graph_of(task.segmenter)
        self._task, self._layer = task, layer
        self._subject = ScoreSubject(deployed, ScoreProblem(task.image, task.target))
        image, output = self._subject.input.name, self._subject.output.name
        self.notes = _notes(self._subject, task)
        cut = cut_at(self._subject.model, layer.name, image, output)
        self._batch = deployed.input.batch or 1
        fed = deployed.input.to_network(np.repeat(task.image, self._batch, axis=0))
        made = [name for name in cut.crossing if name != image]
        values = dict(zip(made, deployed.run_edited(cut.head)(made, {image: fed}), strict=True))
        self._crossing = {name: values.get(name, fed) for name in cut.crossing}
        self._tail = deployed.run_edited(typed_tail(cut, list(self._crossing.values())))
        self._own = self._crossing[layer.name]
        self.planes = layer.planes(self._own[:1])[0]
        self._at_once = 1
        self._check()

    def mean_scores(self, changed: Iterable[FloatArray]) -> Iterator[float]:
        """The mean of the target's scores over its region, for each of several (K, h, w) in the layer's place."""
        target = self._task.target
        waiting: list[FloatArray] = []
        for planes in changed:
            waiting.append(planes)
            if len(waiting) == self._at_once:
                yield from _means(target, self._scores(waiting))
                waiting = []
        if waiting:
            yield from _means(target, self._scores(waiting))

    def _scores(self, planes: list[FloatArray]) -> Scores:
        """(n, L, H, W) for n times the layer, in one call of the tail."""
        self._task.segmenter.forwards += len(planes)
        n, missing = len(planes), max(self._batch - len(planes), 0)
        stacked = self._layer.values(np.stack([*planes, *planes[-1:] * missing])).astype(self._own.dtype)
        feeds = {name: _repeated(value, self._batch, n) for name, value in self._crossing.items()}
        (output,) = self._tail([self._subject.output.name], {**feeds, self._layer.name: stacked})
        image = self._task.image
        scores = self._subject.output.to_scores(output, (image.shape[2], image.shape[3]))[:n]
        return np.concatenate([self._subject.at_image_size(own[None], image) for own in scores])

    def _check(self) -> None:
        """The parts must give what the whole model gives; several images at once, what each gives alone.

        Raises:
            ModelError: they do not.
        """
        (alone,) = self._scores([self.planes])
        whole = self._task.segmenter.predict(self._task.image)
        head = self._task.segmenter.spec.head
        if head.kind == "labels":
            agree = float(np.mean(alone.argmax(axis=0) == head.labels(whole)[0])) >= _AGREEMENT
        else:
            agree = _close(self._subject.as_deployed(alone[None], self._task.image), whole)
        if not agree:
            raise ModelError(
                f"cut at {self._layer.name!r}, the model gives other scores than in one piece: name another layer "
                "(`misure inspect MODEL --layers`)"
            )
        most = max(self._task.batch_size, self._batch)
        if most > 1 and self._together_as_alone(alone):
            self._at_once = most

    def _together_as_alone(self, alone: FloatArray) -> bool:
        """Whether the tail keeps several images apart."""
        try:
            first, second = self._scores([self.planes, np.zeros_like(self.planes)])
            (other,) = self._scores([np.zeros_like(self.planes)])
        except (ModelError, ValueError):  # the graph has a literal 1 where its batch should be
            return False
        return _close(first, alone) and _close(second, other)


def _means(target: ResolvedTarget, scores: Scores) -> list[float]:
    return [float(plane[target.region].mean(dtype=np.float64)) for plane in target.score(scores)]


def _notes(subject: ScoreSubject, task: Task) -> tuple[str, ...]:
    own = (subject.note.replace("the gradient is", "the score is"),) if subject.note else ()
    if task.segmenter.spec.head.kind != "labels":
        return own
    return (f"the model gives labels only: the score is that of {subject.output.name!r}, before its ArgMax", *own)


def _repeated(value: AnyArray, batch: int, n: int) -> AnyArray:
    """A tensor of one image for n images; what is no tensor of one image (a shape, a table) stays as it is."""
    if batch > 1 or n == 1 or value.ndim < 2 or value.shape[0] != 1:
        return value
    return np.repeat(value, n, axis=0)


def _close(own: AnyArray, reference: AnyArray) -> bool:
    if own.shape != reference.shape:
        return False
    scale = float(np.abs(reference).max()) or 1.0
    return float(np.abs(own - reference).max()) <= _BOUND * scale
