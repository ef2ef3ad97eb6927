"""DIANNA's RISE: given the file, and given a function around one session."""

import sys

import dianna
import numpy as np

from benchmarks.peers.job import Array, Scored, answer, the_job


def main() -> None:
    """The mode is the second argument: `path` or `callable`."""
    job, by_path = the_job(), sys.argv[2] == "path"
    scored = Scored(job)

    def explain() -> Array:
        found = dianna.explain_image(
            job.model if by_path else scored,
            job.image[0],
            method="RISE",
            labels=[0],
            axis_labels={0: "channels"},
            n_masks=job.masks,
            feature_res=job.cells,
            p_keep=job.keep,
            batch_size=job.batch,
        )
        return np.asarray(found[0])

    name = f"dianna_{sys.argv[2]}"
    answer(name, job, explain, scored.bare, forwards=job.masks, version=dianna.__version__)


if __name__ == "__main__":
    main()
