"""This library's own RISE on the model itself: runs in the project's environment."""

import sys
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.overhead import cases
from benchmarks.peers.job import answer, the_job
from misure_onnx.methods.rise import Rise


def main() -> None:
    """The second argument names provider and estimator."""
    job, name = the_job(), sys.argv[2]
    provider, estimator = name.split("-")
    (case,) = cases(provider, names=())
    method = Rise.with_parameters({"estimator": estimator, "masks": job.masks, "cells": job.cells, "keep": job.keep})
    network = case.segmenter.input.to_network(job.image)
    session, output = case.segmenter._session, case.segmenter.output.name  # noqa: SLF001 - the bare loop needs it

    def explain() -> npt.NDArray[Any]:
        return method.attribute(case.task).saliency

    def bare(count: int) -> None:
        for _ in range(count):
            np.asarray(session.run([output], {case.segmenter.input.name: network})[0])

    answer(f"misure_{name}", job, explain, bare, forwards=job.masks, version=version("misure-onnx"))


if __name__ == "__main__":
    main()
