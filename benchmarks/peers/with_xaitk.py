"""XAITK-saliency around one session of ONNX Runtime: RISE and a sliding window."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from smqtk_classifier import ClassifyImage
from xaitk_saliency.impls.gen_image_classifier_blackbox_sal.rise import RISEStack
from xaitk_saliency.impls.gen_image_classifier_blackbox_sal.slidingwindow import SlidingWindowStack

from benchmarks.peers.job import Array, Job, Scored, answer, the_job


class Classifier(ClassifyImage):  # type: ignore[misc]
    """What it asks for: a classifier of pictures (H, W, C)."""

    def __init__(self, job: Job, scored: Scored) -> None:
        self._job, self._scored = job, scored

    def get_labels(self) -> Sequence[Hashable]:
        """Of the two scores."""
        return ["object", "rest"]

    def classify_images(self, img_iter: Iterable[Array]) -> Iterator[dict[Hashable, float]]:
        """In batches of the job's size."""
        some: list[Array] = []
        for picture in img_iter:
            some.append(np.asarray(picture).transpose(2, 0, 1))
            if len(some) == self._job.batch:
                yield from self._judged(some)
                some = []
        if some:
            yield from self._judged(some)

    def _judged(self, some: list[Array]) -> Iterator[dict[Hashable, float]]:
        for dice, rest in self._scored(np.stack(some)):
            yield {"object": float(dice), "rest": float(rest)}

    def get_config(self) -> dict[str, Any]:
        """Nothing."""
        return {}


def main() -> None:
    """The mode is `rise` or `occlusion`."""
    job, mode = the_job()
    scored = Scored(job)
    picture = np.ascontiguousarray(job.image[0].transpose(1, 2, 0))
    if mode == "rise":
        method = RISEStack(n=job.masks, s=job.cells, p1=job.keep, seed=job.seed)
    else:
        method = SlidingWindowStack((job.patch, job.patch), (job.stride, job.stride))
    classifier = Classifier(job, scored)
    answer("xaitk-saliency", lambda: np.asarray(method.generate(picture, classifier)[0]), scored.bare, scored.count)


if __name__ == "__main__":
    main()
