"""What an ONNX file says about itself, under the key that `misure_onnx` reads."""

import dataclasses
import json
from pathlib import Path

import onnx

from misure_onnx.backends.onnx_runtime import OnnxRuntimeSegmenter
from misure_onnx.preprocessing import METADATA_KEY, Preprocessing


def write_metadata(path: Path, declared: Preprocessing) -> None:
    """Puts a declaration into a file, in place of an earlier one; other entries stay."""
    model = onnx.load(path)
    entries = {entry.key: entry.value for entry in model.metadata_props}
    entries[METADATA_KEY] = json.dumps(declared.to_mapping(), ensure_ascii=False)
    onnx.helper.set_model_props(model, entries)
    onnx.save(model, path)


def completed(declared: Preprocessing, path: Path) -> Preprocessing:
    """The declaration, with what the library finds in the graph where nothing was declared.

    Written down, it is read alike by every version of the library.

    Raises:
        ModelError, UnsupportedModel, PreprocessingError: the library cannot use the file.
    """
    found = OnnxRuntimeSegmenter(path, preprocessing=declared, provider="cpu")
    return dataclasses.replace(
        declared,
        size=found.input.size,
        layout=found.input.layout,
        output=found.output.head.kind,
        output_layout=found.output.layout,
        head=found.output.name,
    )
