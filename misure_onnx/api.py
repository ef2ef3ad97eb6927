"""From names and paths to objects: the only place where methods and backends meet."""

import dataclasses
import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from misure_onnx import target as targets
from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.backends.open_inference import OpenInferenceSegmenter, RemoteOptions
from misure_onnx.backends.openvino import PRECISIONS, OpenVinoSegmenter
from misure_onnx.backends.python_function import PythonFunctionSegmenter
from misure_onnx.backends.windows import WindowedSegmenter
from misure_onnx.classes import class_index
from misure_onnx.errors import InputError, ParameterError, TargetError
from misure_onnx.ground_truth import TruthLike, truth_of_size
from misure_onnx.images import ImageLike, load_image
from misure_onnx.instances.error_region import ErrorKind, error_region
from misure_onnx.instances.groups import CONNECTIVITY, MIN_SIZE, Group, find_instances, instance_target
from misure_onnx.mask import resize_region
from misure_onnx.methods import METHODS
from misure_onnx.methods.base import Method
from misure_onnx.metrics import ALWAYS, METRICS
from misure_onnx.metrics.base import Metric, RerunMetric, TruthMetric
from misure_onnx.network_input import in_network_axes
from misure_onnx.preprocessing import Preprocessing, load_preprocessing
from misure_onnx.segmenter import Segmenter, load_input
from misure_onnx.target import ResolvedTarget
from misure_onnx.types import Images, Scores
from misure_onnx.volumes import VolumeLike


def load_segmenter(
    source: str | Path | Callable[[Images], Scores],
    preprocess: Preprocessing | Mapping[str, Any] | str | Path | None = None,
    *,
    provider: str = "auto",
    window: float | None = None,
    remote: RemoteOptions | None = None,
) -> Segmenter:
    """A model to explain.

    Args:
        source: an ONNX file, the address of a model behind a server (http://HOST:PORT/v2/models/NAME, grpc://HOST:PORT/NAME
            or mlflow+http://HOST:PORT), or a Python function from images (N, C, H, W) to scores (N, L, h, w).
        preprocess: a preset (`imagenet`, `unit`, `minus1_1`, `raw`, `caffe`), a YAML file, a mapping of
            its fields, or a `Preprocessing`. None: the model's own metadata, else an assumption that is noted.
        provider: `auto` (CUDA where it loads, else the CPU), `cpu`, `cuda`, ... or ONNX Runtime's own string;
            `cuda` computes in float32, `cuda-tf32` with fewer bits; `openvino` (float32) or `openvino-bf16`: OpenVINO
            itself. Of an ONNX file only.
        window: slide the model over images (or volumes) larger than itself, with this overlap, a share of its side;
            None: images are resized to it.
        remote: how the server is asked; of an address only.

    Raises:
        ModelError, UnsupportedModel, PreprocessingError, ProviderError, ServerError: see there.
        InputError: an address that is none, a function without preprocessing, or a provider or server's options for
            a model that has neither.
        ParameterError: the window is out of range, or the model takes any size.
    """
    segmenter = _load(source, preprocess, provider, remote)
    return segmenter if window is None else WindowedSegmenter(segmenter, window)


def _load(
    source: str | Path | Callable[[Images], Scores],
    preprocess: Preprocessing | Mapping[str, Any] | str | Path | None,
    provider: str,
    remote: RemoteOptions | None,
) -> Segmenter:
    declared = None if preprocess is None else load_preprocessing(preprocess)
    served = not callable(source) and "://" in str(source)
    if remote is not None and not served:
        raise InputError(
            f"options of a server were given, but the model is {'a function' if callable(source) else 'a file'}"
        )
    if callable(source):
        if declared is None:
            raise InputError("a Python function needs a declared preprocessing with at least 'size' and 'output'")
        if provider != "auto":
            raise InputError(f"provider {provider!r} was asked for; a Python function runs wherever it runs itself")
        return PythonFunctionSegmenter(source, preprocessing=declared)
    if served:
        if provider != "auto":
            raise InputError(f"provider {provider!r} was asked for; a server chooses its own")
        return OpenInferenceSegmenter(str(source), preprocessing=declared, options=remote)
    if provider.lower() in PRECISIONS:
        return OpenVinoSegmenter(source, preprocessing=declared, provider=provider.lower())
    return OnnxRuntimeSegmenter(source, preprocessing=declared, provider=provider)


