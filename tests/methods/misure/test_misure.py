"""Both stages on models whose minimal region is known, and eq. 1 against a slow transcription."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from misure_onnx.api import load_segmenter
from misure_onnx.errors import GradientError, ParameterError
from misure_onnx.gradients.base import MaskProblem, PreservationLoss
from misure_onnx.mask import resize_region
from misure_onnx.methods.misure import MiSuRe
from misure_onnx.methods.misure.area_sweep import sweep_area
from misure_onnx.methods.misure.minimal_region import optimise_mask
from misure_onnx.methods.progress import silent
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.target import Target
from tests.methods.asked import task_on
from tests.tiny_models import disc_image, key_region, noise_image, small_network, uniform

pytest.importorskip("torch", reason="torch is not installed: the gradient route needs it")

import torch

SHAPE = (36, 44)


@pytest.fixture
def key_and_object() -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    thing, key = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    thing[8:28, 8:34] = True
    key[12:16, 20:30] = True
    return thing, key


@pytest.mark.parametrize("preset", ["minimal", "smooth"])
def test_the_minimal_region_lies_in_the_known_evidence(
    tmp_path: Path, key_and_object: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]], preset: str
) -> None:
    thing, key = key_and_object
    model = key_region(tmp_path / "key.onnx", object_region=thing, key=key)
    method = MiSuRe.from_preset(preset, mask_size=44)
    explanation = method.explain(load_segmenter(model, "unit"), np.full(SHAPE, 255, np.uint8), Target.from_class(1))
    region = explanation.minimal_region
    assert explanation.certificate.dice > 0.9
    assert explanation.provenance.status == "ok"
    # More than half of the evidence is needed and nothing else is; a grid cell at its border may stick out.
    assert (region & key).sum() > 0.5 * key.sum()
    assert region.sum() <= (1.0 if preset == "minimal" else 1.5) * key.sum()
    assert (region & ~key).sum() <= (0.25 if preset == "minimal" else 0.5) * key.sum()


def test_pixels_that_decide_for_themselves_must_all_stay(bright_pixels: Path) -> None:
    # Each pixel of the disc needs itself, so a share a of the disc gives Dice 2a/(1+a): 0.9 needs a > 0.818.
    explanation = MiSuRe.from_preset("minimal", mask_size=24).explain(
        load_segmenter(bright_pixels, "unit"), disc_image(radius=7)
    )
    assert explanation.certificate.dice > 0.9
    assert 0.818 < explanation.metrics.perturbation_ratio <= 1


def eq_1_in_float64(
    model: torch.nn.Module, image: npt.NDArray[np.float32], region: npt.NDArray[np.bool_], method: MiSuRe
) -> npt.NDArray[np.float64]:
    """The paper's stage 2 written with torch's own pieces: interpolate, softmax, AdamW, clamp."""
    x, y = torch.tensor(image), torch.tensor(region.astype(np.float32))
    start = torch.tensor(resize_region(region, (method.mask_size, method.mask_size)).astype(np.float32))[None, None]
    theta = start.clone().requires_grad_()
    adam = torch.optim.AdamW(
        [theta], lr=method.learning_rate, weight_decay=method.weight_decay, eps=method.adam_epsilon
    )
    for _ in range(method.iterations):
        mask = torch.nn.functional.interpolate(theta, size=x.shape[2:], mode="bilinear", align_corners=False) * y
        p = torch.softmax(model(x * mask), dim=1)[0, 1]
        dice = [(2 * (a * b).sum() + 1e-7) / (a.sum() + b.sum() + 1e-7) for a, b in ((p, y), (1 - p, 1 - y))]
        loss = (
            method.area_weight * mask.abs().mean()
            + 1
            - method.alpha_target * dice[0]
            - method.alpha_background * dice[1]
        )
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        with torch.no_grad():
            theta[theta < method.clamp_below] = 0
            theta.clamp_(0, 1)
            theta *= start
    return np.asarray(torch.nn.functional.interpolate(theta.detach(), size=x.shape[2:], mode="bilinear")[0, 0] * y)


class _SameNetwork(torch.nn.Module):
    """`small_network` as a torch module, with the ONNX file's weights."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        import onnx  # noqa: PLC0415 - only here

        weights = {t.name: torch.tensor(onnx.numpy_helper.to_array(t)) for t in onnx.load(path).graph.initializer}
        self.weights = weights

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        conv = torch.nn.functional.conv2d
        hidden = torch.tanh(conv(x, self.weights["w1"], self.weights["b1"], padding=2))
        return conv(hidden, self.weights["w2"], self.weights["b2"], padding=2)


@pytest.mark.parametrize("settings", [{}, {"learning_rate": 0.01}, {"mask_size": 20, "area_weight": 0.1}])
def test_the_paper_preset_follows_eq_1_step_by_step(tmp_path: Path, settings: dict[str, float]) -> None:
    path = small_network(tmp_path / "net.onnx", size=(40, 48), classes=2)
    task = task_on(path, noise_image((40, 48), 3), preprocess="minus1_1")
    method = MiSuRe.from_preset("paper", **{"iterations": 20, "tau": 0.0, **settings})
    found = method.attribute(task)
    assert found.sufficient_region is not None
    assert found.sufficient_region.dilations == 0  # tau 0: stage 2 starts from the prediction itself
    expected = eq_1_in_float64(_SameNetwork(path), task.image, task.target.region, method)
    assert found.saliency.std() > 0.05, "the masks must differ from pixel to pixel to test anything"
    # Sign-like steps amplify float rounding on a few pixels; nearly all must agree closely.
    assert np.mean(np.abs(found.saliency - expected) < 1e-3) > 0.99


