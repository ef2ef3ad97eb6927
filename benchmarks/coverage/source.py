"""A network of the zoo as the reference: its scores and gradients in float64, and its time."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from benchmarks.coverage.scenes import calibrate, scenes
from benchmarks.coverage.subject import Array
from benchmarks.coverage.zoo.model import Model

_IMAGES_SEED, _UPSTREAM_SEED = 7, 1


@dataclass(frozen=True, eq=False)
class Exact:
    """What a network with rounded weights gives in float64.

    Attributes:
        scores: (1, L, ...).
        gradient: (1, C, ...).
        noise: relative L2 between torch's own float32 gradient and this one: kinks of ReLU and max-pooling flip;
            None for half precision.
    """

    scores: Array
    gradient: Array
    noise: float | None


@dataclass(frozen=True, eq=False)
class Source:
    """A network with frozen weights, two images, and weights for its scores.

    Attributes:
        network: float32, in evaluation mode.
        images: (2, C, ...).
        upstream: (1, L, ...).
    """

    network: nn.Module
    images: Tensor
    upstream: Tensor
    _exact: dict[torch.dtype, Exact] = field(default_factory=dict)

    def in_precision(self, dtype: torch.dtype) -> tuple[nn.Module, Tensor]:
        """Network and images with their numbers rounded to a type."""
        if dtype == torch.float32:
            return self.network, self.images
        return copy.deepcopy(self.network).to(dtype), self.images.to(dtype)

    def in_double(self, dtype: torch.dtype) -> Exact:
        """Weights and image rounded to a type, then everything in float64."""
        if dtype not in self._exact:
            network, images = self.in_precision(dtype)
            image, upstream = images[:1], self.upstream
            scores, gradient = _forward_and_backward(copy.deepcopy(network).double(), image.double(), upstream.double())
            noise = None
            if dtype == torch.float32:
                own = _forward_and_backward(network, image, upstream)[1].double()
                noise = float((own - gradient).norm() / gradient.norm())
            self._exact[dtype] = Exact(scores.numpy(), gradient.numpy(), noise)
        return self._exact[dtype]

    def eager(self) -> Callable[[], object]:
        """One forward and backward of one image."""
        return lambda: _forward_and_backward(self.network, self.images[:1], self.upstream)


def make_source(model: Model) -> Source:
    """Builds a network with weights from a fixed seed."""
    torch.manual_seed(0)
    network = model.build()
    calibrate(network, model.shape)
    network.requires_grad_(requires_grad=False)
    images = scenes(2, model.shape, _IMAGES_SEED)
    with torch.no_grad():
        scores = first(network(images[:1]))
    chance = torch.Generator().manual_seed(_UPSTREAM_SEED)
    return Source(network, images, torch.randn(scores.shape, generator=chance))


def first(result: Tensor | tuple[Tensor, ...]) -> Tensor:
    """The result, or the first of several."""
    return result[0] if isinstance(result, tuple) else result


def _forward_and_backward(network: nn.Module, image: Tensor, upstream: Tensor) -> tuple[Tensor, Tensor]:
    leaf = image.clone().requires_grad_()
    scores = first(network(leaf))
    (gradient,) = torch.autograd.grad(scores, leaf, upstream)
    return scores.detach(), gradient
