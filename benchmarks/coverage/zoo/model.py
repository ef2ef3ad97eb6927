"""What a model of the zoo is."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Model:
    """A segmentation network with random weights, built when it is asked for.

    Attributes:
        family: the architecture, as its paper calls it.
        build: makes the network.
        shape: of one image, (C, H, W) or (C, D, H, W).
        widely: exported in every way; the others in the three most usual.
    """

    family: str
    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    widely: bool = False


class Entry(nn.Module):
    """A network whose result is a mapping or an object: one tensor of it."""

    def __init__(self, network: nn.Module, name: str, **arguments: object) -> None:
        super().__init__()
        self.network, self.name, self.arguments = network, name, arguments

    def forward(self, image: Tensor) -> Tensor:
        """Scores (N, L, ...)."""
        scores: Tensor = self.network(image, **self.arguments)[self.name]
        return scores
