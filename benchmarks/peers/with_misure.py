"""This library's own methods on the model itself: runs in the project's environment."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.overhead import Case
from benchmarks.peers.asking import COMPACTNESS, PLAYERS, case_named
from benchmarks.peers.job import Array, Job, answer, the_job
from misure_onnx.gradients.onnx_gradient.differentiate import GRADIENT, UPSTREAM, gradient_graph
from misure_onnx.graph.load import load_with_weights
from misure_onnx.methods import METHODS
from misure_onnx.methods.task import Task

LAYER = "/bottleneck/bottleneck.2/Relu_output_0"
"""Of the bundled model, which `torch_original.Original.layer` is in torch."""


def main() -> None:
    """The mode names method, estimator and provider."""
    job, mode = the_job()
    provider = mode.split("-", 2)[2] if mode.startswith("rise-") else "cpu"
    case = case_named(job.case, provider)
    name, parameters = asked(mode, job)
    method = METHODS[name].with_parameters(parameters)
    task = Task(case.task.segmenter, case.task.image, case.task.target, job.seed, case.task.batch_size, _silent)
    counting, backwards = task.segmenter, 0

    def explain() -> Array:
        nonlocal backwards
        found = method.attribute(task)
        backwards += found.backwards  # each runs forward, too
        return found.saliency

    bare, forwards = (_gradient_loop(case), 16) if method.gradient_required else (_loop(case), 64)
    answer("misure-onnx", explain, bare, lambda: counting.forwards + backwards, bare_forwards=forwards)


def asked(mode: str, job: Job) -> tuple[str, dict[str, Any]]:
    """Method and parameters."""
    if mode.startswith("rise-"):
        estimator = mode.split("-")[1]
        masks = job.masks if estimator == "mean" else job.fewer
        return "rise", {"estimator": estimator, "masks": masks, "cells": job.cells, "keep": job.keep}
    parameters: dict[str, dict[str, Any]] = {
        "occlusion": {"patch": job.patch, "stride": job.stride, "value": "dice"},
        "kernel_shap": {"features": PLAYERS, "compactness": COMPACTNESS, "budget": job.budget, "value": "dice"},
        "seg_grad_cam": {"layer": LAYER},
        "seg_hires_grad_cam": {"layer": LAYER},
        "gradient": {},
        "smooth_grad": {"samples": job.noisy, "noise": job.noise},
        "extremal_perturbation": {"areas": str(job.area / int(job.region.sum())), "iterations": job.steps},
    }
    return mode, parameters[mode]


def _loop(case: Case) -> Callable[[int], None]:
    """The session that the library runs, at the batch that it found best."""
    session, output, batch = case.segmenter._session, case.segmenter.output.name, case.task.batch_size  # noqa: SLF001
    images = case.segmenter.input.to_network(np.repeat(case.task.image, batch, axis=0))

    def bare(count: int) -> None:
        for _ in range(count // batch):
            np.asarray(session.run([output], {case.segmenter.input.name: images})[0])

    return bare


def _gradient_loop(case: Case) -> Callable[[int], None]:
    """Forward and backward in ONNX Runtime, as the library's own route has them."""
    image = np.asarray(case.segmenter.input.to_network(case.task.image), np.float32)
    model, output = load_with_weights(case.segmenter.path), case.segmenter.output.name
    written = gradient_graph(model, of=output, wrt=case.segmenter.input.name, shape=image.shape)
    run = case.segmenter.run_edited(written)
    upstream = np.ones_like(case.segmenter.predict(case.task.image))

    def bare(count: int) -> None:
        for _ in range(count):
            run([output, GRADIENT], {case.segmenter.input.name: image, UPSTREAM: upstream})

    return bare


def _silent(stage: str, done: int, total: int) -> None:
    del stage, done, total


if __name__ == "__main__":
    main()
