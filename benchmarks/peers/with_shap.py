"""SHAP: KernelExplainer on given superpixels, and PartitionExplainer on rectangles of its own."""

import numpy as np
import shap

from benchmarks.peers.job import Array, Scored, answer, the_job


def main() -> None:
    """The mode is `kernel` or `partition`."""
    job, mode = the_job()
    scored = Scored(job)
    players = int(job.superpixels.max()) + 1
    np.random.seed(job.seed)  # noqa: NPY002 - what it draws from

    def of_coalitions(members: Array) -> Array:
        """It gives all coalitions at once, so that they are made into images here, batch by batch."""
        found = []
        for first in range(0, len(members), job.batch):
            seen = members[first : first + job.batch][:, job.superpixels].astype(np.float32)
            found.append(scored(job.image * seen[:, None])[:, 0])
        return np.concatenate(found)

    def kernel(budget: int) -> Array:
        method = shap.KernelExplainer(of_coalitions, np.zeros((1, players)))
        phi = method.shap_values(np.ones((1, players)), nsamples=budget, l1_reg=False, silent=True)
        painted: Array = np.asarray(phi)[0][job.superpixels]
        return painted

    picture = np.ascontiguousarray(job.image[0].transpose(1, 2, 0))
    masker = shap.maskers.Image(np.zeros_like(picture), picture.shape)

    def partition(budget: int) -> Array:
        method = shap.Explainer(lambda images: scored(np.asarray(images).transpose(0, 3, 1, 2)), masker)
        found = method(picture[None], max_evals=budget, batch_size=job.batch, outputs=[0], silent=True)
        summed: Array = np.asarray(found.values)[0, :, :, :, 0].sum(axis=-1)
        return summed

    explain = {"kernel": kernel, "partition": partition}[mode]
    # numba compiles what it needs at the first call
    answer("shap", lambda: explain(job.budget), scored.bare, scored.count, warm=lambda: explain(2 * players + 10))


if __name__ == "__main__":
    main()
