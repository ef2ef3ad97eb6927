"""Where input comes in: what is good there, how it is broken, and what reads it."""

import contextlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import yaml

from benchmarks.fuzz.mutations import broken_bytes, broken_document, broken_words
from misure_onnx.api import load_segmenter, make_method
from misure_onnx.audit.rle import decode, encode
from misure_onnx.cli import main
from misure_onnx.explanation import Explanation
from misure_onnx.graph.untrusted import check_untrusted
from misure_onnx.images import load_image
from misure_onnx.preprocessing import from_metadata, load_preprocessing
from misure_onnx.target import Target

MODEL = Path(str(files("misure_onnx") / "demo" / "triangle.onnx"))
IMAGE = Path(str(files("misure_onnx") / "demo" / "triangle.png"))
FOLDER = Path("out")
"""Below the worker's own folder: the one place where files may appear."""


@dataclass(frozen=True)
class Door:
    """One kind of input.

    Attributes:
        share: of all inputs.
        read: breaks an input by the generator, and reads it. Errors of the library are answers.
    """

    share: float
    read: Callable[[np.random.Generator], None]


def model_bytes(rng: np.random.Generator) -> None:
    """ONNX files: parsed and checked as those of strangers."""
    sample = _model() if rng.random() < 0.1 else _tiny_model()  # of the large one most bytes are weights
    _written("model.onnx", broken_bytes(sample, [_model()], rng))
    check_untrusted(FOLDER / "model.onnx")


def model_run(rng: np.random.Generator) -> None:
    """ONNX files with changed graphs: loaded into ONNX Runtime, and asked."""
    _written("model.onnx", broken_bytes(_tiny_model(), [_model()], rng))
    check_untrusted(FOLDER / "model.onnx")
    segmenter = load_segmenter(FOLDER / "model.onnx", "unit")
    make_method("predicted_mask").explain(segmenter, _noise(), Target.from_class(1))


def picture(rng: np.random.Generator) -> None:
    """PNG, JPEG, BMP, WebP and TIFF."""
    known = _pictures()
    name = list(known)[int(rng.integers(len(known)))]
    _written(f"image{name}", broken_bytes(known[name], list(known.values()), rng))
    load_image(FOLDER / f"image{name}")


def preprocessing(rng: np.random.Generator) -> None:
    """YAML files and metadata, broken as documents or as texts."""
    document = broken_document(_PREPROCESSING, rng)
    text = yaml.safe_dump(document) if rng.random() < 0.5 else json.dumps(document)
    if rng.random() < 0.5:
        text = broken_bytes(text.encode(), [text.encode()], rng).decode("utf-8", "surrogateescape")
    if rng.random() < 0.5:
        _written("declared.yaml", text.encode("utf-8", "surrogateescape"))
        load_preprocessing(FOLDER / "declared.yaml")
    else:
        from_metadata(text)


def saved_explanation(rng: np.random.Generator) -> None:
    """explanation.json beside good pictures."""
    place = _explanation()
    good = (place / "good.json").read_text(encoding="utf-8")
    text = json.dumps(broken_document(json.loads(good), rng))
    (place / "explanation.json").write_text(text, encoding="utf-8")
    Explanation.load(place)


def run_lengths(rng: np.random.Generator) -> None:
    """Compressed run lengths and sizes."""
    mask = rng.random((int(rng.integers(1, 20)), int(rng.integers(1, 20)))) < 0.3
    text = broken_bytes(encode(mask).encode(), [b"0123456789:;<=>?@ABCno"], rng).decode("latin-1")
    decode(text, mask.shape)


def command_line(rng: np.random.Generator) -> None:
    """Words after `misure`; what they ask for is done where it can be."""
    commands = _commands()
    words = broken_words(commands[int(rng.integers(len(commands)))], _words(), rng)
    out, err = io.StringIO(), io.StringIO()
    # What is asked for by a broken name lies in the folder for output too.
    with contextlib.chdir(FOLDER), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(words)
        except SystemExit as stopped:
            status = int(stopped.code or 0)
    said = err.getvalue()
    if "Traceback" in said or "internal error" in said or (status and not said):
        raise AssertionError(f"misure {' '.join(map(repr, words))} ended with {status} and said {said[:2000]!r}")


DOORS: dict[str, Door] = {
    "model, read": Door(0.25, model_bytes),
    "model, run": Door(0.10, model_run),
    "picture": Door(0.25, picture),
    "preprocessing": Door(0.15, preprocessing),
    "explanation.json": Door(0.10, saved_explanation),
    "run lengths": Door(0.10, run_lengths),
    "command line": Door(0.05, command_line),
}

_PREPROCESSING = {
    "scale": 0.00392, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "color": "RGB", "size": [224, 224],
    "layout": "NCHW", "class_names": ["background", "dog"], "output": "logits", "threshold": 0.5,
    "interpolation": "linear", "clip": [0, 1], "batch": 4,
}  # fmt: skip


def _written(name: str, content: bytes) -> None:
    (FOLDER / name).write_bytes(content)


@lru_cache
def _model() -> bytes:
    return MODEL.read_bytes()


@lru_cache
def _tiny_model() -> bytes:
    """Small, so that a broken byte is likely one of the graph."""
    import onnx  # noqa: PLC0415 - of the workers alone
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415

    nodes = [
        helper.make_node("Conv", ["image", "weights"], ["scores_raw"], pads=[1, 1, 1, 1]),
        helper.make_node("Softmax", ["scores_raw"], ["scores"], axis=1),
    ]
    weights = np.random.default_rng(0).standard_normal((2, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, 16, 16])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 2, 16, 16])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


@lru_cache
def _noise() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)


@lru_cache
def _pictures() -> dict[str, bytes]:
    colours = np.random.default_rng(0).integers(0, 256, (12, 14, 3), np.uint8)
    found = {name: bytes(cv2.imencode(name, colours)[1]) for name in (".png", ".jpg", ".bmp", ".webp", ".tif")}
    deep = (colours.astype(np.uint16) * 257)[..., 0]
    return {**found, ".tiff": bytes(cv2.imencode(".tiff", deep)[1])}


@lru_cache
def _explanation() -> Path:
    place = FOLDER / "explanation"
    make_method("sufficient_region").explain(load_segmenter(MODEL), IMAGE, Target.from_class(1)).save(place)
    (place / "explanation.json").replace(place / "good.json")
    return place


@lru_cache
def _commands() -> list[list[str]]:
    model, image, out = str(MODEL), str(IMAGE), "explained"
    return [
        ["explain", model, image, "--class", "1", "--method", "predicted_mask", "--out", out],
        ["explain", model, image, "--at", "66,28", "--method", "sufficient_region", "--json"],
        ["explain", model, image, "--method", "rise", "--set", "masks=8", "--metrics", "insertion", "--seed", "3"],
        ["inspect", model, "--layers"],
        ["methods"],
        ["metrics", "--json"],
        ["verify", "."],
        ["report", "."],
        ["insights", "."],
        ["reliability", "predict", ".", "--model", "model.onnx"],
        ["doctor", "--json"],
    ]


@lru_cache
def _words() -> list[str]:
    return sorted({word for command in _commands() for word in command} | set(_MORE))


_MORE = (
    "--preset", "smooth", "--route", "search", "--budget", "--batch-size", "--provider", "cuda", "--preprocess", "raw",
    "--against", "0", "--border", "--mask", "--truth", "--error", "missed", "--every-object", "--window",
    "--crop", "1,2,3", "--alternatives", "--scoring", "fused", "tau=2", "tau=0.5", "masks=-1", "=", "--help",
    "--version", "-", "--",
)  # fmt: skip
