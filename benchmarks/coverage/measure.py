"""All exports of one network, in a process of its own: exporters keep memory.

python -m benchmarks.coverage.measure smp/unet_resnet34 --out benchmarks/results/coverage.json
"""

import argparse
import gc
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from benchmarks.coverage.batches import judge_batches
from benchmarks.coverage.exports import EXPORTS, FURTHER, USUAL, WIDE, Export, export
from benchmarks.coverage.judge import judge
from benchmarks.coverage.results import Results
from benchmarks.coverage.source import Source, make_source
from benchmarks.coverage.subject import Subject, relative_largest, session_of
from benchmarks.coverage.zoo import MODELS
from benchmarks.coverage.zoo.model import Model
from exporters.quantised import quantise

_WITH_FURTHER = ("smp/unet_resnet34", "transformers/segformer_b0")


def main() -> None:
    """Judges what is missing, one file at a time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--exports", help=f"only these, of {', '.join(EXPORTS)}")
    arguments = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    wanted = arguments.exports.split(",") if arguments.exports else list(EXPORTS)
    for name in arguments.models:
        _measure(name, [way for way in exports_of(name) if way in wanted], Results(arguments.out))


def _measure(name: str, ways: list[str], results: Results) -> None:
    missing = [way for way in ways if f"{name} {way}" not in results.rows]
    if not missing:
        return
    source = make_source(MODELS[name])
    for way in missing:
        row = _row(name, MODELS[name], source, EXPORTS[way])
        results.add(f"{name} {way}", row)
        print(name, way, summary(row), flush=True)
        gc.collect()


def exports_of(name: str) -> tuple[str, ...]:
    """The exports of a network, by name."""
    further = FURTHER if name in _WITH_FURTHER else ()
    return USUAL + (WIDE if MODELS[name].widely else ()) + further


def _row(name: str, model: Model, source: Source, way: Export) -> dict[str, Any]:
    row: dict[str, Any] = {
        "family": model.family,
        "model": name,
        "exporter": way.exporter,
        "opset": way.opset,
        "precision": way.precision,
        "free_batch": way.free_batch,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        try:
            network, images = source.in_precision(way.dtype)
            export(network, images, way, path)
            if way.precision == "int8":
                quantise(path, path, source.images.numpy())
            _check_batch(path, way)
        except Exception as error:  # noqa: BLE001 - exporters raise many kinds
            return {**row, "export_error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        del network
        return {**row, **_judged(path, source, way)}


def _check_batch(path: Path, way: Export) -> None:
    """An exporter may fix the axis that was to stay free, to the two images of the example."""
    batch = onnx.load(path).graph.input[0].type.tensor_type.shape.dim[0].dim_value
    if batch not in ((0,) if way.free_batch else (1,)):
        raise ValueError(f"the batch axis is fixed to {batch}")


def _judged(path: Path, source: Source, way: Export) -> dict[str, Any]:
    exact = source.in_double(way.dtype)
    file = onnx.load(path)
    images = source.images.to(way.dtype).float().numpy()
    subject = Subject(
        path=path,
        precision=way.precision,
        image=np.ascontiguousarray(images[:1]),
        scores=file.graph.output[0].name,
        upstream=source.upstream.numpy(),
        gradient=exact.gradient,
        eager=source.eager(),
    )
    deployed = session_of(subject)
    return {
        "nodes": len(file.graph.node),
        "true_opset": next(entry.version for entry in file.opset_import if entry.domain in ("", "ai.onnx")),
        "file_difference": relative_largest(deployed(subject.image), exact.scores),
        "source_noise": exact.noise,
        **judge(subject, deployed),
        "batch": judge_batches(subject, deployed, images),
    }


def summary(row: dict[str, Any]) -> str:
    """One line a person can read."""
    if "export_error" in row:
        return f"not exported: {row['export_error']}"
    parts = [f"file {row['file_difference']:.0e}"] if "file_difference" in row else []
    for route, found in row["routes"].items():
        short = {k: f"{v:.1e}" if k != "agreement" else round(v, 4) for k, v in found.items() if k != "error"}
        parts.append(f"{route} {found.get('error') or short}")
    return "; ".join([*parts, f"batch {row['batch']}", str({k: round(v, 4) for k, v in row["seconds"].items()})])


if __name__ == "__main__":
    main()
