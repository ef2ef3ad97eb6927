"""Writes what the peers are asked: the scored model, the image, the superpixels, and the network's weights."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from onnx import numpy_helper

from benchmarks.overhead import Case, cases
from benchmarks.peers.score_head import write_score_model
from misure_onnx.graph.load import load_with_weights
from misure_onnx.methods.superpixels import superpixels

MASKS = 500
"""Of RISE's means. Four times as many have the quality that all are measured by, for four times the time."""
FEWER = {"bundled": 380, "D01": 380, "D15": 370}
"""Of the surrogate: the forwards that it needs for that quality (`benchmarks/results/rise_forwards.json`), rounded."""
CELLS, KEEP, BATCH = 7, 0.5, 8
PATCH, STRIDE = 32, 16
PLAYERS, BUDGET = 64, 500
NOISY, NOISE = 50, 0.05
OBJECT_AREAS, STEPS = 4.0, 100
COMPACTNESS = 10.0


def case_named(name: str, provider: str = "cpu") -> Case:
    """`bundled`, or a triple of the data directory.

    Raises:
        ValueError: there is none.
    """
    names = () if name == "bundled" else (name,)
    for case in cases(provider, names):
        if case.name.split()[0] == name:
            return case
    raise ValueError(f"no object {name!r}: expected bundled, or a triple of the data directory (MISURE_DATA)")


def write_jobs(name: str, case: Case, folder: Path, seeds: range) -> list[Path]:
    """One file a seed, which `job.the_job` reads; they share the rest."""
    folder.mkdir(parents=True, exist_ok=True)
    region = case.task.target.region
    write_score_model(case.segmenter, case.task.target, folder / "scored.onnx")
    arrays = {
        "image": case.task.image,
        "region": region,
        "superpixels": superpixels("slic", case.task.image, PLAYERS, COMPACTNESS),
    }
    for array_name, array in arrays.items():
        np.save(folder / f"{array_name}.npy", array)
    job: dict[str, Any] = {
        "case": name,
        "model": str(folder / "scored.onnx"),
        **{array_name: str(folder / f"{array_name}.npy") for array_name in arrays},
        "class_index": case.task.target.class_index,
        "weights": str(_weights(case, folder / "weights")) if name == "bundled" else "",
        "batch": case.segmenter.input.batch or BATCH,
        "masks": MASKS,
        "fewer": FEWER[name],
        "cells": CELLS,
        "keep": KEEP,
        "patch": PATCH,
        "stride": STRIDE,
        "budget": BUDGET,
        "noisy": NOISY,
        "noise": NOISE,
        "area": round(OBJECT_AREAS * int(region.sum())),
        "steps": STEPS,
    }
    places = []
    for seed in seeds:
        places.append(folder / f"job{seed}.json")
        places[-1].write_text(json.dumps(job | {"seed": seed}), encoding="utf-8")
    return places


def _weights(case: Case, folder: Path) -> Path:
    """The convolutions' weights as the file has them, for `torch_original.with_weights`."""
    folder.mkdir(exist_ok=True)
    graph = load_with_weights(case.segmenter.path).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type in ("Conv", "ConvTranspose")]
    for index, node in enumerate(convolutions):
        np.save(folder / f"{index}w.npy", constants[node.input[1]])
        np.save(folder / f"{index}b.npy", constants[node.input[2]])
    return folder
