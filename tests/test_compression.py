"""The smallest file in which the deployed model still finds the object: by brute force, on models known by hand."""

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from misure_onnx.api import load_segmenter
from misure_onnx.cli import main
from misure_onnx.compression import FACTORS, QUALITIES, compress
from misure_onnx.errors import ImageError, InputError, ParameterError
from misure_onnx.explanation import Explanation
from misure_onnx.images import load_image
from misure_onnx.methods.predicted_mask import PredictedMask
from misure_onnx.methods.sufficient_region import SufficientRegion
from misure_onnx.segmenter import Segmenter
from misure_onnx.target import Target
from tests.tiny_models import bright_pixels, noise_image, small_network

SIZE = (48, 64)


def bright_squares() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """One large and one small bright square on noise."""
    image = np.asarray(np.random.default_rng(0).integers(0, 90, SIZE), np.uint8)
    image[8:40, 8:40] = 220
    image[4:8, 50:54] = 220
    return image


@pytest.fixture
def segmenter(tmp_path: Path) -> Segmenter:
    return load_segmenter(bright_pixels(tmp_path / "net.onnx", size=SIZE), "unit")


@pytest.fixture
def explanation(segmenter: Segmenter) -> Explanation:
    return SufficientRegion().explain(segmenter, bright_squares(), Target.from_class(1).at(20, 20))


def dice_of(content: bytes, segmenter: Segmenter) -> float:
    """Of the large square: decoded, resized, thresholded by hand; the small square does not count."""
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert decoded is not None
    pixels = cv2.resize(decoded, SIZE[::-1], interpolation=cv2.INTER_LINEAR)
    found = segmenter.predict(segmenter.prepare(load_image(np.asarray(pixels, np.uint8))))[0, 1] > 0
    found[4:8, 50:54] = False
    truth = np.zeros(SIZE, bool)
    truth[8:40, 8:40] = True
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


def test_each_file_passes_and_no_smaller_one_of_its_kind_does(explanation: Explanation, segmenter: Segmenter) -> None:
    image, found = bright_squares(), compress(explanation, segmenter, bright_squares(), tau=0.95)
    for encoded in found.best.values():
        assert encoded is not None
        assert encoded.dice == pytest.approx(dice_of(encoded.content, segmenter), abs=1e-9)
        assert encoded.dice > 0.95
    smaller = {
        (factor, quality): cv2.resize(image, (round(64 / factor), round(48 / factor)), interpolation=cv2.INTER_AREA)
        for factor in FACTORS
        for quality in QUALITIES
    }
    for scheme in ("uniform", "jpeg"):
        passing = []
        for (factor, quality), pixels in smaller.items():
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, optimize=True)
            if (factor == 1) == (scheme == "jpeg") and dice_of(buffer.getvalue(), segmenter) > 0.95:
                passing.append(len(buffer.getvalue()))
        best = found.best[scheme]  # type: ignore[index]
        assert best is not None
        assert len(best.content) == min(passing)


def test_outside_the_region_the_picture_is_coarser(explanation: Explanation, segmenter: Segmenter) -> None:
    found = compress(explanation, segmenter, bright_squares(), tau=0.95)
    own, plain = found.best["exemplar"], found.best["jpeg"]
    assert own is not None
    assert plain is not None
    assert own.outside_factor in (2 * own.factor, 4 * own.factor, 8 * own.factor)
    assert len(own.content) < len(plain.content)
    assert found.region_share == explanation.minimal_region.mean()
    saved = found.to_json()["bytes_saved"]["jpeg"]
    assert saved == 1 - len(own.content) / len(plain.content)
    assert found.forwards > 3


def test_what_nothing_passes_is_said(segmenter: Segmenter) -> None:
    """Of noise, no coarser picture shows the same pixels."""
    image = noise_image(SIZE)[..., 0]
    explanation = SufficientRegion().explain(segmenter, image, Target.from_class(1))
    document = compress(explanation, segmenter, image, tau=0.99).to_json()
    assert document["schemes"]["uniform"] is None
    assert document["bytes_saved"]["uniform"] is None


def test_what_cannot_be_compressed_is_refused(explanation: Explanation, segmenter: Segmenter) -> None:
    with pytest.raises(ParameterError, match=r"tau must lie between 0 and 1, got 1\.5"):
        compress(explanation, segmenter, bright_squares(), tau=1.5)
    with pytest.raises(InputError, match="another image"):
        compress(explanation, segmenter, bright_squares() + 1)
    with pytest.raises(ImageError, match="8-bit grey or RGB pictures, got 1 channels of uint16"):
        compress(explanation, segmenter, np.full(SIZE, 40000, np.uint16))
    whole = PredictedMask().explain(segmenter, bright_squares(), Target.from_class(1))
    with pytest.raises(ParameterError, match="predicted_mask has no sufficient region"):
        compress(whole, segmenter, bright_squares(), region="sufficient")


def test_the_command_writes_picture_and_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, out = small_network(tmp_path / "net.onnx", size=(40, 52)), tmp_path / "out"
    smooth = cv2.GaussianBlur(noise_image((40, 52), 2), (0, 0), 3)
    cv2.imwrite(str(tmp_path / "p.png"), smooth)
    options = ["--class", "1", "--preprocess", "minus1_1", "--method", "sufficient_region", "--tau", "0.6"]
    assert main(["compress", str(model), str(tmp_path / "p.png"), *options, "--out", str(out), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads((out / "compression.json").read_text(encoding="utf-8"))
    own = document["schemes"]["exemplar"]
    assert own["bytes"] == (out / "compressed.jpg").stat().st_size
    assert own["dice"] > 0.6
    assert main(["compress", str(model), str(tmp_path / "p.png"), *options]) == 0
    assert "sharper where it counts" in capsys.readouterr().out
