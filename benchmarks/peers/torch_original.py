"""The bundled network in torch, with the weights that stand in the ONNX file: what peers that need a module get."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.peers.job import Array, Job
from exporters.demo_model.unet import UNet


class Original:
    """The network, counting its forwards.

    Attributes:
        network: (N, 3, H, W) -> logits.
        layer: the module behind the bottleneck, as `misure inspect --layers` names it.
        image: (1, 3, H, W).
        forwards: up to now.
    """

    def __init__(self, job: Job) -> None:
        torch.set_num_threads(1)
        self.network = with_weights(job.weights)
        self.layer = self.network.bottleneck[-1]
        self.image = torch.from_numpy(np.asarray(job.image, np.float32))
        self.region = torch.from_numpy(np.asarray(job.region, np.float32))
        self.forwards, self._class = 0, job.class_index
        self.network.register_forward_hook(self._counted)

    def _counted(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        del module, output
        self.forwards += len(inputs[0])

    def mean_score(self, images: Tensor) -> Tensor:
        """(N, 1): the class's logit, a mean over the object."""
        logits = self.network(images)[:, self._class]
        mean: Tensor = (logits * self.region).sum(dim=(1, 2)) / self.region.sum()
        return mean[:, None]

    def soft_dice(self, images: Tensor) -> Tensor:
        """(N, 2): of the class's probability with the object, and one minus it."""
        found = self.network(images).softmax(dim=1)[:, self._class]
        dice = 2 * (found * self.region).sum(dim=(1, 2)) / (found + self.region).sum(dim=(1, 2))
        return torch.stack([dice, 1 - dice], dim=1)

    def forward_and_backward(self, count: int) -> None:
        """The bare loop of whatever asks for gradients; not counted."""
        self._alone(count, backwards=True)

    def forward(self, count: int) -> None:
        """The bare loop of whatever asks for none; not counted."""
        with torch.no_grad():
            self._alone(count, backwards=False)

    def _alone(self, count: int, *, backwards: bool) -> None:
        counted = self.forwards
        for _ in range(count):
            result = self.network(self.image.clone().requires_grad_(backwards))
            if backwards:
                result.backward(torch.ones_like(result))
        self.network.zero_grad()
        self.forwards = counted

    def count(self) -> int:
        """Forwards up to now, without the bare ones."""
        return self.forwards


def with_weights(folder: str) -> UNet:
    """The network without normalisations, which the exporter folds into the convolutions before them.

    Args:
        folder: has 0w.npy, 0b.npy, 1w.npy, ..., the convolutions' weights in the order in which they run.
    """
    network = UNet().eval()
    _without_normalisation(network)
    convolutions = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]
    load: Callable[[str], Tensor] = lambda name: torch.from_numpy(np.load(Path(folder) / f"{name}.npy"))  # noqa: E731
    with torch.no_grad():
        for index, module in enumerate(convolutions):
            module.weight.copy_(load(f"{index}w"))
            module.bias = nn.Parameter(load(f"{index}b"))
    return network


def _without_normalisation(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, nn.Identity())
        else:
            _without_normalisation(child)


def enlarged(coarse: Tensor, job: Job) -> Array:
    """(h, w) -> (H, W), bilinear."""
    size = job.region.shape
    grown = nn.functional.interpolate(coarse[None, None], size, mode="bilinear", align_corners=False)
    return np.asarray(grown[0, 0].detach())
