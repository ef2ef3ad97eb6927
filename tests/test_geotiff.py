"""TIFF of bands and measurements: every number is kept, and so is the place on earth of what is written."""

import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile

from misure_onnx.errors import ImageError, InputError, PreprocessingError
from misure_onnx.geotiff import Georeference, encode_geotiff, holds_bands, read_georeference
from misure_onnx.ground_truth import load_truth
from misure_onnx.images import LoadedImage, load_image
from misure_onnx.network_input import prepared
from misure_onnx.preprocessing import PRESETS, Preprocessing
from tests.geotiff_files import GEOREFERENCE, write

RNG = np.random.default_rng(0)
SIZE = (37, 23)


def bands(count: int, dtype: str) -> npt.NDArray[Any]:
    low = -1000 if dtype not in ("uint8", "uint16") else 0
    return (RNG.random((*SIZE, count)) * 250 + low).astype(dtype)


KINDS = list(
    itertools.product(("uint8", "uint16", "int16", "float32"), (1, 2, 3, 4, 7), ("contig", "separate"), (None, 16))
)


@pytest.mark.parametrize(("dtype", "count", "interleaving", "tile"), KINDS)
def test_every_number_is_read_as_it_is_stored(
    dtype: str, count: int, interleaving: str, tile: int | None, tmp_path: Path
) -> None:
    pixels = bands(count, dtype)
    image = load_image(write(tmp_path / "g.tif", pixels, interleaving=interleaving, tile=tile, compression="lzw"))
    assert image.pixels.dtype == (np.uint8 if dtype == "uint8" else np.float32)
    assert np.array_equal(image.pixels, pixels)
    assert image.georeference is not None
    assert image.rgb.shape == (*SIZE, 3)


@pytest.mark.parametrize(("count", "dtype"), [(2, "uint8"), (4, "uint8"), (6, "uint16"), (1, "float32"), (1, "int16")])
def test_bands_and_measurements_need_no_georeference(count: int, dtype: str, tmp_path: Path) -> None:
    pixels = bands(count, dtype)
    image = load_image(write(tmp_path / "plain.tif", pixels, georeference=()))
    assert np.array_equal(image.pixels, pixels)
    assert image.georeference is None


def test_a_grey_or_rgb_picture_of_16_bits_stays_a_picture(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "rgb.tif", bands(3, "uint16"), photometric="rgb")
    tifffile.imwrite(tmp_path / "grey.tif", bands(1, "uint16")[..., 0], photometric="minisblack")
    for name in ("rgb", "grey"):
        assert not holds_bands(tmp_path / f"{name}.tif")
        assert load_image(tmp_path / f"{name}.tif").pixels.dtype == np.uint16


def test_a_smaller_version_beside_it_is_no_second_page_and_another_page_is(tmp_path: Path) -> None:
    pixels = bands(5, "uint16")
    options: dict[str, Any] = {"photometric": "minisblack", "planarconfig": "contig", "metadata": None}
    with tifffile.TiffWriter(tmp_path / "overview.tif") as file:
        file.write(pixels, **options)
        file.write(np.ascontiguousarray(pixels[::2, ::2]), subfiletype=1, **options)
    assert np.array_equal(load_image(tmp_path / "overview.tif").pixels, pixels)
    with tifffile.TiffWriter(tmp_path / "pages.tif") as file:
        file.write(pixels, **options)
        file.write(pixels, **options)
    with pytest.raises(ImageError, match="several pages or frames; expected one: save the one to explain"):
        load_image(tmp_path / "pages.tif")


def test_a_fourth_band_called_transparency_is_for_networks_of_four_bands(tmp_path: Path) -> None:
    pixels = bands(4, "uint8")
    image = load_image(write(tmp_path / "g.tif", pixels, photometric="rgb", extrasamples=["unassalpha"]))
    assert image.alpha
    raw = PRESETS["raw"]
    assert np.array_equal(prepared(image, raw, 4, SIZE)[0].transpose(1, 2, 0), pixels)
    assert np.array_equal(prepared(image, raw, 3, SIZE)[0].transpose(1, 2, 0), pixels[..., :3])
    with pytest.raises(ImageError, match="the model takes 5 channels, the image has 4"):
        prepared(image, raw, 5, SIZE)
    unmarked = load_image(write(tmp_path / "u.tif", pixels))
    with pytest.raises(ImageError, match="the model takes 3 channels, the image has 4"):
        prepared(unmarked, raw, 3, SIZE)


def test_a_jpeg_inside_a_geotiff_has_its_colours(tmp_path: Path) -> None:
    smooth = np.zeros((32, 48, 3), np.uint8)
    smooth[..., 0], smooth[:, 24:, 2] = 200, 150
    image = load_image(write(tmp_path / "g.tif", smooth, photometric="rgb", compression="jpeg", tile=16))
    assert np.abs(image.pixels.astype(int) - smooth)[:, :20].max() < 12
    assert image.georeference is not None


# What the network gets


def measured(pixels: npt.NDArray[Any]) -> LoadedImage:
    return LoadedImage(pixels.astype(np.float32), "", "array")


def test_measurements_stand_in_the_formula_in_their_own_unit() -> None:
    pixels = bands(5, "int16")
    declared = Preprocessing(scale=1e-4, mean=(1, 2, 3, 4, 5), std=(1, 2, 1, 2, 1))
    found = prepared(measured(pixels), declared, 5, SIZE)
    assert found[0].transpose(1, 2, 0) == pytest.approx((pixels * 1e-4 - declared.mean) / declared.std, abs=1e-5)


