"""Whether a file gives what its network gives: the framework against ONNX Runtime, on random and on real inputs."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from exporters.inputs import random_inputs
from exporters.source import Source
from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.backends.resize import resize_scores
from misure_onnx.scores import Head
from misure_onnx.types import Images, Scores

LARGEST_DEVIATION = 1e-4
"""Of the scores, as a share of the largest absolute score: float32 in another order of sums gives about 1e-6."""

SMALLEST_AGREEMENT = 0.999
"""Share of pixels with the same class, where answers jump and rounding turns single pixels over."""


class ParityError(Exception):
    """A file deviates from its network."""


@dataclass(frozen=True)
class Agreement:
    """Two answers to the same images.

    Attributes:
        largest_deviation: of the scores, as a share of the largest absolute expected score.
        same_class: share of pixels with the same class.
    """

    largest_deviation: float
    same_class: float

    @classmethod
    def of(cls, answers: Iterable[tuple[Scores, Scores]], head: Head) -> "Agreement":
        """Compares found with expected scores, (N, L, H, W) each; images of different sizes come apart."""
        pairs = list(answers)
        scale = max(float(np.abs(expected).max()) for _, expected in pairs) or 1.0
        deviation = max(float(np.abs(found.astype(np.float64) - expected).max()) for found, expected in pairs)
        same = np.concatenate([(head.labels(found) == head.labels(expected)).ravel() for found, expected in pairs])
        return cls(deviation / scale, float(same.mean()))


def parity(source: Source, deployed: OnnxRuntimeSegmenter, real: Mapping[str, Images]) -> dict[str, Any]:
    """Compares a written file with its network, as the library deploys it.

    Args:
        source: the network.
        deployed: the file, with its metadata.
        real: network inputs (1, C, *size) by name.

    Returns:
        A JSON-ready record: the tolerance by its name, what was found on random and on real inputs, and what the
        file does with several images at once.

    Raises:
        ParityError: it deviates.
    """
    head, noise = deployed.spec.head, random_inputs(deployed)
    steps = source.steps or head.kind == "labels"
    tolerance = {"same_class": SMALLEST_AGREEMENT} if steps else {"largest_deviation": LARGEST_DEVIATION}
    # Asked first, of a real image beside noise: two images of noise are too alike to show that a file mixes them.
    several = _several_images(deployed, np.repeat(next(iter(real.values())), 2, axis=0))
    record: dict[str, Any] = {"tolerance": tolerance, "several_images": several}
    for name, inputs in (("random", [noise]), ("real", list(real.values()))):
        agreement = Agreement.of(
            ((deployed.predict(images), _expected(source, deployed, images)) for images in inputs), head
        )
        if (agreement.same_class < SMALLEST_AGREEMENT) if steps else (agreement.largest_deviation > LARGEST_DEVIATION):
            raise ParityError(
                f"the file deviates from its network on {name} inputs: largest deviation "
                f"{agreement.largest_deviation:.2e} of the largest score, same class at {agreement.same_class:.4%} of "
                f"the pixels; tolerance: {tolerance}"
            )
        record[name] = {"images": sum(map(len, inputs)), **asdict(agreement)}
    record["real"]["names"] = list(real)
    return record


def _expected(source: Source, deployed: OnnxRuntimeSegmenter, images: Images) -> Scores:
    """The framework's answer, read and brought to the input's size as the library does with the file's."""
    size, output = images.shape[2:], deployed.output
    return resize_scores(output.to_scores(source.predict(images), size), size, output.head)


def _several_images(deployed: OnnxRuntimeSegmenter, images: Images) -> str:
    if deployed.input.batch == 1:
        return "one a call"
    return "kept apart" if deployed.takes_batches(images) else "mixed: the library gives one a call"
