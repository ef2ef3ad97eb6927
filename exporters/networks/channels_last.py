"""A network of Keras as torch sees one."""

from typing import Any

from torch import Tensor, nn


class Called(nn.Module):
    """Takes one tensor, where Keras's own signature takes any number of arguments.

    Args:
        network: a keras.Model on the torch backend.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Any:
        """What the network returns in inference."""
        return self.network(images, training=False)
