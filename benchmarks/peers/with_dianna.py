"""DIANNA: RISE on the file and around one session, and KernelSHAP, which takes files alone."""

import dianna
import numpy as np

from benchmarks.peers.job import Array, Scored, answer, the_job


def main() -> None:
    """The mode is `rise-path`, `rise-callable` or `kernel_shap-path`."""
    job, mode = the_job()
    scored, by_path = Scored(job), mode.endswith("-path")
    asked = {"rise": {"n_masks": job.masks, "feature_res": job.cells, "p_keep": job.keep, "batch_size": job.batch}}
    asked["kernel_shap"] = {"n_segments": int(job.superpixels.max()) + 1, "nsamples": job.budget, "background": 0}
    method = mode.split("-")[0]
    inside = 0
    np.random.seed(job.seed)  # noqa: NPY002 - what it draws from

    def explain() -> Array:
        nonlocal inside
        if by_path:  # forwards run where nobody counts them
            inside += job.masks if method == "rise" else job.budget
        name = {"rise": "RISE", "kernel_shap": "KernelSHAP"}[method]
        model = job.model if by_path else scored
        names = {0: "channels"}
        found = dianna.explain_image(model, job.image[0], method=name, labels=[0], axis_labels=names, **asked[method])
        return np.asarray(found[0]).squeeze()

    answer("dianna", explain, scored.bare, lambda: scored.forwards + inside)


if __name__ == "__main__":
    main()
