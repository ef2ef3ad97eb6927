"""Trains one of the paper's networks, exports it, and records the Dice that the exported file reaches.

    python -m benchmarks.paper.train triangle unet --data DIR --out out/triangle_unet.onnx --small

Beside the file stands a JSON of the same name with the settings, the Dice of the validation part, machine and versions.
On a GPU where torch finds one. Images are turned and mirrored at random; the loss is cross-entropy + (1 - soft Dice).
`--hide 0.7` trains a network that fills in what it does not see: of every image a random share of the pixels, at most
0.7, is black, and the labels stay.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from benchmarks.datasets.labelled import UNKNOWN, Dataset, LabelledImage, Labels
from benchmarks.datasets.registry import open_dataset
from benchmarks.paper.deploy import deploy
from benchmarks.paper.networks import Recipe, recipe
from benchmarks.paper.truth import mean_dice
from benchmarks.results_file import write_results
from misure_onnx.file_hash import sha256_of
from misure_onnx.images import load_image
from misure_onnx.machine import describe_machine
from misure_onnx.mask import nearest_pixels
from misure_onnx.network_input import network_input
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.types import FloatArray


def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, trains, exports, measures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paper.train", description=__doc__)
    parser.add_argument("dataset", choices=["triangle", "synapse"])
    parser.add_argument("model", choices=["unet", "transunet"])
    parser.add_argument("--data", type=Path, help="directory of the data set's files")
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file to write")
    parser.add_argument("--small", action="store_true", help="a smaller network, for two processor cores")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--hide", type=float, default=0.0, help="largest share of the pixels that training hides")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    chosen = recipe(options.dataset, options.model, small=options.small)
    chosen = dataclasses.replace(chosen, epochs=options.epochs or chosen.epochs, hide=options.hide)
    training = open_dataset(options.dataset, options.data, "training")
    validation = open_dataset(options.dataset, options.data, "validation")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    started = time.perf_counter()
    network = train(training, chosen, device, options.seed)
    seconds = time.perf_counter() - started
    options.out.parent.mkdir(parents=True, exist_ok=True)
    deploy(network.cpu(), options.out, chosen, training.class_names)
    record = {
        "machine": describe_machine(),
        "dataset": options.dataset,
        "small": options.small,
        "network": f"{chosen.name}, up to {chosen.hide:.0%} of the pixels hidden" if chosen.hide else chosen.name,
        "device": str(device),
        "settings": {f.name: getattr(chosen, f.name) for f in dataclasses.fields(chosen) if f.name != "build"},
        "seed": options.seed,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "training_images": len(training),
        "training_seconds": round(seconds),
        "validation_images": len(validation),
        "validation_dice": mean_dice(options.out, validation),
        "sha256": sha256_of(options.out),
    }
    write_results(options.out.with_suffix(".json"), record)
    print(json.dumps(record["validation_dice"]))


def train(dataset: Dataset, settings: Recipe, device: torch.device, seed: int) -> nn.Module:
    """The trained network in evaluation mode, on the device."""
    torch.manual_seed(seed)
    network = settings.build(len(dataset.class_names)).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    images = [dataset[index] for index in tqdm(range(len(dataset)), desc="images", disable=None)]
    steps = settings.epochs * -(-len(images) // settings.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, total_steps=steps)
    progress = tqdm(_batches(images, settings, seed), total=steps, desc=settings.name, disable=None, mininterval=5)
    for pictures, labels in progress:
        optimiser.zero_grad()
        current = loss(network(pictures.to(device)), labels.to(device))
        current.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        progress.set_postfix(loss=f"{current.item():.4f}", refresh=False)
    trained: nn.Module = network.eval()
    return trained


def loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy + (1 - soft Dice, a mean over the classes that are no background).

    Args:
        logits: (N, L, H, W).
        labels: (N, H, W) int64; `UNKNOWN` counts in neither.
    """
    known = labels != UNKNOWN
    found = logits.softmax(dim=1) * known[:, None]
    truth = torch.stack([labels == index for index in range(logits.shape[1])], dim=1).to(found.dtype)
    overlap, total = (found * truth).sum((0, 2, 3)), found.sum((0, 2, 3)) + truth.sum((0, 2, 3))
    dice = (2 * overlap[1:] + 1) / (total[1:] + 1)
    return functional.cross_entropy(logits, labels, ignore_index=UNKNOWN) + 1 - dice.mean()


def _batches(images: Sequence[LabelledImage], settings: Recipe, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    rng = np.random.default_rng(seed)
    for _ in range(settings.epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(order), settings.batch):
            pairs = [
                hidden(*_turned(*as_input(images[index], settings), rng), settings.hide, rng)
                for index in order[start : start + settings.batch]
            ]
            pictures, labels = (np.stack(arrays) for arrays in zip(*pairs, strict=True))
            yield torch.from_numpy(pictures).contiguous(memory_format=torch.channels_last), torch.from_numpy(labels)


def as_input(item: LabelledImage, settings: Recipe) -> tuple[FloatArray, Labels]:
    """What the deployed network will see, (C, H, W) float32, and the labels at its size, (H, W) int64."""
    declared = Preprocessing.from_mapping(settings.preprocessing(), "recipe")
    size = (settings.side, settings.side)
    picture = network_input(load_image(item.image).pixels, declared, settings.channels, size)[0]
    rows, columns = (nearest_pixels(n, settings.side) for n in item.labels.shape)
    return picture, item.labels[np.ix_(rows, columns)]


def hidden(picture: FloatArray, labels: Labels, most: float, rng: np.random.Generator) -> tuple[FloatArray, Labels]:
    """The picture without a random share of its pixels, and the labels of all of them."""
    if most == 0:
        return picture, labels
    seen = rng.random(labels.shape) >= rng.uniform(0, most)
    return picture * seen.astype(picture.dtype), labels


def _turned(picture: FloatArray, labels: Labels, rng: np.random.Generator) -> tuple[FloatArray, Labels]:
    """Both turned by a random multiple of 90 degrees, and mirrored half of the times."""
    quarters, mirrored = int(rng.integers(4)), rng.integers(2)
    picture, labels = np.rot90(picture, quarters, axes=(1, 2)), np.rot90(labels, quarters)
    if mirrored:
        picture, labels = picture[..., ::-1], labels[..., ::-1]
    return np.ascontiguousarray(picture), np.ascontiguousarray(labels)


if __name__ == "__main__":
    main()
