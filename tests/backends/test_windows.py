"""Sliding windows: every pixel's mean by hand, the whole where windows agree, and what is refused."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.api import load_segmenter, make_method
from misure_onnx.backends.windows import WindowedSegmenter
from misure_onnx.cli import main
from misure_onnx.errors import GradientError, ImageError, ParameterError
from misure_onnx.images import load_image
from misure_onnx.target import Target
from tests.tiny_models import bright_pixels, noise_image, pointwise, small_network

WINDOW, IMAGE = (8, 12), (19, 29)


def weights() -> npt.NDArray[np.float64]:
    along = [np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / (n / 8)) ** 2) for n in WINDOW]
    return np.asarray(np.maximum(np.outer(*along), 1e-3))


@pytest.mark.parametrize(
    ("overlap", "rows", "columns"), [(0.0, [0, 8, 11], [0, 12, 17]), (0.5, [0, 4, 8, 11], [0, 6, 12, 17])]
)
def test_a_pixel_s_scores_are_the_weighted_mean_of_its_windows(
    tmp_path: Path, overlap: float, rows: list[int], columns: list[int]
) -> None:
    model = small_network(tmp_path / "net.onnx", size=WINDOW)
    inner, windowed = load_segmenter(model, "unit"), load_segmenter(model, "unit", window=overlap)
    assert isinstance(windowed, WindowedSegmenter)
    x = windowed.prepare(load_image(noise_image(IMAGE)))
    assert x.shape == (1, 3, *IMAGE)
    sums, total = np.zeros((4, *IMAGE)), np.zeros(IMAGE)
    for row in rows:
        for column in columns:
            place = np.s_[row : row + 8, column : column + 12]
            sums[(slice(None), *place)] += inner.predict(x[(..., *place)])[0] * weights()
            total[place] += weights()
    assert windowed.predict(x)[0] == pytest.approx(sums / total, abs=1e-5)
    assert windowed.windows_of(IMAGE) == len(rows) * len(columns)


def test_a_model_that_looks_at_pixels_alone_gives_what_it_gives_for_the_whole(tmp_path: Path) -> None:
    windowed = load_segmenter(pointwise(tmp_path / "w.onnx", size=WINDOW), "unit", window=0.5)
    whole = load_segmenter(pointwise(tmp_path / "p.onnx", size=IMAGE), "unit")
    image = load_image(noise_image(IMAGE))
    x = whole.prepare(image)
    assert np.array_equal(windowed.prepare(image), x)
    assert windowed.predict(np.concatenate([x, 1 - x])) == pytest.approx(
        whole.predict(np.concatenate([x, 1 - x])), abs=1e-5
    )


def test_volumes_slide_too_and_the_minimal_region_is_searched_by_forwards(tmp_path: Path) -> None:
    voxels = np.zeros((9, 14, 11, 1), np.float32)
    voxels[3:7, 5:12, 2:9] = 1
    segmenter = load_segmenter(bright_pixels(tmp_path / "b.onnx", size=(4, 5, 6)), {}, window=0.25)
    explanation = make_method("misure", "minimal", {"budget": "60"}).explain(segmenter, voxels, Target.from_class(1))
    assert explanation.provenance.gradient_route == "search"
    assert explanation.certificate.passed
    assert not (explanation.minimal_region & ~(voxels[..., 0] > 0)).any()
    assert any("windows of 4x5x6, 25% overlap" in note for note in explanation.provenance.notes)


def test_what_cannot_slide_is_refused(tmp_path: Path) -> None:
    model = small_network(tmp_path / "net.onnx", size=WINDOW)
    with pytest.raises(ParameterError, match=r"overlap from 0 to below 1 .* got 1"):
        load_segmenter(model, "unit", window=1.0)
    with pytest.raises(ParameterError, match="takes images of any size"):
        load_segmenter(small_network(tmp_path / "free.onnx", size=("H", "W")), "unit", window=0.5)  # type: ignore[arg-type]
    windowed = load_segmenter(model, "unit", window=0.5)
    with pytest.raises(ImageError, match="the image is 7x29, smaller than the model's windows of 8x12"):
        windowed.prepare(load_image(noise_image((7, 29))))
    with pytest.raises(GradientError, match="no graph"):
        make_method("misure", None, {"route": "torch"}).explain(windowed, noise_image(IMAGE))


def test_the_command_line_slides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image  # noqa: PLC0415 - only here

    Image.fromarray(noise_image(IMAGE)).save(tmp_path / "large.png")
    model = small_network(tmp_path / "net.onnx", size=WINDOW)
    arguments = [
        "explain",
        str(model),
        str(tmp_path / "large.png"),
        "--preprocess",
        "unit",
        "--method",
        "predicted_mask",
    ]
    assert main([*arguments, "--window", "0.5", "--out", str(tmp_path / "out")]) == 0
    assert "windows of 8x12" in capsys.readouterr().err
    assert main([*arguments, "--window", "1.5"]) == 2
    assert "overlap from 0" in capsys.readouterr().err
