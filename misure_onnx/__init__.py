"""Explains image segmentation models as they are deployed.

    import misure_onnx as mx

    segmenter = mx.load_segmenter("model.onnx", preprocess="imagenet")
    target = mx.Target.from_class("person")
    explanation = mx.MiSuRe(tau=0.9).explain(segmenter, image, target)
    explanation.save("out/")

Names are imported when they are first used, so that importing the package is cheap.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from misure_onnx.api import error_target as error_target
    from misure_onnx.api import every_object as every_object
    from misure_onnx.api import load_segmenter as load_segmenter
    from misure_onnx.api import make_method as make_method
    from misure_onnx.api import make_metrics as make_metrics
    from misure_onnx.backends.open_inference import RemoteOptions as RemoteOptions
    from misure_onnx.errors import GradientError as GradientError
    from misure_onnx.errors import InputError as InputError
    from misure_onnx.errors import MisureError as MisureError
    from misure_onnx.errors import ProviderError as ProviderError
    from misure_onnx.explanation import Explanation as Explanation
    from misure_onnx.images import load_image as load_image
    from misure_onnx.methods import METHODS as METHODS
    from misure_onnx.methods.base import Method as Method
    from misure_onnx.methods.explain_all import explain_all as explain_all
    from misure_onnx.methods.misure import MiSuRe as MiSuRe
    from misure_onnx.methods.predicted_mask import PredictedMask as PredictedMask
    from misure_onnx.methods.random_mask import RandomMask as RandomMask
    from misure_onnx.methods.remeasure import measure as measure
    from misure_onnx.methods.rise import Rise as Rise
    from misure_onnx.methods.sufficient_region import SufficientRegion as SufficientRegion
    from misure_onnx.metrics import METRICS as METRICS
    from misure_onnx.preprocessing import Preprocessing as Preprocessing
    from misure_onnx.segmenter import Segmenter as Segmenter
    from misure_onnx.target import Target as Target

__version__ = "0.1.0"

_HOMES = {
    "Explanation": "explanation",
    "GradientError": "errors",
    "InputError": "errors",
    "METHODS": "methods",
    "METRICS": "metrics",
    "Method": "methods.base",
    "MiSuRe": "methods.misure",
    "MisureError": "errors",
    "PredictedMask": "methods.predicted_mask",
    "Preprocessing": "preprocessing",
    "ProviderError": "errors",
    "RandomMask": "methods.random_mask",
    "RemoteOptions": "backends.open_inference",
    "Rise": "methods.rise",
    "Segmenter": "segmenter",
    "SufficientRegion": "methods.sufficient_region",
    "Target": "target",
    "error_target": "api",
    "every_object": "api",
    "explain_all": "methods.explain_all",
    "load_image": "images",
    "load_segmenter": "api",
    "make_method": "api",
    "make_metrics": "api",
    "measure": "methods.remeasure",
}

__all__ = [
    "METHODS",
    "METRICS",
    "Explanation",
    "GradientError",
    "InputError",
    "Method",
    "MiSuRe",
    "MisureError",
    "PredictedMask",
    "Preprocessing",
    "ProviderError",
    "RandomMask",
    "RemoteOptions",
    "Rise",
    "Segmenter",
    "SufficientRegion",
    "Target",
    "error_target",
    "every_object",
    "explain_all",
    "load_image",
    "load_segmenter",
    "make_method",
    "make_metrics",
    "measure",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
