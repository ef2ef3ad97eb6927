"""`python -m exporters.demo_model`: trains, exports, measures, and writes triangle.onnx, .png and .json."""

import argparse
import json
import time
from pathlib import Path

import cv2
import torch

from benchmarks.datasets.triangle import Objects, fashion_mnist, handwritten_digits
from exporters.demo_model.export import export, parity
from exporters.demo_model.measure import choose_picture, dice, picture
from exporters.demo_model.record import record
from exporters.demo_model.train import Settings, network_input, train, triangles
from misure_onnx.api import load_segmenter

_DEFAULTS = Settings()
_PARITY_IMAGES = 8


def main(arguments: list[str] | None = None) -> None:
    """Parses the command line and makes the three files."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    settings = Settings(scenes=options.scenes, validation=options.validation, seed=options.seed)
    source = fashion_mnist(options.fashion_mnist) if options.fashion_mnist else handwritten_digits()
    options.out.mkdir(parents=True, exist_ok=True)
    make(options.out, source, settings, command=_command(options))


def make(out: Path, source: Objects, settings: Settings, *, command: str) -> None:
    """Writes triangle.onnx, triangle.png and triangle.json into an existing directory."""
    model, image = out / "triangle.onnx", out / "triangle.png"
    scenes = triangles(source, settings)
    started = time.perf_counter()
    network = train(scenes[0], settings, lambda step, loss: print(f"step {step}/{settings.steps}: loss {loss:.4f}"))
    seconds = time.perf_counter() - started
    export(network, model, scenes[0].size)
    segmenter = load_segmenter(model, provider="cpu")
    compared = network_input([scenes[1][index].image for index in range(min(_PARITY_IMAGES, settings.validation))])
    deviation = parity(network, segmenter, compared)
    reached = dice(segmenter, scenes[1])
    chosen = choose_picture(scenes[1], reached)
    cv2.imwrite(str(image), picture(scenes[1][chosen].image))
    written = record(
        command=command,
        settings=settings,
        network=network,
        scenes=scenes,
        dice=reached,
        parity=deviation,
        picture_index=chosen,
        seconds=seconds,
        files=(model, image),
    )
    (out / "triangle.json").write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    print(f"{model}: Dice {reached.mean():.4f} on {len(reached)} validation images, smallest {reached.min():.4f}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m exporters.demo_model", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="directory for the three files")
    parser.add_argument("--fashion-mnist", type=Path, metavar="DIR", help="objects from Fashion-MNIST's test files")
    parser.add_argument("--scenes", type=int, default=_DEFAULTS.scenes, help="training images (%(default)s)")
    parser.add_argument("--validation", type=int, default=_DEFAULTS.validation, help="images (%(default)s)")
    parser.add_argument("--seed", type=int, default=_DEFAULTS.seed, help="of everything random (%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="processor cores (%(default)s)")
    return parser


def _command(options: argparse.Namespace) -> str:
    """The command line that repeats the training, without the user's paths."""
    objects = "--fashion-mnist DIR " if options.fashion_mnist else ""
    return (
        f"python -m exporters.demo_model --out DIR {objects}--scenes {options.scenes} "
        f"--validation {options.validation} --seed {options.seed} --threads {options.threads}"
    )


if __name__ == "__main__":
    main()
