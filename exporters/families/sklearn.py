"""scikit-learn classifiers of pixels, on features that the graph computes."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from exporters.family import Family
from exporters.named import named_object
from exporters.pixel_features import ML_OPSET, OPSET, labelled_scene, per_pixel, pixel_features
from exporters.request import Request
from exporters.source import Source
from misure_onnx.errors import InputError
from misure_onnx.types import Images, Scores

_WINDOWS = (5, 11)
_SCENES = 4


def build(request: Request) -> Source:
    """A fitted classifier of the user's own code, or one of scikit-learn's fitted to synthetic scenes."""
    import sklearn

    if request.weights is not None:
        raise InputError(
            "scikit-learn keeps classifiers as pickles, which run code when they are read: load it in a function of "
            "your own, and name that as package.module:function with --pretrained"
        )
    settings = dict(request.settings)
    windows = settings.pop("windows", _WINDOWS)
    windows = (windows,) if isinstance(windows, int) else tuple(windows)
    classifier = _fitted(request, settings, windows) if request.seed is not None else _own(request, settings)
    columns, classes = request.channels * (1 + len(windows)), len(getattr(classifier, "classes_", ()))
    if getattr(classifier, "n_features_in_", None) != columns or not hasattr(classifier, "predict_proba"):
        raise InputError(
            f"expected a fitted classifier with probabilities of {columns} features ({request.channels} channels, and "
            f"their means over windows={','.join(map(str, windows))}, as exporters.pixel_features gives them); got "
            f"{type(classifier).__name__} of {getattr(classifier, 'n_features_in_', 'no')}"
        )
    declared = request.described(request.required_preprocessing(), source=_source(request, sklearn.__version__))

    def predict(images: Images) -> Scores:
        n, _, height, width = images.shape
        found = classifier.predict_proba(pixel_features(images, windows))
        return np.ascontiguousarray(found.reshape(n, height, width, classes).transpose(0, 3, 1, 2), np.float32)

    def write(path: Path) -> None:
        from skl2onnx import to_onnx

        row = np.zeros((1, columns), np.float32)
        opsets = {"": OPSET, "ai.onnx.ml": ML_OPSET}
        try:
            rows = to_onnx(classifier, row, options={"zipmap": False}, target_opset=opsets)
        except Exception as error:
            reason = str(error).splitlines()[0][:200]
            raise InputError(f"skl2onnx cannot write a {type(classifier).__name__}: {reason}") from error
        onnx.save(per_pixel(rows, request.channels, windows, classes), path)

    declared = dataclasses.replace(declared, output="softmax")
    return Source(declared, request.channels, predict, write, steps=True)


def _source(request: Request, version: str) -> str:
    return f"scikit-learn {version} {request.model}" + (
        ", fitted to synthetic scenes" if request.seed is not None else ""
    )


def _own(request: Request, settings: dict[str, Any]) -> Any:
    from exporters.torch_network import constructed

    found = named_object(request.model)
    return found if hasattr(found, "predict") else constructed(found, request.model, settings)


def _fitted(request: Request, settings: dict[str, Any], windows: tuple[int, ...]) -> Any:
    from sklearn.utils import all_estimators

    known = dict(all_estimators(type_filter="classifier"))
    if request.model not in known:
        raise InputError(f"scikit-learn has no classifier {request.model!r}; it has {', '.join(known)}")
    make, seed = known[request.model], request.seed or 0
    if "random_state" in make().get_params():
        settings = {"random_state": seed, **settings}
    try:
        classifier = make(**settings)
    except TypeError as error:
        raise InputError(f"{request.model} is refused: {error} (--set NAME=VALUE sets an argument)") from error
    scenes = [labelled_scene(seed + k, request.class_count or 3, request.channels) for k in range(_SCENES)]
    table = np.concatenate([pixel_features(image, windows) for image, _ in scenes])
    return classifier.fit(table, np.concatenate([labels.ravel() for _, labels in scenes]))


FAMILY = Family(
    summary="scikit-learn classifiers of pixels, on features that the graph computes",
    model="package.module:attribute with --pretrained: a fitted classifier, or a function that returns one; with "
    "--random-weights a classifier's name, fitted to synthetic scenes",
    settings=f"windows={','.join(map(str, _WINDOWS))} (sides of windows whose means are features); arguments of the "
    "classifier or function",
    weights="is refused: pickles run code when they are read",
    pretrained="takes the classifier as it was fitted",
    packages=("sklearn", "skl2onnx"),
    build=build,
)
