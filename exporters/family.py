"""A family of networks: one file in `families/`, one line in its registry."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from exporters.request import Request
from exporters.source import Source
from misure_onnx.errors import InputError


@dataclass(frozen=True)
class Family:
    """How networks of one framework become sources.

    Attributes:
        summary: a line for the list of families.
        model: what MODEL stands for.
        settings: what `--set` takes.
        weights: what `--weights` takes.
        pretrained: what `--pretrained` does.
        packages: modules that must be installed.
        build: makes the source; imports the framework.
    """

    summary: str
    model: str
    settings: str
    weights: str
    pretrained: str
    packages: tuple[str, ...]
    build: Callable[[Request], Source]

    def source(self, request: Request) -> Source:
        """The network that was asked for.

        Raises:
            InputError: a package is missing, or the request cannot be met.
        """
        missing = self.missing()
        if missing:
            raise InputError(
                f"{', '.join(missing)} is not installed, which this family needs: "
                "pip install --group exporters (in a checkout), or the package itself"
            )
        return self.build(request)

    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return [name for name in self.packages if importlib.util.find_spec(name) is None]
