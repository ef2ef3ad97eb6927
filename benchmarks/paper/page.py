"""Writes docs/paper.md from the committed results."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.paper.columns import COLUMNS, Column
from benchmarks.paper.results import Results
from benchmarks.paper.tables import measured_tables

COMMANDS = """\
    python -m benchmarks.paper.train triangle unet --data DIR --out out/triangle_unet.onnx
    python -m benchmarks.paper.train synapse unet --data DIR --out out/synapse_unet.onnx
    python -m benchmarks.paper.train synapse transunet --data DIR --out out/synapse_transunet.onnx
    python -m benchmarks.paper.deeplab --weights deeplabv3_resnet50_coco.pth --out out/coco_deeplabv3.onnx
    python -m benchmarks.paper table1 --dataset triangle --data DIR --onnx out/triangle_unet.onnx
    python -m benchmarks.paper page"""

TEXT = Path(__file__).with_name("page_text.md")


def write_page(results: Path, page: Path) -> None:
    """Writes the page."""
    page.write_text(page_text(results), encoding="utf-8")


def page_text(results: Path) -> str:
    """The page: what was measured, column by column; then what was not, with its commands."""
    parts = [TEXT.read_text(encoding="utf-8").replace("{commands}", COMMANDS)]
    missing = []
    for column in COLUMNS.values():
        parts += ["\n".join(_column(Results.read(file))) for file in sorted(results.glob(f"paper_{column.name}*.json"))]
        if not (results / f"paper_{column.name}.json").exists():
            missing.append(column)
    parts.append("\n".join(_missing(missing)))
    return "\n\n".join(parts) + "\n"


def _column(results: Results) -> Iterator[str]:
    header, machine = results.header, results.machine
    size = "small version" if header["small"] else "the paper's size"
    training = header["training"]
    hidden = ", trained with hidden pixels" if training and training["settings"].get("hide") else ""
    yield f"## {header['dataset']}, {header['model']}: {size}{hidden}\n"
    if training:
        dice = training["validation_dice"]
        yield (
            f"{training['network']}, trained on {training['training_images']} images for "
            f"{training['settings']['epochs']} epochs ({training['training_seconds']} s on {training['device']}); Dice "
            f"{dice['mean']:.3f} on {dice['images']} validation images, the worst {dice['smallest']:.3f}."
        )
    versions = machine["versions"]
    runtime = versions.get("onnxruntime-gpu") or versions.get("onnxruntime")
    yield (
        f"Explained on {machine['processor']}, {machine['cores']} core(s), ONNX Runtime {runtime}, torch "
        f"{versions.get('torch')}; seconds hold the certificate, and other work on the machine.\n"
    )
    for title, table in measured_tables(results):
        yield f"### {title}\n\n{table}\n"


def _missing(columns: list[Column]) -> Iterator[str]:
    yield "## Not run at the paper's size\n"
    yield "Neither COCO-2017 nor Synapse may be passed on with the project, and no GPU was at hand.\n"
    yield "| data set | model | samples | commands, after training or export |\n|---|---|---|---|"
    for column in columns:
        named = f"--dataset {column.dataset} --model {column.model} --data DIR --onnx FILE"
        yield f"| {column.dataset} | {column.model} | {column.samples} | `python -m benchmarks.paper table1 {named}` |"
