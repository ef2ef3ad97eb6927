"""DICOM: values in the units of the modality, slices in their order and place, and what is refused by name."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.sequence import Sequence as Items
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from misure_onnx.dicom import is_dicom
from misure_onnx.errors import ImageError
from misure_onnx.images import load_image
from misure_onnx.segmenter import load_input
from misure_onnx.volumes import LoadedVolume, is_volume, load_volume
from tests.dicom_files import OBLIQUE, SPACING, dataset, item, multi_frame, save, write_series

RNG = np.random.default_rng(0)
STORED = RNG.integers(0, 4096, (5, 7), np.uint16)
SIGNED = RNG.integers(-2048, 2048, (5, 7), np.int16)
BYTES = RNG.integers(0, 256, (5, 7), np.uint8)
STACK = RNG.integers(-1000, 3000, (4, 5, 7)).astype(np.int16)
FIRST, STEP = (-10.0, 20.0, 30.0), (0.9, -1.2, 0.0)
"""The step is one and a half millimetres along the normal of `OBLIQUE`."""


def pixels(tmp_path: Path, stored: npt.NDArray[Any], **elements: Any) -> npt.NDArray[Any]:
    return load_image(save(dataset(stored, **elements), tmp_path / "image.dcm")).pixels


# Values of one image


def test_a_ct_image_has_hounsfield_units(tmp_path: Path) -> None:
    found = pixels(tmp_path, STORED, BitsStored=12, HighBit=11, RescaleSlope=2, RescaleIntercept=-1024)
    assert found.dtype == np.float32
    assert np.array_equal(found[..., 0], STORED * 2.0 - 1024)


def test_signed_values_without_units_are_as_they_are_stored(tmp_path: Path) -> None:
    assert np.array_equal(pixels(tmp_path, SIGNED)[..., 0], SIGNED)


def test_a_table_of_the_modality_replaces_values(tmp_path: Path) -> None:
    table = RNG.integers(0, 60000, 16, np.uint16)
    lut = item(LUTDescriptor=[16, 0, 16], LUTData=table.tobytes(), ModalityLUTType="US")
    found = pixels(tmp_path, STORED % 16, ModalityLUTSequence=lut)
    assert np.array_equal(found[..., 0], table[STORED % 16])


@pytest.mark.parametrize(("stored", "low", "high"), [(STORED, 0, 4095), (SIGNED, -2048, 2047)])
def test_monochrome1_is_turned_round_in_the_units_of_the_modality(
    tmp_path: Path, stored: npt.NDArray[Any], low: int, high: int
) -> None:
    """The smallest value that 12 bits can hold becomes the largest, and the reverse."""
    ends = {"BitsStored": 12, "HighBit": 11, "RescaleSlope": 2, "RescaleIntercept": 5}
    found = pixels(tmp_path, stored, PhotometricInterpretation="MONOCHROME1", **ends)
    assert np.array_equal(found[..., 0], (low + high - stored.astype(float)) * 2 + 5)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_8_bits_without_units_are_brightness(tmp_path: Path, photometric: str) -> None:
    found = pixels(tmp_path, BYTES, PhotometricInterpretation=photometric, RescaleSlope=1, RescaleIntercept=0)
    assert found.dtype == np.uint8
    assert np.array_equal(found[..., 0], 255 - BYTES if photometric == "MONOCHROME1" else BYTES)


def test_colours_become_rgb(tmp_path: Path) -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [128, 128, 128]]], np.uint8)
    assert np.array_equal(pixels(tmp_path, colours), colours)
    r, g, b = np.moveaxis(colours.astype(float), 2, 0)  # PS3.3 C.7.6.3.1.2, full range
    ybr = np.stack(
        [0.299 * r + 0.587 * g + 0.114 * b, -0.168736 * r - 0.331264 * g + 0.5 * b + 128,
         0.5 * r - 0.418688 * g - 0.081312 * b + 128], axis=2
    )  # fmt: skip
    found = pixels(tmp_path, np.clip(np.rint(ybr), 0, 255).astype(np.uint8), PhotometricInterpretation="YBR_FULL")
    assert np.abs(found.astype(int) - colours).max() <= 2


def test_a_palette_becomes_rgb(tmp_path: Path) -> None:
    tables = RNG.integers(0, 256, (3, 256), np.uint8)
    palette: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name, table in zip(("Red", "Green", "Blue"), tables, strict=True):
        palette[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 8]
        palette[f"{name}PaletteColorLookupTableData"] = table.tobytes()
    assert np.array_equal(pixels(tmp_path, BYTES, **palette), tables.T[BYTES])


def test_a_file_compressed_by_run_lengths_is_read(tmp_path: Path) -> None:
    file = dataset(STORED, RescaleSlope=1, RescaleIntercept=-1024)
    file.compress(RLELossless)
    assert np.array_equal(load_image(save(file, tmp_path / "rle")).pixels[..., 0], STORED - 1024.0)


def test_a_file_is_dicom_by_its_content_or_its_name(tmp_path: Path) -> None:
    assert load_image(save(dataset(STORED), tmp_path / "IM000001")).size == (5, 7)
    (tmp_path / "text.dcm").write_text("no DICOM", encoding="utf-8")
    with pytest.raises(ImageError, match=r"text.dcm' \(8 bytes\) cannot be read; expected a complete DICOM file"):
        load_image(tmp_path / "text.dcm")


# Volumes


def test_slices_come_in_their_order_along_the_normal_whatever_their_names(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", STACK, FIRST, STEP, RescaleSlope=1, RescaleIntercept=-24)
    volume = load_volume(tmp_path / "ct")
    in_order = STACK if np.cross(OBLIQUE[:3], OBLIQUE[3:]) @ STEP > 0 else STACK[::-1]
    assert volume.size == (7, 5, 4)
    assert np.array_equal(volume.voxels[..., 0], in_order.transpose(2, 1, 0) - 24.0)


@pytest.mark.parametrize("step", [STEP, (-0.9, 1.2, 0.0), (0.9, -1.2, 0.5)], ids=["along", "against", "tilted"])
def test_every_voxel_lies_where_dicom_says_in_the_world_of_nifti(tmp_path: Path, step: tuple[float, ...]) -> None:
    """PS3.3 C.7.6.2.1.1 pixel by pixel; left and posterior become right and anterior."""
    write_series(tmp_path / "ct", STACK, FIRST, step)
    volume = load_volume(tmp_path / "ct")
    row, column = np.array(OBLIQUE[:3]), np.array(OBLIQUE[3:])
    for k, r, c in np.ndindex(STACK.shape):
        place = np.array(FIRST) + k * np.array(step) + c * SPACING[1] * row + r * SPACING[0] * column
        index = np.linalg.solve(volume.affine, [-place[0], -place[1], place[2], 1])
        assert index == pytest.approx(np.rint(index), abs=1e-6)
        assert volume.voxels[(*np.rint(index[:3]).astype(int), 0)] == STACK[k, r, c]


def test_frames_of_one_file_are_a_volume_each_in_its_own_units(tmp_path: Path) -> None:
    places = [np.array(FIRST) + k * np.array(STEP) for k in range(4)]
    order = [2, 0, 3, 1]
    file = multi_frame(STACK[order], [places[k] for k in order], [k + 1.0 for k in order])
    volume = load_volume(save(file, tmp_path / "enhanced.dcm"))
    write_series(tmp_path / "ct", STACK, FIRST, STEP)
    expected = load_volume(tmp_path / "ct")
    assert np.allclose(volume.affine, expected.affine)
    up = np.cross(OBLIQUE[:3], OBLIQUE[3:]) @ STEP > 0
    slopes = np.arange(1, 5) if up else np.arange(4, 0, -1)
    assert np.allclose(volume.voxels, expected.voxels * slopes[:, None] - 10)


def test_a_series_and_a_file_of_frames_are_volumes_and_a_single_image_is_none(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", STACK, FIRST, STEP)
    (tmp_path / "ct" / "LICENSE.txt").write_text("not DICOM: does not count", encoding="utf-8")
    assert isinstance(load_input(tmp_path / "ct"), LoadedVolume)
    assert is_volume(save(multi_frame(STACK, [FIRST] * 4, [1] * 4), tmp_path / "frames"))
    assert not is_volume(save(dataset(STORED), tmp_path / "image"))
    (tmp_path / "empty").mkdir()
    assert not is_volume(tmp_path / "empty")


def test_the_digest_is_that_of_all_files_in_order(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "ct", STACK, FIRST, STEP)
    first = load_volume(tmp_path / "ct").sha256
    for number, path in enumerate(paths):
        path.rename(path.with_name(f"renamed-{number}"))
    assert load_volume(tmp_path / "ct").sha256 == first


def test_a_series_a_channel_must_lie_on_the_same_grid(tmp_path: Path) -> None:
    write_series(tmp_path / "t1", STACK, FIRST, STEP)
    write_series(tmp_path / "t2", STACK + 1, FIRST, STEP)
    write_series(tmp_path / "moved", STACK, (0, 0, 0), STEP)
    both = load_volume([tmp_path / "t1", tmp_path / "t2"])
    assert both.voxels.shape == (7, 5, 4, 2)
    assert np.array_equal(both.voxels[..., 1], both.voxels[..., 0] + 1)
    with pytest.raises(ImageError, match="not on the same grid"):
        load_volume([tmp_path / "t1", tmp_path / "moved"])


# What is refused

Build = Callable[[Path], Path]


def _image(stored: npt.NDArray[Any], **elements: Any) -> Build:
    return lambda folder: save(dataset(stored, **elements), folder / "image.dcm")


def _compressed(folder: Path) -> Path:
    file = dataset(STORED)
    file.compress(RLELossless)
    file.file_meta.TransferSyntaxUID = JPEGLSLossless
    return save(file, folder / "image.dcm")


def _not_what_it_says(folder: Path) -> Path:
    file = dataset(STORED)
    file.compress(RLELossless)
    file.file_meta.TransferSyntaxUID = JPEG2000Lossless
    return save(file, folder / "image.dcm")


def _truncated(folder: Path) -> Path:
    path = save(dataset(STORED), folder / "image.dcm")
    path.write_bytes(path.read_bytes()[:-20])
    return path


def _series(change: Callable[[list[Path], Path], Any]) -> Build:
    def build(folder: Path) -> Path:
        paths = write_series(folder / "ct", STACK, FIRST, STEP)
        change(paths, folder / "ct")
        return folder / "ct"

    return build


def _another(stored: npt.NDArray[Any], first: tuple[float, ...], **elements: Any) -> Build:
    """A series with one slice of another kind among the others."""

    def add(_: list[Path], folder: Path) -> None:
        (path,) = write_series(folder.parent / "other", stored[None], first, STEP, **elements)
        path.rename(folder / "050-other")

    return _series(add)


BESIDE = (FIRST[0] + 4 * STEP[0], FIRST[1] + 4 * STEP[1], FIRST[2])
"""Where the next slice would lie."""

REFUSED: dict[str, tuple[Build, str]] = {
    "compressed without a decoder": (_compressed, r"compressed \(JPEG-LS Lossless.*no decoder is installed.*pylibjpeg"),
    "compressed otherwise than decoders read": (
        _not_what_it_says,
        r"\(JPEG 2000.* installed decoders cannot read.*gdcm",
    ),
    "truncated": (_truncated, r"image.dcm' \(\d+ bytes\) cannot be read; expected a complete DICOM file"),
    "a report": (_image(STORED, Rows=None, PhotometricInterpretation=None), "without an image"),
    "huge": (_image(STORED, Rows=60000, Columns=60000), "60000x60000 pixels; at most"),
    "a line": (_image(STORED[:1]), "7x1 pixels; a segmentation needs at least 2x2"),
    "a film": (_image(STACK.astype(np.uint16)), "a film or single pictures, no volume"),
    "two series": (
        _another(STACK[0], BESIDE, SeriesInstanceUID="9.9", SeriesNumber=7),
        r"2 series: number \d \(\d files",
    ),
    "slices of two sizes": (_another(STACK[0, :4], BESIDE), "several sizes, directions or pixel spacings"),
    "slices in two directions": (
        _another(STACK[0], BESIDE, ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
        "several sizes, directions or pixel spacings",
    ),
    "two slices at one place": (_another(STACK[0], FIRST), "several slices at one place"),
    "a missing slice": (_series(lambda paths, _: paths[1].unlink()), "uneven distances, 1.5 to 3 mm: one is missing"),
    "one slice": (
        _series(lambda paths, _: [path.rename(path.parents[1] / path.name) for path in paths[1:]]),
        "has 1 slice",
    ),
    "slices without a place": (
        _series(lambda paths, _: [save(dataset(STACK[0]), path) for path in paths]),
        "does not say where its slices lie",
    ),
    "coloured slices": (
        _series(lambda paths, _: [save(dataset(np.zeros((5, 7, 3), np.uint8)), path) for path in paths]),
        "has colours",
    ),
}


@pytest.mark.parametrize(("build", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_is_refused(build: Build, words: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=words):
        load_input(build(tmp_path))


def test_a_table_of_contents_among_the_slices_does_not_count(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", STACK, FIRST, STEP)
    no_image = {"Rows": None, "PhotometricInterpretation": None, "PixelData": None}
    contents = dataset(STORED, SOPClassUID="1.2.840.10008.1.3.10", **no_image)
    contents.DirectoryRecordSequence = Items([])
    save(contents, tmp_path / "ct" / "000-DICOMDIR")
    assert load_volume(tmp_path / "ct").size == (7, 5, 4)


def test_without_pydicom_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_series(tmp_path / "ct", STACK, FIRST, STEP)
    image = save(dataset(STORED), tmp_path / "image.dcm")
    monkeypatch.setitem(sys.modules, "pydicom", None)
    for source in (image, tmp_path / "ct"):
        with pytest.raises(ImageError, match=r"needs pydicom: pip install 'misure-onnx\[medical\]'"):
            load_input(source)


# Files that others wrote: those that come with pydicom


def test_every_file_of_pydicoms_own_tests_is_read_or_refused_by_name() -> None:
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    files = [path for path in sorted(folder.rglob("*")) if is_dicom(path)]
    if not files:
        pytest.skip("pydicom came without its test files")
    read = 0
    for path in files:
        try:
            read += load_input(path).size[0] > 0
        except ImageError as error:
            assert path.name in str(error)  # noqa: PT017 - either way is right
    assert read > len(files) / 3


def test_a_real_scan_has_its_pixel_spacing_and_slice_distance_in_the_affine() -> None:
    folder = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests" / "98892001" / "CT5N"
    if not folder.is_dir():
        pytest.skip("pydicom came without its test files")
    volume, header = load_volume(folder), pydicom.dcmread(next(iter(sorted(folder.iterdir()))))
    sizes = np.linalg.norm(volume.affine[:3, :3], axis=0)
    assert sizes[:2] == pytest.approx([float(value) for value in header.PixelSpacing])
    assert sizes[2] == pytest.approx(2.5)
    assert volume.size == (16, 16, 5)
