"""Xplique's RISE around one session of ONNX Runtime."""

from importlib.metadata import version

import numpy as np
import tensorflow as tf
from xplique.attributions import Rise

from benchmarks.peers.job import Array, Scored, answer, the_job


def main() -> None:
    """Images go channels last, and the score comes back through a function of its own."""
    job = the_job()
    scored = Scored(job)

    def score(model: Scored, images: object, targets: object) -> object:
        del targets
        own = np.asarray(images).transpose(0, 3, 1, 2)
        return tf.convert_to_tensor(model(own)[:, 0])

    method = Rise(
        scored,
        batch_size=job.batch,
        operator=score,
        nb_samples=job.masks,
        grid_size=job.cells,
        preservation_probability=job.keep,
        mask_value=0.0,
    )
    picture = np.ascontiguousarray(job.image.transpose(0, 2, 3, 1))

    def explain() -> Array:
        found: Array = np.asarray(method(picture, np.ones((1, 1), np.float32)))
        return found.squeeze()

    answer("xplique", job, explain, scored.bare, forwards=job.masks, version=version("xplique"))


if __name__ == "__main__":
    main()
