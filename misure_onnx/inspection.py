"""What `misure inspect` says about a model."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx

from misure_onnx.api import load_segmenter
from misure_onnx.backends.batch_sizes import measure_batch_sizes
from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.backends.open_inference import OpenInferenceSegmenter, RemoteOptions
from misure_onnx.errors import InputError
from misure_onnx.gradients import find_gradient
from misure_onnx.gradients.base import MaskProblem, PreservationLoss
from misure_onnx.gradients.gates import gate_notes
from misure_onnx.graph.input_signature import InputSignature
from misure_onnx.graph.layer_choice import list_layers
from misure_onnx.graph.load import load_structure
from misure_onnx.graph.output_signature import OutputSignature
from misure_onnx.images import ImageLike
from misure_onnx.mask import resize_map
from misure_onnx.methods import METHODS
from misure_onnx.methods.misure.forward_only import FORWARD_ROUTES
from misure_onnx.network_input import in_network_axes
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.segmenter import CountingSegmenter, LoadedInput, SegmenterSpec, load_input
from misure_onnx.target import Target
from misure_onnx.volumes import VolumeLike


def inspect_model(
    path: str | Path,
    preprocess: Preprocessing | Mapping[str, Any] | str | Path | None = None,
    *,
    provider: str = "auto",
    image: ImageLike | VolumeLike | None = None,
    layers: bool = False,
    batches: bool = False,
    remote: RemoteOptions | None = None,
) -> dict[str, Any]:
    """Inputs, outputs, layouts, output kind, providers, and the gradient route with its measured fidelity.

    Args:
        path: an ONNX file, or the address of a model behind a server.
        preprocess: as for `load_segmenter`.
        provider: as for `load_segmenter`.
        image: fidelity is measured on it; None: on smooth noise.
        layers: also list the layers that a class activation map can be taken from.
        batches: also measure how many images a call run fastest.
        remote: as for `load_segmenter`.

    Returns:
        A JSON-ready document with the sections model, input, output, providers, gradient, notes, and batches and layers
        if asked; of a model behind a server with the section server in the place of providers.

    Raises:
        InputError: a gradient, layers or batches were asked for that a model behind a server does not show.
    """
    segmenter = load_segmenter(path, preprocess, provider=provider, remote=remote)
    if isinstance(segmenter, OpenInferenceSegmenter):
        if layers or batches or image is not None:
            raise InputError(
                "a model behind a server shows no layers and no gradient, and its batches are what it says: leave out "
                "--layers, --batches and IMAGE"
            )
        return _served(segmenter)
    if not isinstance(segmenter, OnnxRuntimeSegmenter):
        raise InputError(f"{path!r} is no ONNX file")
    spec, model = segmenter.spec, load_structure(segmenter.path)
    picture = load_input(image) if image is not None else _smooth_noise(spec)
    return {
        "model": {
            "file": segmenter.path.name,
            "sha256": segmenter.identity.model_sha256,
            "opset": segmenter.identity.opset,
            "producer": f"{model.producer_name} {model.producer_version}".strip() or None,
            "nodes": len(model.graph.node),
            "operators": sorted({node.op_type for node in model.graph.node}),
        },
        "input": _input(segmenter.input, spec),
        "output": _output(segmenter.output, spec, [_described(value) for value in model.graph.output]),
        "providers": {
            "requested": list(segmenter.identity.providers_requested),
            "used": list(segmenter.identity.providers_used),
        },
        "gradient": _gradient(segmenter, picture),
        "notes": list(segmenter.identity.notes),
        **({"batches": _batches(segmenter, picture)} if batches else {}),
        **({"layers": _layers(segmenter, picture)} if layers else {}),
    }


def _served(segmenter: OpenInferenceSegmenter) -> dict[str, Any]:
    """The document of a model behind a server."""
    found, server, spec = segmenter.found, segmenter.identity.server, segmenter.spec
    methods = [name for name, method in METHODS.items() if method.needs_answers_alone()]
    exchanged = {name: round(value, 3) for name, value in dataclasses.asdict(segmenter.traffic).items()}
    return {
        "model": {
            "address": str(segmenter.address),
            "name": server.model if server else None,
            "version": server.model_version if server else None,
        },
        "server": {
            "software": found.description.server,
            "version": found.description.server_version,
            "protocol": server.protocol if server else None,
            "images_per_request": found.batches.images,
            "because": found.batches.reason,
            "concurrency": found.batches.concurrency,
            "exchanged_for_this": exchanged,
        },
        "input": {**_input(found.caller.taken, spec), "said": [str(said) for said in found.description.inputs]},
        "output": _output(found.explained.signature, spec, list(found.outputs)),
        "gradient": {"route": None, "reason": "behind a server", "remains": list(FORWARD_ROUTES), "methods": methods},
        "notes": list(segmenter.identity.notes),
    }


def _input(taken: InputSignature, spec: SegmenterSpec) -> dict[str, Any]:
    return {
        "name": taken.name,
        "layout": taken.layout,
        "dtype": str(taken.dtype),
        "channels": spec.channels,
        "size": list(spec.size) if spec.size else "free",
        "batch": taken.batch or "free",
        "preprocessing": spec.preprocessing.to_mapping(),
    }


def _output(explained: OutputSignature, spec: SegmenterSpec, all_outputs: list[str]) -> dict[str, Any]:
    return {
        "name": explained.name,
        "layout": explained.layout,
        "kind": spec.head.kind,
        "classes": spec.classes,
        "class_names": list(spec.class_names) if spec.class_names else None,
        "all_outputs": all_outputs,
    }


def _batches(segmenter: OnnxRuntimeSegmenter, image: LoadedInput) -> dict[str, Any]:
    """Milliseconds an image by images a call, and where the trying ended."""
    counting = CountingSegmenter(segmenter)
    found = measure_batch_sizes(counting, counting.prepare(image))
    return {
        "fastest": found.fastest,
        "default": segmenter.spec.batch_size,
        "calls_at_once": segmenter.spec.workers,
        "ms_an_image": {str(one.images): round(1000 * one.seconds, 3) for one in found.tried},
        "memory_mb": {str(one.images): one.memory >> 20 for one in found.tried},
        "ended": found.ended,
    }


def _layers(segmenter: OnnxRuntimeSegmenter, image: LoadedInput) -> dict[str, Any]:
    """The candidates for an image, and which one is taken where nobody says."""
    candidates, chosen = list_layers(segmenter, segmenter.prepare(image))
    return {
        "default": chosen.layer.name if chosen else None,
        "reason": chosen.reason if chosen else "no feature maps lie between the image and the scores",
        "candidates": [
            {"name": layer.name, "operator": layer.operator, "channels": layer.channels, "size": list(layer.size)}
            for layer in candidates
        ],
    }


def _gradient(segmenter: OnnxRuntimeSegmenter, image: LoadedInput) -> dict[str, Any]:
    """The first route that can be built, its fidelity, and why those before it were refused; or why there is none."""
    counting = CountingSegmenter(segmenter)
    network_image = counting.prepare(image)
    scores = counting.predict(network_image)
    labels = segmenter.spec.head.labels(scores)[0]
    most = int(np.bincount(np.maximum(labels, 0).ravel(), minlength=segmenter.spec.classes).argmax())
    if not (labels == most).any():
        return {"route": None, "reason": "nothing is predicted on the test image: pass IMAGE"}
    target = Target(class_spec=most).resolve(segmenter.spec, scores, image.size)
    problem = MaskProblem(network_image, (np.zeros_like(network_image),), target, PreservationLoss())
    gradient, refusals = find_gradient("auto", counting, problem)
    if gradient is None:
        return {"route": None, "reason": "; ".join(refusals), "remains": list(FORWARD_ROUTES)}
    fidelity = gradient.fidelity
    return {
        "route": gradient.route,
        "max_difference": fidelity.max_difference,
        "mean_difference": fidelity.mean_difference,
        "label_agreement": fidelity.label_agreement,
        "directional_error": fidelity.directional_error,
        "measured_on": image.name if image.name != "array" else "smooth noise",
        "refused": list(refusals),
        "jumps": list(gate_notes(counting)),
    }


def _smooth_noise(spec: SegmenterSpec) -> LoadedInput:
    rng = np.random.default_rng(0)
    if spec.rank == 2:
        noise = rng.integers(0, 256, (8, 8, spec.channels), np.uint8)
        return load_input(np.asarray(cv2.resize(noise, (256, 256), interpolation=cv2.INTER_CUBIC), np.uint8))
    coarse = rng.random((spec.channels, 8, 8, 8), np.float32)
    smooth = [resize_map(channel, spec.size or (64, 64, 64)) for channel in coarse]
    return load_input(np.stack([in_network_axes(channel, spec.preprocessing) for channel in smooth], axis=3))


def _described(value: onnx.ValueInfoProto) -> str:
    tensor = value.type.tensor_type
    dims = ",".join(str(d.dim_value or d.dim_param or "?") for d in tensor.shape.dim)
    return f"{value.name} {onnx.TensorProto.DataType.Name(tensor.elem_type).lower()}[{dims}]"
