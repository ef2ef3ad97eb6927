"""DICOM on the command line: from a series to NIfTI that lies on it, one image in its own units; no name gets out."""

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import onnx
import pytest

from misure_onnx.volumes import load_volume
from tests import tiny_models
from tests.cli.outcome import Run
from tests.dicom_files import NAME, OBLIQUE, dataset, save, write_series

STACK = np.full((9, 12, 14), -1000, np.int16)
STACK[3:6, 4:9, 5:10] = 200
FIRST = (-10.0, 20.0, 30.0)
STEP = tuple(1.5 * np.cross(OBLIQUE[:3], OBLIQUE[3:]))


def declared(folder: Path, text: str) -> Path:
    path = folder / "preprocessing.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def series(tmp_path: Path) -> Path:
    write_series(tmp_path / "ct", (STACK + 24).astype(np.int16), FIRST, STEP, RescaleSlope=1, RescaleIntercept=-24)
    return tmp_path / "ct"


def test_a_series_is_explained_and_the_result_lies_on_it(misure: Run, series: Path, tmp_path: Path) -> None:
    """The window from -200 to 300 Hounsfield units is brought to [0, 1]: 200 is 0.8, found; air is 0."""
    model = tiny_models.bright_pixels(tmp_path / "m.onnx", size=STACK.T.shape)
    window = declared(tmp_path, "clip: [-200, 300]\nscale: 0.002\nmean: -0.4\n")
    options = ("--preprocess", window, "--method", "sufficient_region", "--json", "--out", tmp_path / "out")
    document = misure("explain", model, series, *options).document()
    assert document["target"]["pixels"] == 3 * 5 * 5
    assert document["provenance"]["input_sha256"] == load_volume(series).sha256
    saved: Any = nibabel.load(tmp_path / "out" / "minimal_region.nii.gz")
    assert np.array_equal(np.asarray(saved.dataobj) > 0, STACK.T > 0)
    row, column = np.array(OBLIQUE[:3]), np.array(OBLIQUE[3:])
    place = np.array(FIRST) + 4 * np.array(STEP) + 6 * 0.75 * row + 7 * 0.5 * column
    assert saved.affine @ [6, 7, 4, 1] == pytest.approx([-place[0], -place[1], place[2], 1])


def test_one_image_is_explained_in_hounsfield_units(misure: Run, tmp_path: Path) -> None:
    image = save(dataset(STACK[4]), tmp_path / "slice.dcm")
    model = tiny_models.bright_pixels(tmp_path / "m.onnx", size=STACK[4].shape)
    window = declared(tmp_path, "clip: [-200, 300]\nscale: 0.002\nmean: -0.4\n")
    options = ("--preprocess", window, "--method", "sufficient_region", "--json", "--out", tmp_path / "out")
    document = misure("explain", model, image, *options).document()
    assert document["target"]["pixels"] == 5 * 5
    assert document["certificate"]["stability"]["jpeg"] is None
    assert (tmp_path / "out" / "figure.png").is_file()


def test_a_preset_for_photographs_is_refused_for_hounsfield_units(misure: Run, tmp_path: Path) -> None:
    image = save(dataset(STACK[4]), tmp_path / "slice.dcm")
    model = tiny_models.bright_pixels(tmp_path / "m.onnx", size=STACK[4].shape)
    for options in ((), ("--preprocess", "unit")):
        outcome = misure("explain", model, image, *options, "--json")
        outcome.assert_refused(
            "measurements from -1000 to 200", "'unit' is for pixels from 0 to 255", "clip", "rescale"
        )


def test_a_model_of_bytes_gets_no_measurements_outside_their_range(misure: Run, tmp_path: Path) -> None:
    image = save(dataset(STACK[4]), tmp_path / "slice.dcm")
    byte_type = onnx.TensorProto.UINT8
    model = tiny_models.pointwise(tmp_path / "m.onnx", channels=1, size=STACK[4].shape, input_type=byte_type)
    misure("explain", model, image, "--json").assert_refused("takes numbers from 0 to 255", "-1000 to 200", "clip")


def test_nothing_that_is_written_names_the_patient(misure: Run, series: Path, tmp_path: Path) -> None:
    model = tiny_models.bright_pixels(tmp_path / "m.onnx", size=STACK.T.shape)
    options = ("--method", "sufficient_region,random", "--json", "--out", tmp_path / "out")
    outcome = misure("explain", model, series, *options)
    assert outcome.status == 0, outcome.err
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(written) > 10
    for content in (outcome.out.encode(), outcome.err.encode(), *(path.read_bytes() for path in written)):
        assert not any(part.encode() in content for part in NAME.split("^"))


@pytest.mark.parametrize(
    ("size", "source", "words"),
    [
        ((12, 14), "ct", "the model takes images, a volume was given"),
        (
            (14, 12, 9),
            "slice.dcm",
            "the model takes volumes (NIfTI, or the folder of a DICOM series), an image was given",
        ),
        ((14, 12, 8), "ct", "takes 14x12x8 voxels, the volume has 14x12x9"),
    ],
)
def test_an_image_for_a_volume_and_the_reverse_are_refused(
    size: tuple[int, ...], source: str, words: str, misure: Run, series: Path
) -> None:
    folder = series.parent
    save(dataset(STACK[4]), folder / "slice.dcm")
    model = tiny_models.bright_pixels(folder / "m.onnx", size=size)
    raw = declared(folder, "scale: 1\n")
    misure("explain", model, folder / source, "--preprocess", raw, "--json").assert_refused(words)


def test_a_preprocessing_file_s_clip_is_what_inspect_reports(misure: Run, tmp_path: Path) -> None:
    model = tiny_models.bright_pixels(tmp_path / "m.onnx", size=(12, 14))
    window = declared(tmp_path, "clip: [-200, 300]\n")
    found = misure("inspect", model, "--preprocess", window, "--json").document()["input"]["preprocessing"]
    assert found["clip"] == [-200, 300]