def test_clip_comes_first() -> None:
    pixels = bands(2, "float32")
    found = prepared(measured(pixels), Preprocessing(clip=(-900, -800), scale=0.01, mean=(-9,)), 2, SIZE)
    assert found[0].transpose(1, 2, 0) == pytest.approx((np.clip(pixels, -900, -800) + 900) * 0.01, abs=1e-4)


@pytest.mark.parametrize("how", ["min_max", "z_score", "z_score_foreground"])
def test_every_band_is_rescaled_by_its_own_values(how: str) -> None:
    pixels = bands(3, "float32")
    pixels[:5] = 0
    found = prepared(measured(pixels), Preprocessing.from_mapping({"rescale": how}, "test"), 3, SIZE)
    for band, seen in zip(np.moveaxis(pixels.astype(np.float64), 2, 0), found[0], strict=True):
        of = band[band != 0] if how == "z_score_foreground" else band
        low, width = (band.min(), np.ptp(band)) if how == "min_max" else (of.mean(), of.std())
        assert seen == pytest.approx((band - low) / width, abs=1e-4)


@pytest.mark.parametrize("interpolation", ["linear", "area", "cubic", "nearest"])
def test_many_bands_are_resized_as_each_alone(interpolation: str) -> None:
    pixels = bands(9, "float32")
    declared = Preprocessing.from_mapping({"interpolation": interpolation}, "test")
    together = prepared(measured(pixels), declared, 9, (11, 50))
    for k in range(9):
        assert np.array_equal(together[0, k], prepared(measured(pixels[..., k : k + 1]), declared, 1, (11, 50))[0, 0])


@pytest.mark.parametrize("preset", ["imagenet", "unit", "minus1_1", "caffe"])
def test_presets_for_photographs_are_refused_for_measurements(preset: str) -> None:
    with pytest.raises(PreprocessingError, match=rf"measurements from .* the preprocessing '{preset}' is for pixels"):
        prepared(measured(bands(3, "int16")), PRESETS[preset], 3, SIZE)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"clip": [1]}, "clip must be .low, high."),
        ({"clip": [2, 1]}, "the lower one first"),
        ({"clip": "bone"}, "clip must be .low, high."),
        ({"clip": [0, 1], "rescale": "min_max"}, "exclude each other"),
    ],
)
def test_a_clip_that_makes_no_sense_is_refused(declared: dict[str, Any], words: str) -> None:
    with pytest.raises(PreprocessingError, match=words):
        Preprocessing.from_mapping(declared, "test")


# What is written


def test_what_is_written_lies_where_the_image_lies(tmp_path: Path) -> None:
    image = load_image(write(tmp_path / "g.tif", bands(3, "float32")))
    assert image.georeference is not None
    for array in (RNG.random(SIZE) > 0.5, RNG.random(SIZE).astype(np.float32), RNG.random((5, *SIZE)).astype("f4")):
        (tmp_path / "out.tif").write_bytes(encode_geotiff(array, image.georeference))
        with tifffile.TiffFile(tmp_path / "out.tif") as file:
            page = file.pages.first
            assert np.array_equal(page.asarray(), array)
            assert page.dtype == (np.uint8 if array.dtype == bool else np.float32)
            assert page.is_geotiff
            for code, _, _, values, _ in GEOREFERENCE:
                assert page.tags[code].value == values
        assert read_georeference(tmp_path / "out.tif") == image.georeference


def test_writing_is_deterministic() -> None:
    place = Georeference(((34735, 3, (1, 1, 0, 0)),))
    array = RNG.random(SIZE).astype(np.float32)
    assert encode_geotiff(array, place) == encode_geotiff(array, place)


# What is refused


@pytest.mark.parametrize("kind", ["uint32", "int64", "complex64"])
def test_other_numbers_are_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=f"has {kind} pixels; expected uint8, uint16"):
        load_image(write(tmp_path / "g.tif", np.ones((*SIZE, 1), kind)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"photometric": "miniswhite"}, "stores MINISWHITE samples"),
        ({"extratags": [(274, 3, 1, 6, True)]}, r"stored turned \(orientation 6\)"),
    ],
)
def test_what_would_need_interpretation_is_refused(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=words):
        load_image(write(tmp_path / "g.tif", bands(1, "int16"), **options))


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused(keep: float, tmp_path: Path) -> None:
    path = write(tmp_path / "g.tif", bands(5, "float32"), compression="zlib")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(ImageError, match="cannot be read; expected a complete"):
        load_image(path)


def test_too_many_numbers_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    path = write(tmp_path / "g.tif", bands(7, "uint8"))
    with pytest.raises(ImageError, match=r"23x37 pixels of 7 bands; at most 851 pixels"):
        load_image(path, max_pixels=851)


def test_a_ground_truth_keeps_its_numbers(tmp_path: Path) -> None:
    labels = RNG.integers(0, 400, (*SIZE, 1)).astype(np.uint16)
    assert np.array_equal(load_truth(write(tmp_path / "t.tif", labels)).labels, labels[..., 0])
    with pytest.raises(ImageError, match="expected one band of whole numbers"):
        load_truth(write(tmp_path / "f.tif", labels + np.float32(0.5)))


def test_without_tifffile_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "g.tif", bands(3, "uint8"))
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(ImageError, match=r"needs tifffile: pip install 'misure-onnx\[geo\]'"):
        load_image(path)
    with pytest.raises(InputError, match=r"needs tifffile: pip install 'misure-onnx\[geo\]'"):
        read_georeference(path)
