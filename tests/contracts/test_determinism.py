"""What docs/determinism.md promises: the same explanation whatever the number of processors, threads and workers.

Each setting is a process of its own, since libraries count their threads when they start. The same process twice and
other batches are in test_methods.py.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from misure_onnx.audit.table import read_rows
from misure_onnx.methods import METHODS
from tests.audit.examples import same_content, two_pictures
from tests.cli.process import started
from tests.contracts.test_methods import QUICK, SIZE, every_method
from tests.tiny_models import noise_image, small_network

ALL = {"MISURE_THREADS": "2"}
ONE = dict.fromkeys(("MISURE_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
MORE_WORK = {
    "rise": {"masks": "300"},
    "lime": {"features": "100", "samples": "300"},
    "kernel_shap": {"features": "160", "budget": "680"},
}
"""So much that BLAS would take several threads, and rounds otherwise."""

PROGRAM = """
import json, sys
from pathlib import Path
import numpy as np
from misure_onnx.api import load_segmenter, make_method

model, image, out, settings = sys.argv[1], np.load(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4])
segmenter = load_segmenter(model, "minus1_1")
for name, parameters in settings.items():
    found = make_method(name, settings=parameters).explain(segmenter, image, seed=3)
    document = found.to_json()
    del document["cost"]
    document["trace"] = {key: list(values) for key, values in found.trace.items()}
    (out / f"{name}.json").write_text(json.dumps(document, sort_keys=True))
    np.savez(out / f"{name}.npz", saliency=found.saliency, region=found.minimal_region)
"""


def explained_in_a_process(folder: Path, environment: dict[str, str]) -> Path:
    """Every method in a process with these variables; returns the folder of what it found."""
    out = folder / "-".join(environment.values())
    out.mkdir()
    model, image = small_network(folder / "net.onnx", size=SIZE), folder / "image.npy"
    np.save(image, noise_image((61, 47), 2))
    settings = {name: MORE_WORK.get(name) or QUICK.get(name) for name in METHODS}
    command = [sys.executable, "-c", PROGRAM, str(model), str(image), str(out), json.dumps(settings)]
    subprocess.run(command, check=True, env={**os.environ, **environment})
    return out


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("processes")
    several, one = (explained_in_a_process(folder, environment) for environment in (ALL, ONE))
    return several, one


@every_method
def test_the_explanation_does_not_depend_on_the_processors(found: tuple[Path, Path], name: str) -> None:
    several, one = (np.load(folder / f"{name}.npz") for folder in found)
    assert np.array_equal(several["saliency"], one["saliency"])
    assert np.array_equal(several["region"], one["region"])
    several, one = (document(folder / f"{name}.json") for folder in found)
    assert several == one


def document(path: Path) -> Any:
    return json.loads(path.read_text())


def test_one_or_two_workers_give_the_same_table(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: tables need it")
    asked: list[str | Path] = [
        *("audit", two_pictures(tmp_path / "data"), "--model", small_network(tmp_path / "net.onnx")),
        *("--preprocess", "unit", "--method", "rise,lime,kernel_shap,sufficient_region,misure", "--threads", "1"),
        *("--set", "masks=40", "--set", "features=12", "--set", "samples=40", "--set", "iterations=3", "--no-report"),
    ]
    for workers in ("1", "2"):
        outcome = started(*asked, "--workers", workers, "--out", tmp_path / workers)
        assert outcome.status == 0, outcome.err
    rows = list(read_rows(tmp_path / "1"))
    assert {row["method"] for row in rows} == {"rise", "lime", "kernel_shap", "sufficient_region", "misure"}
    assert {row["error"] for row in rows} == {None}
    assert same_content(tmp_path / "1", tmp_path / "2")
