"""Any Python function as a black box."""

from collections.abc import Callable

import numpy as np

from misure_onnx.backends.resize import resize_scores
from misure_onnx.errors import ModelError, PreprocessingError
from misure_onnx.network_input import prepared
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.scores import Head
from misure_onnx.segmenter import Identity, LoadedInput, SegmenterSpec
from misure_onnx.types import Images, Scores


class PythonFunctionSegmenter:
    """A function from images (N, C, H, W) float32 to scores (N, L, h, w).

    Args:
        function: the black box.
        preprocessing: must declare `size` and `output` (what the scores are); channels follow from
            `color` (GRAY: 1, else 3) or from several values of `mean`.

    Raises:
        PreprocessingError: `size` or `output` is not declared, or the declaration contradicts the scores.
        ModelError: the function does not return scores of rank 4, one an image.
    """

    def __init__(self, function: Callable[[Images], Scores], *, preprocessing: Preprocessing) -> None:
        if preprocessing.size is None or preprocessing.output in (None, "labels"):
            raise PreprocessingError(
                "a Python function says nothing about itself: declare 'size' [height, width] and 'output' "
                "(logits, softmax, sigmoid_logits or sigmoid; labels as one-hot softmax) in its preprocessing"
            )
        self._function = function
        usual = 3 if len(preprocessing.size) == 2 else 1
        channels = 1 if preprocessing.color == "GRAY" else max(usual, len(preprocessing.mean))
        head = Head(preprocessing.output, preprocessing.threshold)
        probe = np.zeros((1, channels, *preprocessing.size), np.float32)
        classes = _called(function, probe).shape[1]
        preprocessing.check_scores(head.kind, classes)
        self.spec = SegmenterSpec(
            channels=channels,
            classes=classes,
            head=head,
            size=preprocessing.size,
            class_names=preprocessing.class_names,
            preprocessing=preprocessing,
            rank=len(preprocessing.size),
        )
        self.identity = Identity(None, None, (), ())

    def prepare(self, image: LoadedInput) -> Images:
        """The network input (1, C, H, W) for a picture."""
        return prepared(image, self.spec.preprocessing, self.spec.channels, self.spec.size or image.size)

    def predict(self, images: Images) -> Scores:
        """(N, C, H, W) float32 -> scores (N, L, H, W) float32."""
        scores = _called(self._function, images)
        return resize_scores(scores, images.shape[2:], self.spec.head)


def _called(function: Callable[[Images], Scores], images: Images) -> Scores:
    scores = np.asarray(function(images), np.float32)
    if scores.ndim != images.ndim or len(scores) != len(images):
        raise ModelError(
            f"the function must return scores (N, L, H, W) for {len(images)} images, got shape {scores.shape}"
        )
    return scores
