"""Training on scenes that are made while training: none is seen twice."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.datasets.triangle import Objects, Triangle
from exporters.demo_model.unet import UNet


@dataclass(frozen=True)
class Settings:
    """What determines the trained network, apart from the objects and the versions of the libraries.

    Attributes:
        scenes: images trained on, each once.
        batch: images a step.
        learning_rate: the highest of the one-cycle schedule, for AdamW.
        weight_decay: of AdamW.
        validation: images that the exported file is measured on.
        seed: of the split and the first weights; the scenes of training and of validation use the next two.
    """

    scenes: int = 9_600
    batch: int = 16
    learning_rate: float = 4e-3
    weight_decay: float = 1e-4
    validation: int = 600
    seed: int = 0

    @property
    def steps(self) -> int:
        """Updates of the weights."""
        return self.scenes // self.batch


def triangles(source: Objects, settings: Settings) -> tuple[Triangle, Triangle]:
    """Scenes to train on and to validate with, made of disjoint parts of the source's objects."""
    training, validation = source.split(seed=settings.seed)
    return (
        Triangle(training, length=settings.steps * settings.batch, seed=settings.seed + 1),
        Triangle(validation, length=settings.validation, seed=settings.seed + 2),
    )


def train(scenes: Triangle, settings: Settings, progress: Callable[[int, float], None]) -> UNet:
    """A trained network in evaluation mode.

    Args:
        scenes: at least `settings.steps * settings.batch` of them.
        settings: see there.
        progress: called with the number of steps done and the mean loss since the last call.
    """
    torch.manual_seed(settings.seed)
    # Channels last makes these convolutions twice as fast on a processor.
    network: UNet = UNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, total_steps=settings.steps)
    recent: list[float] = []
    for step, (images, masks) in enumerate(_batches(scenes, settings), start=1):
        optimiser.zero_grad()
        current = loss(network(images), masks)
        current.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        recent.append(current.item())
        if step % 50 == 0:
            progress(step, float(np.mean(recent)))
            recent.clear()
    network.eval()
    return network


def loss(logits: Tensor, masks: Tensor) -> Tensor:
    """Cross-entropy + (1 - soft Dice of the foreground), each a mean over the batch.

    Args:
        logits: (N, 2, H, W).
        masks: (N, H, W) bool.
    """
    truth = masks.to(logits.dtype)
    found = logits.softmax(dim=1)[:, 1]
    overlap, total = (found * truth).sum((1, 2)), found.sum((1, 2)) + truth.sum((1, 2))
    dice = (2 * overlap + 1) / (total + 1)
    return functional.cross_entropy(logits, masks.long()) + 1 - dice.mean()


def network_input(images: list[np.ndarray[tuple[int, int], np.dtype[np.float32]]]) -> Tensor:
    """Grey (H, W) images as (N, 3, H, W), the grey value in all three channels."""
    grey = torch.from_numpy(np.stack(images))[:, None]
    return grey.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def _batches(scenes: Triangle, settings: Settings) -> Iterator[tuple[Tensor, Tensor]]:
    for step in range(settings.steps):
        samples = [scenes[index] for index in range(step * settings.batch, (step + 1) * settings.batch)]
        masks = torch.from_numpy(np.stack([sample.mask for sample in samples]))
        yield network_input([sample.image for sample in samples]), masks
