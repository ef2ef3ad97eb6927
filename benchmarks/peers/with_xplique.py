"""Xplique around one session of ONNX Runtime: RISE, occlusion, and Shapley values of given superpixels."""

import numpy as np
import tensorflow as tf
from xplique.attributions import KernelShap, Occlusion, Rise

from benchmarks.peers.job import Array, Scored, answer, the_job


def main() -> None:
    """Images go channels last, and the score comes back through a function of its own."""
    job, mode = the_job()
    scored = Scored(job)
    tf.random.set_seed(job.seed)
    np.random.seed(job.seed)  # noqa: NPY002 - what it draws from

    def score(model: Scored, images: object, targets: object) -> object:
        del targets
        own = np.asarray(images).transpose(0, 3, 1, 2)
        return tf.convert_to_tensor(model(own)[:, 0])

    common = {"batch_size": job.batch, "operator": score}
    if mode == "rise":
        method = Rise(
            scored,
            nb_samples=job.masks,
            grid_size=job.cells,
            preservation_probability=job.keep,
            mask_value=0.0,
            **common,
        )
    elif mode == "occlusion":
        method = Occlusion(scored, patch_size=job.patch, patch_stride=job.stride, occlusion_value=0.0, **common)
    else:
        parts = tf.convert_to_tensor(job.superpixels.astype(np.int32))
        method = KernelShap(
            scored, map_to_interpret_space=lambda _: parts, nb_samples=job.budget, ref_value=np.zeros(3), **common
        )
    picture = np.ascontiguousarray(job.image.transpose(0, 2, 3, 1))

    def explain() -> Array:
        return np.asarray(method(picture, np.ones((1, 1), np.float32))).squeeze()

    answer("xplique", explain, scored.bare, scored.count)


if __name__ == "__main__":
    main()
