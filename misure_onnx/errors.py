"""Every error this library raises on purpose.

    MisureError
    ├── InputError                 the user's input is wrong (the command line exits with 2)
    │   ├── ModelError             the ONNX file cannot be read or run
    │   │   ├── UnsupportedModel   it can be run, but it is no segmentation model we can explain
    │   │   └── ModelOutputError   it ran and gave NaN or infinity
    │   ├── PreprocessingError     the declared preprocessing is incomplete or contradicts the model
    │   ├── ImageError             the image cannot be read, or is too large or too small
    │   ├── TargetError            the class or object does not exist, or was not predicted
    │   ├── ParameterError         a method's parameter is unknown or out of range
    │   └── OutputError            the output directory cannot be written
    ├── ServerError                a server does not answer, refuses, or does not keep to its protocol
    ├── ProviderError              an execution provider was asked for by name and did not load
    └── GradientError              no gradient route is left for this model
        └── FidelityError          a route was built, but deviates from the deployed model

A message says what was expected, what came and what to do. `ServerError`, `ProviderError` and `GradientError` are
answers to a choice of the user's too, so the command line exits with 2 for every `MisureError`.
"""


class MisureError(Exception):
    """Base of all errors raised on purpose."""


class InputError(MisureError):
    """What the user passed cannot be used."""


class ModelError(InputError):
    """The ONNX file cannot be read or run."""


class UnsupportedModel(ModelError):  # noqa: N818 - reads as what it is
    """The model is valid, but not one that can be explained."""


class ModelOutputError(ModelError):
    """The model gave NaN or infinity."""


class PreprocessingError(InputError):
    """The declared preprocessing is incomplete or contradicts the model."""


class ImageError(InputError):
    """The image cannot be used."""


class TargetError(InputError):
    """The target does not exist or was not predicted."""


class ParameterError(InputError):
    """A parameter of a method is unknown or out of range."""


class OutputError(InputError):
    """Results cannot be written where the user asked."""


class ServerError(MisureError):
    """A server does not answer, refuses, or does not keep to its protocol."""


class ProviderError(MisureError):
    """An execution provider asked for by name is not available."""


class GradientError(MisureError):
    """No gradient route is available."""


class FidelityError(GradientError):
    """A gradient route deviates from the deployed model."""


def require(condition: bool, message: str) -> None:  # noqa: FBT001 - reads as a sentence: require(x > 0, "...")
    """Refuses a parameter.

    Raises:
        ParameterError: the condition does not hold.
    """
    if not condition:
        raise ParameterError(message)
