"""Trained models of the data directory: only the file is there, so the gradient is compared with differences.

python -m benchmarks.coverage.data_models data/selfie_segmentation_256 --out benchmarks/results/coverage.json
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation

from benchmarks.coverage.batches import judge_batches
from benchmarks.coverage.judge import judge
from benchmarks.coverage.measure import summary
from benchmarks.coverage.results import Results
from benchmarks.coverage.routes import ROUTES
from benchmarks.coverage.scenes import scenes
from benchmarks.coverage.subject import Array, Precision, Subject, session_of
from benchmarks.shared_data import data_directory, declared_preprocessing
from exporters.quantised import quantise

_PREFIX, _INT8 = "data/", " int8"
_ALSO_QUANTISED = ("data/retina_unet_drive_256", "data/deeplabv3_mnv2_voc_257_nchw")
_VOLUME_SIDE = 32  # the networks of volumes are fully convolutional; 256 voxels a side would take minutes
_CELLS, _STEP = 14, 1e-3
_ENDINGS = frozenset({"Softmax", "Sigmoid", "ArgMax", "Transpose", "Reshape", "Cast", "Squeeze"})


def names() -> list[str]:
    """The models, or none where there is no data directory."""
    found = [_PREFIX + entry["id"] for entry in _entries()]
    return found + [name + _INT8 for name in found if name in _ALSO_QUANTISED]


def _entries() -> list[dict[str, Any]]:
    place = data_directory()
    if place is None:
        return []
    entries: list[dict[str, Any]] = json.loads((place / "manifest.json").read_text(encoding="utf-8"))["models"]
    return [{**entry, "path": place / entry["file"]} for entry in entries]


def main() -> None:
    """Judges what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results = Results(arguments.out)
    entries = {_PREFIX + entry["id"]: entry for entry in _entries()}
    for name in (name for name in arguments.models if name not in results.rows):
        row = _row(entries[name.removesuffix(_INT8)], "int8" if name.endswith(_INT8) else "fp32")
        results.add(name, row)
        print(name, summary(row), flush=True)


def _row(entry: dict[str, Any], precision: Precision) -> dict[str, Any]:
    model = onnx.load(entry["path"])
    opset = next(i.version for i in model.opset_import if i.domain in ("", "ai.onnx"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(entry["path"])
        if entry["input"]["layout"] == "NCDHW":
            path = Path(folder) / "smaller.onnx"
            _write_smaller(model, path)
        images = _images(entry)
        if precision == "int8":
            path = Path(folder) / "quantised.onnx"
            onnx.save(model, path)
            quantise(path, path, images)
        subject = _subject(path, precision, images)
        deployed = session_of(subject)
        judged, unrounded = judge(subject, deployed), session_of(subject, unrounded=True)
        for name in judged["routes"] if precision == "fp32" else ():  # a quantised function is a staircase
            if "error" not in judged["routes"][name]:
                judged["routes"][name]["directional"] = _directional_error(subject, unrounded, name)
        declared = declared_preprocessing(entry)
        return {
            "family": entry["id"],
            "model": _PREFIX + entry["id"],
            "exporter": f"{model.producer_name} {model.producer_version}".strip() or "not told",
            "opset": opset,
            "true_opset": opset,
            "precision": precision,
            "nodes": len(model.graph.node),
            **judged,
            "batch": judge_batches(subject, deployed, images, declared),
        }


def _write_smaller(model: onnx.ModelProto, path: Path) -> None:
    for value in (*model.graph.input, *model.graph.output):
        for dimension in value.type.tensor_type.shape.dim[2:]:
            dimension.dim_value = _VOLUME_SIDE
    onnx.save(model, path)


def _images(entry: dict[str, Any]) -> Array:
    """Two scenes as the file takes them."""
    fields = entry["input"]
    if fields["layout"] == "NCDHW":
        return scenes(2, (1, *[_VOLUME_SIDE] * 3), seed=0).numpy()
    channels = 1 if fields["color"] == "GRAY" else 3
    pixels = np.rint(255 * scenes(2, (channels, fields["height"], fields["width"]), seed=0).numpy())
    mean, deviation = (np.array(fields[name], np.float32)[:, None, None] for name in ("mean", "std"))
    images = (pixels * np.float32(fields["scale"]) - mean) / deviation
    images = images.transpose(0, 2, 3, 1) if fields["layout"] == "NHWC" else images
    return np.ascontiguousarray(images, np.float32)


def _subject(path: Path, precision: Precision, images: Array) -> Subject:
    """The question: a smoothly weighted sum of the scores before softmax, sigmoid and ArgMax."""
    name = _scores(onnx.load(path))
    asked = Subject(path=path, precision=precision, image=images[:1], scores=name, upstream=np.zeros(1))
    scores = session_of(asked)(images[:1])
    chance = np.random.default_rng(2)
    weights = _resized(chance.standard_normal((*scores.shape[:2], *[4] * (scores.ndim - 2))), scores.shape[2:])
    return Subject(path=path, precision=precision, image=images[:1], scores=name, upstream=weights / scores[0].size)


def _scores(model: onnx.ModelProto) -> str:
    """The last tensor before softmax, sigmoid and ArgMax, looking through changes of layout."""
    makers = {name: node for node in model.graph.node for name in node.output}
    name = last = model.graph.output[0].name
    while name in makers and makers[name].op_type in _ENDINGS:
        kind, name = makers[name].op_type, makers[name].input[0]
        last = name if kind in ("Softmax", "Sigmoid", "ArgMax") else last
    return last


def _directional_error(subject: Subject, deployed: Callable[[Array], Array], route: str) -> float:
    """|d - g| / mean(|d|, |g|): a central difference through ONNX Runtime against the route's gradient.

    Along the route's gradient averaged over a coarse grid: a smooth direction averages kinks out. A file that takes
    bytes is asked about pixels between grey levels too: a step of whole levels would be a difference of another size.
    """
    _, gradient = ROUTES[route](subject)()
    axes = slice(2, None) if subject.image.shape[1] <= 4 else slice(1, -1)
    step = _smoothed(gradient, axes) * _STEP * np.ptp(subject.image)
    ahead, behind = (np.asarray(subject.image + sign * step, np.float32) for sign in (1, -1))
    values = [float((subject.upstream * deployed(moved).astype(np.float64)).sum()) for moved in (ahead, behind)]
    by_difference = values[0] - values[1]
    by_route = float((gradient * (ahead.astype(np.float64) - behind)).sum())
    return 2 * abs(by_difference - by_route) / (abs(by_difference) + abs(by_route))


def _smoothed(gradient: Array, axes: slice) -> Array:
    """Averages over a coarse grid, brought back to the size, largest 1."""
    last = axes.stop is not None
    maps = np.moveaxis(gradient, -1, 1) if last else gradient
    pooled = F.adaptive_avg_pool3d if maps.ndim == 5 else F.adaptive_avg_pool2d
    coarse = pooled(torch.from_numpy(np.ascontiguousarray(maps)), _CELLS).numpy()
    smooth = _resized(coarse, maps.shape[2:])
    smooth = np.moveaxis(smooth, 1, -1) if last else smooth
    return np.asarray(smooth / np.abs(smooth).max())


def _resized(coarse: Array, size: tuple[int, ...]) -> Array:
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(size)]
    resized = F.interpolate(torch.from_numpy(coarse).float(), size=size, mode=mode, align_corners=False)
    return np.asarray(resized)


if __name__ == "__main__":
    main()
