"""From a network to a file that describes itself and is shown to give what the network gives."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exporters.inputs import real_inputs
from exporters.metadata import completed, write_metadata
from exporters.parity import parity
from exporters.source import Source
from exporters.variants import write_variant
from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.errors import OutputError
from misure_onnx.file_hash import sha256_of
from misure_onnx.installed import versions_of

_PACKAGES = (
    "torch", "torchvision", "segmentation_models_pytorch", "timm", "transformers", "monai", "keras", "scikit-learn",
    "skl2onnx", "onnxscript", "onnx", "onnxruntime-gpu", "onnxruntime",
)  # fmt: skip


def export(source: Source, out: Path, images: Sequence[Path] = (), variants: Sequence[str] = ()) -> dict[str, Any]:
    """Writes `out`, `NAME.VARIANT.onnx` and the report `NAME.parity.json` beside it: all of them, or none.

    Args:
        source: the network.
        out: of the float32 file.
        images: real inputs; none: the bundled picture.
        variants: keys of `VARIANTS`.

    Returns:
        The report.

    Raises:
        ParityError: the file deviates from the network.
        OutputError: the files cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".misure-", dir=out.parent) as folder:
            report = _export_into(Path(folder), source, out.name, images, variants)
            for path in sorted(Path(folder).iterdir()):
                path.replace(out.parent / path.name)
    except OSError as error:
        raise OutputError(f"{str(out)!r} cannot be written: {error}") from error
    return report


def _export_into(
    folder: Path, source: Source, name: str, images: Sequence[Path], variants: Sequence[str]
) -> dict[str, Any]:
    path = folder / name
    note = source.write(path)
    declared = completed(source.declared, path)
    write_metadata(path, declared)
    deployed = OnnxRuntimeSegmenter(path, provider="cpu")
    real = real_inputs(deployed, images)
    report = {
        "file": name,
        "sha256": sha256_of(path),
        "bytes": path.stat().st_size,
        "opset": deployed.identity.opset,
        "metadata": declared.to_mapping(),
        "notes": [note] if note else [],
        "parity": parity(source, deployed, real),
        "variants": {
            variant: write_variant(variant, path, path.with_suffix(f".{variant}.onnx"), real) for variant in variants
        },
        "versions": versions_of(_PACKAGES),
    }
    path.with_suffix(".parity.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report