def test_the_literal_preset_returns_the_last_mask_and_the_constrained_ones_a_region_that_passes(tmp_path: Path) -> None:
    path = small_network(tmp_path / "net.onnx", size=(40, 48))
    task = task_on(path, noise_image((40, 48), 5), preprocess="minus1_1")
    assert MiSuRe.from_preset("paper", area_weight=50.0).attribute(task).region.sum() == 0
    constrained = MiSuRe.from_preset("minimal").attribute(task)
    kept = constrained.region.astype(np.float32)
    assert task.dice(kept[None], np.zeros_like(task.image))[0] > 0.9


def test_cross_entropy_can_replace_the_dice_loss(
    tmp_path: Path, key_and_object: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]
) -> None:
    thing, key = key_and_object
    model = key_region(tmp_path / "key.onnx", object_region=thing, key=key)
    method = MiSuRe.from_preset("minimal", mask_size=44, loss="cross_entropy")
    explanation = method.explain(load_segmenter(model, "unit"), np.full(SHAPE, 255, np.uint8))
    assert explanation.certificate.dice > 0.9
    assert explanation.minimal_region.sum() < 0.25 * thing.sum()


def test_a_model_that_ignores_the_image_needs_no_pixel_at_all(tmp_path: Path) -> None:
    task = task_on(uniform(tmp_path / "uniform.onnx"), noise_image())
    found = MiSuRe.from_preset("minimal").attribute(task)
    assert found.region.sum() == 0
    assert np.ptp(found.saliency) < 1e-6


def test_the_trace_has_an_entry_an_evaluation(bright_pixels: Path) -> None:
    for preset, evaluations in (("smooth", 7), ("paper", 8)):  # eq. 1 measures the mask after the last step too
        method = MiSuRe.from_preset(preset, iterations=7, mask_size=16, second_run=0)
        found = method.attribute(task_on(bright_pixels, disc_image()))
        assert found.backwards == evaluations
        assert {len(found.trace[name]) for name in ("loss", "dice", "area")} == {evaluations}


def test_without_an_onnx_graph_the_error_names_what_remains() -> None:
    declared = Preprocessing(scale=1 / 255, size=(20, 24), output="sigmoid_logits", color="GRAY")
    segmenter = load_segmenter(lambda images: (images - 0.5).astype(np.float32), declared)
    remains = r"no graph to differentiate.*search and finite_difference.*forwards only.*misure methods"
    for route in ("gradient", "onnx_gradient", "torch"):
        with pytest.raises(GradientError, match=remains):
            MiSuRe(route=route).explain(segmenter, disc_image())


def test_an_unknown_route_is_refused_with_the_known_ones(bright_pixels: Path) -> None:
    with pytest.raises(ParameterError, match="auto, gradient, onnx_gradient, torch, finite_difference, search"):
        MiSuRe(route="magic").attribute(task_on(bright_pixels, disc_image()))


def test_the_defaults_are_the_preset_smooth() -> None:
    assert MiSuRe() == MiSuRe.from_preset("smooth")
    assert MiSuRe().preset() == "smooth"
    assert MiSuRe(tau=0.8).preset() == "smooth"
    assert MiSuRe(smoothing=0.5).preset() is None


def test_the_paper_preset_has_the_paper_s_numbers() -> None:
    paper = MiSuRe.from_preset("paper")
    assert (paper.tau, paper.mask_size, paper.iterations, paper.learning_rate) == (0.9, 224, 100, 0.1)
    assert (paper.area_weight, paper.smoothness_weight, paper.clamp_below) == (0.01, 0.0, 0.2)
    assert (paper.alpha_target, paper.alpha_background) == (2.0, 1.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tau", 1.0), ("loss", "hinge"), ("background", "none"), ("mask_size", 1), ("iterations", -1),
        ("learning_rate", 0.0), ("smoothing", -0.1), ("second_run", -1), ("alternatives", -1), ("block_checks", -1),
        ("descent", 0.5), ("smoothness_exponent", 0.5), ("clamp_below", 1.0),
        ("budget", 0),
    ],
)  # fmt: skip
def test_a_parameter_outside_its_range_is_refused(name: str, value: float | str) -> None:
    with pytest.raises(ParameterError, match=name):
        MiSuRe.with_parameters({name: value})


def test_an_object_thinner_than_a_grid_cell_is_not_lost(tmp_path: Path) -> None:
    shape = (60, 60)
    thing = np.zeros(shape, bool)
    thing[31, 31] = True
    model = key_region(tmp_path / "key.onnx", object_region=thing, key=thing)
    from misure_onnx.gradients import mask_gradient  # noqa: PLC0415 - only here

    task = task_on(model, np.full(shape, 255, np.uint8))
    problem = MaskProblem(task.image, (np.zeros_like(task.image),), task.target, PreservationLoss())
    gradient, _ = mask_gradient("torch", task.segmenter, problem)
    for preset in ("minimal", "paper"):
        method = MiSuRe.from_preset(preset, mask_size=4, iterations=5)
        literal = optimise_mask(gradient, thing, (4, 4), method.schedule(), silent)
        assert literal.final.soft[31, 31] > 0
        swept = sweep_area(gradient, thing, method.search(task).sweep, silent)
        assert swept.feasible[0].region[31, 31]
