"""Audits of real pictures, from one command: photos, tumours in MR slices, a retina. Each writes a report to look at.

    python -m benchmarks.real_audits --out build/real_audits

| audit | model | pictures |
|---|---|---|
| all | DeepLabV3 MobileNetV2, 257 x 257, 21 classes | all pictures, medical ones too, with the masks that there are |
| tumours | a small U-Net, trained here on four slices | those four and four others, with masks |
| retina | U-Net, 256 x 256 | the prepared retina, and the photo as it is |

Four slices are too few to learn tumours from: the report should show that the model finds those it has seen and hardly
any other.
"""

import argparse
import csv
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import yaml
from torch import Tensor

from benchmarks.results_file import write_results
from benchmarks.shared_data import Triple, data_directory, triples
from exporters.demo_model.train import loss
from exporters.demo_model.unet import UNet
from exporters.plain_export import export
from misure_onnx.audit.table import read_rows
from misure_onnx.images import load_image
from misure_onnx.machine import describe_machine
from misure_onnx.preprocessing import Preprocessing

PHOTOS, RETINA = "D01", "D17"
SIDE, STEPS, BATCH = 128, 600, 8
SEEN, UNSEEN = ("3000", "3003", "3006", "3009"), ("3012", "3020", "3030", "3040")


def main() -> None:
    """Runs the three audits; what is there already is not computed again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/real_audits"))
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results/real_audits.json"))
    parser.add_argument("--only", help="all, tumours or retina")
    parser.add_argument("--workers", default="1")
    arguments = parser.parse_args()
    data = data_directory()
    if data is None:
        parser.error("there is no data directory: set MISURE_DATA")
    document = json.loads(arguments.results.read_text(encoding="utf-8")) if arguments.results.exists() else {}
    for name, prepared in AUDITS.items():
        if arguments.only in (None, name):
            place = arguments.out / name
            place.mkdir(parents=True, exist_ok=True)
            document[name] = audited(prepared(data, place), place / "audit", arguments.workers)
            print(name, json.dumps(document[name]))
    document["machine"] = describe_machine()
    write_results(arguments.results, document)


def every_picture(data: Path, place: Path) -> list[str]:
    """Photos, and medical pictures that the model was not made for: a folder with masks beside some."""
    triple = _triple(PHOTOS)
    declared = _declared(triple.preprocessing, place)
    return [str(data), "--format", "masks", "--model", str(triple.model), "--preprocess", declared]


def retina(data: Path, place: Path) -> list[str]:
    """The picture that was prepared as the network's authors do it, and the photo as it is."""
    triple = _triple(RETINA)
    names = ["retina_prepared_256.png", "retina.jpg"]
    listed = _listed(place, [{"image": str((data / "medical" / name).resolve())} for name in names])
    return [listed, "--model", str(triple.model), "--preprocess", _declared(triple.preprocessing, place)]


def tumours(data: Path, place: Path) -> list[str]:
    """Eight slices, by a network that was trained on half of them."""
    model = place / "tumours.onnx"
    if not model.exists():
        train_tumours(data, model)
    rows = [
        {"image": str(_slice(data, n).resolve()), "truth": str(_mask(data, n).resolve()), "group": group}
        for group, numbers in (("seen", SEEN), ("unseen", UNSEEN))
        for n in numbers
    ]
    return [_listed(place, rows), "--model", str(model), "--class", "tumour"]


AUDITS = {"all": every_picture, "tumours": tumours, "retina": retina}


