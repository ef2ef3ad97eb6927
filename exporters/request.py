"""What a user asks of an exporter, the same for every family."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from misure_onnx.errors import InputError
from misure_onnx.preprocessing import PRESETS, Preprocessing
from misure_onnx.scores import ScoreKind
from misure_onnx.types import Size

TorchExporter = Literal["dynamo", "legacy"]


@dataclass(frozen=True)
class Request:
    """A network, its weights, and what nobody but its owner knows about it.

    Attributes:
        model: the network, in its family's own words.
        weights: a file or directory of weights.
        pretrained: weights as the framework's hub has them, or as the object brings them.
        seed: of random weights; None: the weights are not random.
        settings: arguments of the network's constructor.
        size: (height, width) or (depth, height, width) of the input.
        channels: C of the input.
        classes: L; None: the family's own number.
        class_names: one a class.
        preprocessing: what the family assumes otherwise.
        output: what the scores are; None: found in the graph.
        head: which result, of a network that returns several: a key, or a number.
        source, licence: in place of what the family knows.
        exporter: torch's newer (`dynamo`) or older (`legacy`) way to ONNX.
        opset: None: the exporter's own.
    """

    model: str
    weights: Path | None = None
    pretrained: bool = False
    seed: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    size: Size | None = None
    channels: int = 3
    classes: int | None = None
    class_names: tuple[str, ...] | None = None
    preprocessing: Preprocessing | None = None
    output: ScoreKind | None = None
    head: str | None = None
    source: str | None = None
    licence: str | None = None
    exporter: TorchExporter = "dynamo"
    opset: int | None = None

    def __post_init__(self) -> None:
        named = len(self.class_names) if self.class_names else None
        if named and self.classes and named != self.classes:
            raise InputError(f"{named} class names were given for {self.classes} classes: give one a class")

    @property
    def class_count(self) -> int | None:
        """L, where it was said."""
        return len(self.class_names) if self.class_names else self.classes

    @property
    def weights_in_words(self) -> str:
        """Where the weights came from; part of the metadata."""
        if self.seed is not None:
            return f"random weights (seed {self.seed})"
        return f"weights of {self.weights.name}" if self.weights else "pretrained weights"

    def described(
        self,
        declared: Preprocessing,
        *,
        source: str,
        size: Size | None = None,
        class_names: tuple[str, ...] | None = None,
        licence: str | None = None,
    ) -> Preprocessing:
        """The declaration for the file: what the user said, else what the family knows.

        Args:
            declared: how pictures become the network's input.
            source: framework, version and network; where the weights came from is added.
            size: as the family knows it.
            class_names: as the family knows them.
            licence: as the family knows it.
        """
        return dataclasses.replace(
            declared,
            size=self.size or declared.size or size,
            class_names=self.class_names or class_names,
            source=self.source or f"{source}, {self.weights_in_words}",
            licence=self.licence or licence,
        )

    def required_size(self) -> Size:
        """The size, of a network that has none by itself.

        Raises:
            InputError: none was given.
        """
        if self.size is None:
            raise InputError("the size of the input is not known: give --size HEIGHT,WIDTH (or DEPTH,HEIGHT,WIDTH)")
        return self.size

    def required_preprocessing(self) -> Preprocessing:
        """How pictures become the network's input, where no convention tells; random weights take any.

        Raises:
            InputError: it was not declared.
        """
        if self.preprocessing is not None:
            return self.preprocessing
        if self.seed is None:
            raise InputError(
                "how pictures become the network's input is known only to who trained it: give --preprocess "
                f"({', '.join(PRESETS)}, or a YAML file)"
            )
        return Preprocessing(rescale="min_max") if self.size and len(self.size) == 3 else PRESETS["unit"]