def every_object(
    segmenter: Segmenter, image: ImageLike | VolumeLike, class_spec: int | str | None = None, *, min_pixels: int = 16
) -> tuple[ResolvedTarget, ...]:
    """Every connected object that the model predicts, largest first, each a target to explain.

    Args:
        segmenter: the deployed model.
        image: the image or volume that will be explained.
        class_spec: only objects of this class (index or name).
        min_pixels: smaller objects, counted at the network's size, are left out.

    Raises:
        TargetError: there is none.
    """
    scores = segmenter.predict(segmenter.prepare(load_input(image)))
    return targets.every_object(segmenter.spec, scores, class_spec, min_pixels)


def objects_against_truth(
    segmenter: Segmenter,
    image: ImageLike,
    truth: npt.ArrayLike,
    class_spec: int | str,
    *,
    connectivity: int = CONNECTIVITY,
    min_size: int = MIN_SIZE,
) -> tuple[tuple[Group, ResolvedTarget], ...]:
    """The detected, false and missed objects of a class, each a target to explain.

    Args:
        segmenter: the deployed model.
        image: the image that will be explained.
        truth: (H, W) at the image's size: non-zero where the class truly is.
        class_spec: index or name of the class.
        connectivity: as for `find_instances`.
        min_size: objects with fewer pixels, counted at the network's size, do not count.

    Raises:
        TargetError: no such class, or a ground truth of another size.
    """
    loaded, mask = load_image(image), np.asarray(truth) != 0
    if mask.shape != loaded.size:
        raise TargetError(
            f"the ground truth has shape {list(mask.shape)}, the image is {loaded.size[0]}x{loaded.size[1]} (height x "
            "width): pass a mask of the image's size"
        )
    index = class_index(segmenter.spec, class_spec)
    scores = segmenter.predict(segmenter.prepare(loaded))
    predicted = segmenter.spec.head.membership(scores, index)[0]
    true = resize_region(mask, (predicted.shape[0], predicted.shape[1]))
    found = find_instances(predicted, true, connectivity=connectivity, min_size=min_size)
    return tuple((one.group, instance_target(segmenter.spec, index, one, predicted)) for one in found)


def error_target(
    segmenter: Segmenter, image: ImageLike | VolumeLike, truth: TruthLike, class_spec: int | str, kind: ErrorKind
) -> ResolvedTarget:
    """Where prediction and ground truth of a class differ, a target to explain.

    Args:
        segmenter: the deployed model.
        image: the image or volume that will be explained.
        truth: at the image's size, a file or an array: non-zero where the class truly is, or a label map.
        class_spec: index or name of the class.
        kind: `missed` (why does the model say something else there?) or `false` (why does it see the class there?);
            see `error_region`.

    Raises:
        TargetError: no such class, or no such error in this image.
        ImageError: the ground truth cannot be read, or has another size.
    """
    loaded = load_input(image)
    known = truth_of_size(truth, loaded.size)
    index = class_index(segmenter.spec, class_spec)
    scores = segmenter.predict(segmenter.prepare(loaded))
    true = in_network_axes(known.region(index), segmenter.spec.preprocessing)
    return error_region(segmenter.spec, scores, resize_region(true, scores.shape[2:]), index, kind)


def make_method(name: str, preset: str | None = None, settings: Mapping[str, str] | None = None) -> Method:
    """A method by its registry name.

    Args:
        name: in `METHODS`.
        preset: one of its presets; None: its defaults.
        settings: parameters as text, as the command line has them.

    Raises:
        ParameterError: no such method, preset or parameter, or a value of the wrong type.
    """
    if name not in METHODS:
        raise ParameterError(f"method {name!r} is unknown; the known ones are {', '.join(METHODS)}")
    method = METHODS[name]
    parsed = {key: _parsed(method, key, text) for key, text in (settings or {}).items()}
    return method.from_preset(preset, **parsed) if preset else method.with_parameters(parsed)


