"""Blending and baselines."""

import cv2
import numpy as np
import pytest

from misure_onnx.errors import ParameterError
from misure_onnx.perturbation import BASELINES, BLUR_SIGMA_SHARE, blend, make_baseline
from misure_onnx.types import FloatArray, Images

N, C, H, W = 4, 3, 10, 14

every_baseline = pytest.mark.parametrize("name", BASELINES)


def image(seed: int = 0, channels: int = C, size: tuple[int, int] = (H, W)) -> Images:
    """Skewed values whose channels differ in place and spread."""
    rng = np.random.default_rng(seed)
    planes = rng.gamma(2, 1, (1, channels, *size)) * np.arange(1, channels + 1)[:, None, None]
    return np.asarray(planes - 2, np.float32)


def masks(seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).random((N, H, W), np.float32)


def baseline(name: str, of: Images, seed: int = 0) -> Images:
    return make_baseline(name, of, np.random.default_rng(seed))


@pytest.mark.parametrize("replacement", [np.zeros((1, C, H, W), np.float32), image(1)])
def test_blending_keeps_m_of_the_image_and_the_rest_of_the_baseline(replacement: Images) -> None:
    blended = blend(image(), masks(), replacement)
    assert blended.shape == (N, C, H, W)
    assert blended.dtype == np.float32
    for n, c, y, x in np.ndindex(N, C, H, W):
        m, kept, put = float(masks()[n, y, x]), float(image()[0, c, y, x]), float(replacement[0, c, y, x])
        assert blended[n, c, y, x] == pytest.approx(kept * m + put * (1 - m), abs=1e-5)


@every_baseline
def test_a_binary_mask_takes_pixels_bit_for_bit(name: str) -> None:
    """A full mask must be the image itself, or Algorithm 1 need not end."""
    binary = (masks() < 0.5).astype(np.float32)
    binary[0], binary[1] = 0, 1
    replacement = baseline(name, image())
    blended = blend(image(), binary, replacement)
    expected = np.where(binary[:, None] == 1, image(), replacement)
    assert np.array_equal(blended, expected)


def test_blending_changes_none_of_its_arguments() -> None:
    original, mask, replacement = image(), masks(), image(1)
    blend(original, mask, replacement)
    assert np.array_equal(original, image())
    assert np.array_equal(mask, masks())
    assert np.array_equal(replacement, image(1))


def test_the_registry_has_the_five_baselines() -> None:
    assert list(BASELINES) == ["zero", "mean", "blur", "noise", "shuffle"]


@every_baseline
@pytest.mark.parametrize(("channels", "size"), [(3, (H, W)), (1, (2, 2)), (5, (3, 40))])
def test_a_baseline_has_the_image_s_shape_float32_and_is_finite(
    name: str, channels: int, size: tuple[int, int]
) -> None:
    original = image(0, channels, size)
    made = baseline(name, original)
    assert made.shape == original.shape
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    assert np.array_equal(original, image(0, channels, size))


@every_baseline
def test_a_baseline_follows_its_generator_and_nothing_else(name: str) -> None:
    np.random.seed(5)  # noqa: NPY002 - the global generator is what must not be touched
    expected = np.random.random(3)  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    one, same, other = (baseline(name, image(), seed) for seed in (0, 0, 1))
    assert np.array_equal(np.random.random(3), expected)  # noqa: NPY002
    assert np.array_equal(one, same)
    assert np.array_equal(one, other) == (name not in ("noise", "shuffle"))


@every_baseline
def test_a_baseline_stays_within_the_channel_s_range_or_is_zero(name: str) -> None:
    made = baseline(name, image())
    for c in range(C):
        low, high = image()[0, c].min(), image()[0, c].max()
        assert low - 1e-5 <= made[0, c].min() or name == "zero"
        assert made[0, c].max() <= high + 1e-5


def test_zero_is_zero() -> None:
    assert not baseline("zero", image()).any()


def test_mean_is_every_channel_s_mean_everywhere() -> None:
    made = baseline("mean", image())
    for c in range(C):
        assert made[0, c] == pytest.approx(np.full((H, W), float(image()[0, c].astype(float).mean())), abs=1e-5)


def test_shuffle_moves_whole_pixels() -> None:
    made = baseline("shuffle", image())

    def colours(pixels: Images) -> list[tuple[float, ...]]:
        return sorted(tuple(map(float, pixel)) for pixel in pixels[0].reshape(C, -1).T)

    assert colours(made) == colours(image())
    assert not np.array_equal(made, image())


def test_noise_has_every_channel_s_mean_and_spread() -> None:
    original = image(size=(80, 90))
    made = baseline("noise", original)
    for c in range(C):
        own, drawn = original[0, c].astype(float), made[0, c].astype(float)
        # The clip to the channel's range moves both a little; the original is skewed.
        assert drawn.mean() == pytest.approx(own.mean(), abs=0.15 * own.std())
        assert drawn.std() == pytest.approx(own.std(), rel=0.2)
        assert abs(np.corrcoef(own.ravel(), drawn.ravel())[0, 1]) < 0.05


def test_blur_is_a_gaussian_of_the_stated_share_of_the_longer_side() -> None:
    point = np.zeros((1, 1, 81, 101), np.float32)
    point[0, 0, 40, 50] = 1
    made = baseline("blur", point)[0, 0]
    sigma = BLUR_SIGMA_SHARE * 101
    rows, columns = np.mgrid[:81, :101]
    bell = np.exp(-((rows - 40) ** 2 + (columns - 50) ** 2) / (2 * sigma**2))
    assert made == pytest.approx(bell / bell.sum(), abs=2e-5)


def test_blur_treats_channels_alike() -> None:
    made = baseline("blur", image())
    for c in range(C):
        alone = cv2.GaussianBlur(image()[0, c], (0, 0), BLUR_SIGMA_SHARE * W)
        assert made[0, c] == pytest.approx(alone, abs=1e-5)


@every_baseline
def test_a_constant_image_has_itself_as_a_baseline_or_zero(name: str) -> None:
    constant = np.full((1, C, H, W), 1.5, np.float32)
    expected = np.zeros_like(constant) if name == "zero" else constant
    assert baseline(name, constant) == pytest.approx(expected, abs=1e-5)


def test_an_unknown_baseline_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ParameterError, match="baseline 'grey' is unknown; the known ones are zero, mean, blur"):
        baseline("grey", image())