def audited(question: list[str], out: Path, workers: str) -> dict[str, Any]:
    """`misure audit`, as a user runs it, and what its table says."""
    command = [sys.executable, "-m", "misure_onnx.cli", "audit", *question, "--out", str(out), "--workers", workers]
    start = time.perf_counter()
    subprocess.run([*command, "--json"], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    rows = list(read_rows(out))
    explained = [row for row in rows if row["error"] is None and row["dice_explained"] is not None]
    return {
        "images": len({row["image"] for row in rows}),
        "rows": len(rows),
        "statuses": {status: sum(r["status"] == status for r in rows) for status in {row["status"] for row in rows}},
        "median_dice_explained": _median(explained, "dice_explained"),
        "median_ratio": _median(explained, "perturbation_ratio"),
        "median_dice_truth": _median([r for r in explained if r["dice_truth"] is not None], "dice_truth"),
        "forwards": sum(row["forwards"] or 0 for row in rows),
        "seconds_of_rows": round(sum(row["seconds"] or 0 for row in rows), 1),
        "seconds_of_this_run": round(time.perf_counter() - start, 1),
        "report_bytes": (out / "report.html").stat().st_size,
    }


def train_tumours(data: Path, path: Path) -> None:
    """A small U-Net on four slices, turned and mirrored; writes the ONNX file."""
    torch.manual_seed(0)
    network = UNet()
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    for images, masks in _batches(data):
        optimiser.zero_grad()
        current = loss(network(images), masks)
        current.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    declared = {
        "scale": 1 / 255,
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
        "color": "RGB",
        "size": [SIDE, SIDE],
        "class_names": ["background", "tumour"],
        "output": "logits",
        "source": "benchmarks.real_audits",
    }
    export(network, path, (3, SIDE, SIDE), declared)


def _batches(data: Path) -> Iterator[tuple[Tensor, Tensor]]:
    generator = np.random.default_rng(0)
    pictures = [_small(load_image(_slice(data, n)).rgb) for n in SEEN]
    masks = [_small(load_image(_mask(data, n)).rgb)[..., 0] > 127 for n in SEEN]
    for _ in range(STEPS):
        chosen = [_turned(pictures[i], masks[i], generator) for i in generator.integers(0, len(pictures), BATCH)]
        stacked = np.stack([picture for picture, _ in chosen]).transpose(0, 3, 1, 2).astype(np.float32) / 255
        yield torch.from_numpy(stacked), torch.from_numpy(np.stack([mask for _, mask in chosen]))


def _turned(picture: Any, mask: Any, generator: np.random.Generator) -> tuple[Any, Any]:
    """Turned by any angle, shifted, scaled, mirrored, brighter or darker."""
    centre, angle, scale = (SIDE / 2, SIDE / 2), generator.uniform(0, 360), generator.uniform(0.8, 1.2)
    matrix = cv2.getRotationMatrix2D(centre, float(angle), float(scale))
    matrix = matrix + np.pad(generator.uniform(-SIDE / 8, SIDE / 8, (2, 1)), ((0, 0), (2, 0)))
    moved = cv2.warpAffine(picture, matrix, (SIDE, SIDE)) * generator.uniform(0.8, 1.2)
    labels = cv2.warpAffine(mask.astype(np.uint8), matrix, (SIDE, SIDE), flags=cv2.INTER_NEAREST) > 0
    side = slice(None, None, -1 if generator.random() < 0.5 else 1)
    return np.clip(moved, 0, 255)[:, side], labels[:, side]


def _small(picture: Any) -> Any:
    return cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _slice(data: Path, number: str) -> Path:
    return data / "medical" / f"brain_tumor_{number}.png"


def _mask(data: Path, number: str) -> Path:
    return data / "medical" / f"brain_tumor_{number}_mask.png"


def _triple(name: str) -> Triple:
    return next(triple for triple in triples() if triple.name == name)


def _declared(preprocessing: Preprocessing, place: Path) -> str:
    path = place / "preprocessing.yaml"
    path.write_text(yaml.safe_dump(preprocessing.to_mapping()), encoding="utf-8")
    return str(path)


def _listed(place: Path, rows: list[dict[str, str]]) -> str:
    with (place / "pictures.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(place / "pictures.csv")


def _median(rows: list[dict[str, Any]], column: str) -> float | None:
    return round(statistics.median(row[column] for row in rows), 4) if rows else None


if __name__ == "__main__":
    main()