def make_methods(names: Sequence[str], preset: str | None, settings: Mapping[str, str]) -> list[Method]:
    """Several methods; a preset or parameter goes to every method that has it, and must belong to at least one.

    Raises:
        ParameterError: as `make_method`.
    """
    for name in names:
        make_method(name)
    if len(set(names)) < len(names):
        raise ParameterError(f"every method can be chosen once, got {', '.join(names)}")
    if preset and not any(preset in METHODS[name].PRESETS for name in names):
        presets = {p for name in names for p in METHODS[name].PRESETS}
        raise ParameterError(
            f"no chosen method has a preset {preset!r}; theirs are {', '.join(sorted(presets)) or 'none'}"
        )
    fields = {name: {f.name for f in dataclasses.fields(METHODS[name])} for name in names}  # type: ignore[arg-type]
    for key in settings:
        if not any(key in fields[name] for name in names):
            known = ", ".join(sorted(set().union(*fields.values())))
            raise ParameterError(f"no chosen method has a parameter {key!r}; theirs are {known}")
    return [
        make_method(
            name,
            preset if preset in METHODS[name].PRESETS else None,
            {key: text for key, text in settings.items() if key in fields[name]},
        )
        for name in names
    ]


def make_metrics(
    names: str | Sequence[str] = "standard", settings: Mapping[str, str] | None = None, *, truth: bool = False
) -> dict[str, Metric]:
    """Metrics by their registry names, for `Method.explain(metrics=...)`.

    Args:
        names: names in `METRICS`, one text with commas or a list. `standard` stands for those that judge the map,
            `all` for these and those that run the method again; neither for the three that are always measured.
        settings: parameters as text, by "metric.parameter", as the command line has them.
        truth: whether `standard` and `all` include the metrics that need a ground truth.

    Raises:
        ParameterError: no such metric or parameter, or a value out of range.
    """
    listed = names.split(",") if isinstance(names, str) else list(names)
    chosen = list(dict.fromkeys(name for entry in listed for name in _expanded(entry, truth=truth)))
    by_metric: dict[str, dict[str, Any]] = {name: {} for name in chosen}
    for key, text in (settings or {}).items():
        name, _, parameter = key.partition(".")
        if name not in by_metric:
            raise ParameterError(f"{key!r} sets a parameter of a metric that is not measured: {', '.join(chosen)} are")
        known = {f.name for f in dataclasses.fields(METRICS[name])}  # type: ignore[arg-type]
        if parameter not in known:
            listing = ", ".join(sorted(known)) or "none"
            raise ParameterError(f"metric {name} has no parameter {parameter!r}; its parameters: {listing}")
        by_metric[name][parameter] = _parsed(METRICS[name], parameter, text)
    return {name: METRICS[name](**parameters) for name, parameters in by_metric.items()}


def _expanded(name: str, *, truth: bool) -> list[str]:
    if name not in ("standard", "all"):
        if name in METRICS:
            return [name]
        near = difflib.get_close_matches(name, METRICS, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else f"the known ones are {', '.join(METRICS)}"
        raise ParameterError(f"metric {name!r} is unknown: {hint} (standard and all stand for several)")
    left_out: tuple[type[Metric], ...] = () if truth else (TruthMetric,)
    left_out += (RerunMetric,) if name == "standard" else ()
    return [known for known, metric in METRICS.items() if known not in ALWAYS and not issubclass(metric, left_out)]


_KINDS = {int: "a whole number", float: "a number"}


def _parsed(owner: type[Method] | type[Metric], key: str, text: str) -> Any:
    """A parameter's text as the type of its default."""
    defaults = {f.name: f.default for f in dataclasses.fields(owner)}  # type: ignore[arg-type]
    if key not in defaults:
        return text  # refused by the owner itself, with the list of its parameters
    kind: type[Any] = type(defaults[key])
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise ParameterError(f"{key} must be true or false, got {text!r}")
        return text.lower() == "true"
    try:
        value = kind(text)
    except ValueError as error:
        raise ParameterError(f"{key} must be {_KINDS[kind]}, got {text!r}") from error
    if kind is float and not math.isfinite(value):
        raise ParameterError(f"{key} must be finite, got {text!r}")
    return value
